"""The recipe of a training: one typed struct, and the named parts of recipes it can be built from.

Comes in: values from a file, the command line or a caller. Goes out: ``Settings`` that contradict nothing.
Never: reads a file (``settings_file`` does), trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args

from blinkd_models.network import Architecture
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

Schedule = Literal["cosine", "published"]
Device = Literal["cpu", "cuda", "auto"]
Precision = Literal["fp32", "bf16", "fp16"]


class SettingsError(ValueError):
    """Settings that cannot be used; the message lists every problem."""

    def __init__(self, problems: Sequence[str], *, source: str) -> None:
        self.problems = list(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A recipe. The cosine schedule follows the spent fraction of the budget: ``minutes``, or ``steps`` if sooner.

    schedule: "cosine" falls from ``learning_rate`` to ``final_learning_rate``; "published" multiplies by
    ``decay_factor`` every ``decay_every_steps`` (DECODE, training details). localization_per_emitter: divide eq. 5 by
    the number of emitters as the paper does; without, a frame weighs as much as it has emitters.
    sequences, frames: an update sees ``sequences * (frames - 1)`` windows. alone_share: part of the updates in which
    every frame stands for its own neighbours (live view). precision: of the body; last layers and loss are fp32.
    init: bundle or checkpoint whose fitting tensors are the start. teacher, teacher_weight: a bundle or checkpoint
    the network is pulled towards (``distil``). validate_every_min: early estimates on a fixed simulation, at most
    ``validate_share`` of the time. collapse_intervals: log lines with lost detections until training warns.
    """

    minutes: float = 110.0
    steps: int | None = None
    seed: int = 0
    learning_rate: float = 2e-3
    final_learning_rate: float = 3e-5
    schedule: Schedule = "cosine"
    decay_factor: float = 0.9
    decay_every_steps: int = 1500
    warmup_steps: int = 500
    weight_decay: float = 1e-4
    clip_norm: float = 0.03
    average_decay: float = 0.999
    sequences: int = 4
    frames: int = 10
    crop_px: int = 40
    alone_share: float = 0.03
    localization_per_emitter: bool = False
    device: Device = "auto"
    precision: Precision = "bf16"
    init: str = ""
    teacher: str = ""
    teacher_weight: float = 0.0
    save_every_s: float = 120.0
    log_every_steps: int = 200
    validate_every_min: float = 5.0
    validate_share: float = 0.03
    collapse_intervals: int = 5
    architecture: Architecture = field(default_factory=Architecture)
    ranges: Ranges = field(default_factory=Ranges)
    scales: Scales = field(default_factory=Scales)

    def __post_init__(self) -> None:
        if problems := self.problems():
            raise SettingsError(problems, source="settings")

    @property
    def windows(self) -> int:
        """Windows of three frames in one update."""
        return self.sequences * (self.frames - 1)

    def problems(self) -> list[str]:
        """Everything that cannot be, each with its field and remedy."""
        above_zero = (
            "minutes", "learning_rate", "decay_factor", "decay_every_steps", "warmup_steps", "clip_norm", "sequences",
            "crop_px", "save_every_s", "log_every_steps", "collapse_intervals",
        )  # fmt: skip
        found = not_above_zero(self, above_zero)
        if self.steps is not None and self.steps < 1:
            found.append(f"steps is {self.steps}; it must be at least 1")
        if self.frames < 2:
            found.append(f"frames is {self.frames}; it must be at least 2, a sequence has a first and a last frame")
        for name, kind in (("schedule", Schedule), ("device", Device), ("precision", Precision)):
            if getattr(self, name) not in get_args(kind):
                found.append(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(get_args(kind))}")
        found += no_shares(self, ("alone_share", "validate_share", "average_decay"))
        if self.crop_px % self.architecture.grid_px:
            found.append(
                f"crop_px is {self.crop_px}; this architecture needs a multiple of {self.architecture.grid_px}"
            )
        if self.teacher_weight < 0.0 or bool(self.teacher) != (self.teacher_weight > 0.0):
            found.append(
                f"teacher is {self.teacher!r}, teacher_weight {self.teacher_weight:g}; give both, the weight above 0"
            )
        return found + self._range_problems()

    def _range_problems(self) -> list[str]:
        """Ranges that run backwards, and z beyond what the output can say."""
        found = []
        for entry in fields(self.ranges):
            value = getattr(self.ranges, entry.name)
            if _is_range(value) and value[0] > value[1]:
                found.append(f"ranges.{entry.name} is {list(value)}; the lower end comes first")
        reach = max(abs(end) for end in self.ranges.z_nm)
        if self.architecture.z and reach > self.scales.z_nm:
            found.append(
                f"ranges.z_nm reaches {reach:g} nm, scales.z_nm is {self.scales.z_nm:g}; give about 1.2 times the reach"
            )
        return found


def not_above_zero(settings: object, names: Sequence[str]) -> list[str]:
    """Those of the named fields that are not above 0, as problems."""
    return [f"{name} is {value}; it must be above 0" for name in names if (value := getattr(settings, name)) <= 0]


def no_shares(settings: object, names: Sequence[str]) -> list[str]:
    """Those of the named fields that are no part of 1, as problems."""
    values = ((name, getattr(settings, name)) for name in names)
    return [f"{name} is {value}; it must lie between 0 and 1" for name, value in values if not 0.0 <= value <= 1.0]


def _is_range(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(end, int | float) for end in value)


PRESETS: dict[str, dict[str, Any]] = {
    "lite": {},
    "published": {
        "learning_rate": 6e-4,
        "schedule": "published",
        "warmup_steps": 1,
        "weight_decay": 0.1,
        "average_decay": 0.0,
        "sequences": 8,
        "frames": 9,
        "alone_share": 0.0,
        "localization_per_emitter": True,
        "precision": "fp32",
        "architecture": {"features": 48, "activation": "elu", "depth_frame": 2, "depth_context": 2},
    },
    "astigmatic": {
        "architecture": {"z": True},
        "ranges": {
            "pixel_size_nm": [100.0, 110.0],
            "psf_sigma_nm": [118.75, 131.25],
            "focus_nm": [190.0, 210.0],
            "depth_nm": [380.0, 420.0],
            "z_nm": [-600.0, 600.0],
        },
        "scales": {"z_nm": 720.0},
    },
}
"""Parts of recipes; later ones override earlier ones, so that ``published astigmatic`` is DECODE in 3D.

lite: the defaults. published: network, loss, optimizer and batch of 64 windows as in the paper (its weight decay is not
stated; 0.1 is the published code's). astigmatic: an astigmatic PSF of 125 nm with focal lines 200 nm off and 400 nm
deep, each within 5 %, over 1.2 um of z.
"""


def plain(value: Any) -> Any:
    """Dataclasses as dictionaries and tuples as lists, without what is None: what a settings file can say."""
    if is_dataclass(value):
        named = ((entry.name, getattr(value, entry.name)) for entry in fields(value))
        return {name: plain(entry) for name, entry in named if entry is not None}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    return value
