"""The recipe of a training of A-net.

Comes in: values from a file or the command line. Goes out: ``AnetSettings`` that contradict nothing. Never: trains.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blinkd_models.anet.network import PUBLISHED, AnetArchitecture
from blinkd_models.anet.pairs import Sampling
from blinkd_models.anet.structures import SWITCH, Structures
from blinkd_models.settings import Device, Precision, SettingsError, no_shares, not_above_zero


@dataclass(frozen=True, kw_only=True)
class AnetSettings:
    """A recipe. The learning rate falls over the budget like half a cosine.

    kinds: structures that are learnt. tables: localization tables (table_pixel_nm: the camera's pixel, for tables
    in pixels) whose frame subsets are learnt as well, in table_share of the updates, as table_kind.
    similarity, low_resolution, adversarial: the paper's weights alpha, beta, gamma. both_share: part of the pictures
    with localizations and widefield; the others have one of them, of which alone_share widefield only.
    workers: processes that make pictures ahead; 0 makes them in place. With workers, each picture is shown ``reuse``
    times on average, turned and mirrored.
    beginning: weight of a cross-entropy that fades over the first beginning_steps.
    """

    minutes: float = 120.0
    steps: int | None = None
    seed: int = 0
    learning_rate: float = 5e-4
    final_learning_rate: float = 1e-5
    warmup_steps: int = 500
    beginning_steps: int = 2000
    beginning: float = 100.0
    discriminator_rate: float = 2e-4
    clip_norm: float = 1.0
    average_decay: float = 0.999
    batch: int = 2
    workers: int = 0
    reuse: int = 1
    side_px: int = 256
    kinds: tuple[str, ...] = ("filaments",)
    tables: tuple[str, ...] = ()
    table_pixel_nm: float = 100.0
    table_kind: str = "filaments"
    table_share: float = 0.5
    similarity: float = 50.0
    low_resolution: float = 25.0
    adversarial: float = 1.0
    both_share: float = 0.4
    alone_share: float = 0.15
    device: Device = "auto"
    precision: Precision = "bf16"
    init: str = ""
    save_every_s: float = 120.0
    log_every_steps: int = 100
    validate_every_min: float = 10.0
    architecture: AnetArchitecture = field(default_factory=AnetArchitecture)
    structures: Structures = field(default_factory=Structures)
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        if problems := self.problems():
            raise SettingsError(problems, source="settings")

    def problems(self) -> list[str]:
        """Everything that cannot be, each with its field and remedy."""
        above_zero = (
            "minutes", "learning_rate", "warmup_steps", "clip_norm", "batch", "side_px", "save_every_s",
            "log_every_steps", "table_pixel_nm", "reuse",
        )  # fmt: skip
        found = not_above_zero(self, above_zero)
        if self.side_px % self.architecture.grid_px:
            found.append(f"side_px is {self.side_px}; this depth needs a multiple of {self.architecture.grid_px}")
        if self.architecture.norm == "instance" and self.side_px == self.architecture.grid_px:
            found.append(f"side_px is {self.side_px}; instance norm needs more than one pixel at the bottom")
        if self.workers < 0:
            found.append(f"workers is {self.workers}; give 0, which makes pictures in place, or a number of processes")
        if self.reuse > 1 and not self.workers:
            found.append("reuse is above 1 without workers; give workers, or leave reuse at 1")
        known = ", ".join(SWITCH)
        found += [f"kinds holds {kind!r}; there are {known}" for kind in self.kinds if kind not in SWITCH]
        if not self.kinds or self.table_kind not in SWITCH:
            found.append(f"kinds and table_kind must be of {known}")
        found += no_shares(self, ("both_share", "alone_share", "average_decay", "table_share"))
        if self.both_share + self.alone_share > 1.0:
            found.append("both_share and alone_share are more than 1 together")
        if self.precision == "fp16":
            found.append("precision is 'fp16'; three networks share no loss scale: use bf16 or fp32")
        return found


PRESETS: dict[str, dict[str, Any]] = {
    "lite": {},
    "published": {
        "architecture": PUBLISHED.as_dict(),
        "side_px": 512,
        "batch": 1,
        "learning_rate": 2e-4,
        "final_learning_rate": 2e-4,
        "warmup_steps": 1,
        "average_decay": 0.0,
        "precision": "fp32",
        "steps": 200_000,
        "minutes": 6000.0,
    },
    "full": {
        "architecture": {"features": 48, "discriminator_features": 32},
        "batch": 8,
        "workers": 14,
        "reuse": 3,
        "learning_rate": 4e-4,
    },
    "all": {"kinds": ["filaments", "nuclear_pores", "mitochondria"]},
}
"""lite: the defaults. full: for a GPU beside 16 processors; at a learning rate of 1e-3 it got
stuck. published: network, optimizer and budget of the paper. all: every kind, told apart by the
switch."""
