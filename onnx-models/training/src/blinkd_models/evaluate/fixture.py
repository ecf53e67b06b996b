"""The tables that ``blinkd eval`` and ``blinkd_models compare`` must judge alike, and the judgement.

Comes in: a seed. Goes out: ``truth.csv``, ``localizations.csv``, ``expected.json``, the same in 3D, ``settings.json``.
Never: a value so close to the edge of a bin or gate that rounding decides.

Run from ``onnx-models/training``: ``python -m blinkd_models.evaluate.fixture ../../clients/conformance/eval``.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from blinkd_models.evaluate.bound import Optics, parse_psf
from blinkd_models.evaluate.comparison import compare
from blinkd_models.evaluate.groups import PHOTON_EDGES
from blinkd_models.evaluate.match import Array
from blinkd_models.evaluate.table import read_table

BACKGROUND_PHOTONS = 20.0
FIELD_NM = 6000.0
CLEAR_NM = 0.05
"""No distance lies closer than this to a gate or radius, no position to the edge of a part of a pixel."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pair of tables and how to read them."""

    suffix: str
    seed: int
    frames: int
    per_frame: float
    pixel_size_nm: float
    psf: str
    volume: bool

    def settings(self) -> dict[str, Any]:
        """What has to be given to either program."""
        return {
            "localizations": f"localizations{self.suffix}.csv",
            "truth": f"truth{self.suffix}.csv",
            "expected": f"expected{self.suffix}.json",
            "volume": self.volume,
            "pixel_size_nm": self.pixel_size_nm,
            "psf": self.psf,
            "background": BACKGROUND_PHOTONS,
        }


CASES = (
    Case(
        suffix="", seed=1, frames=120, per_frame=9.0, pixel_size_nm=100.0, psf="gaussian,sigma_nm=130", volume=False
    ),
    Case(
        suffix="_3d", seed=2, frames=80, per_frame=8.0, pixel_size_nm=110.0,
        psf="astigmatic,sigma_nm=125,focus_nm=200,depth_nm=400", volume=True,
    ),
)  # fmt: skip


def judge(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What ``compare`` says of one case in the folder."""
    size = settings["pixel_size_nm"]
    return compare(
        truth=read_table(folder / settings["truth"]),
        found=read_table(folder / settings["localizations"]),
        volume=settings["volume"],
        pixel_size_nm=size,
        optics=Optics(
            psf=parse_psf(settings["psf"], pixel_size_nm=size),
            pixel_size_nm=size,
            background_photons=settings["background"],
        ),
    )


def write(folder: Path) -> None:
    """Writes all files."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        settings = case.settings()
        _write_tables(case, folder=folder)
        expected = json.dumps(judge(folder, settings), indent=1)
        (folder / settings["expected"]).write_text(expected + "\n", encoding="utf-8")
    cases = json.dumps([case.settings() for case in CASES], indent=1)
    (folder / "settings.json").write_text(cases + "\n", encoding="utf-8")


def _write_tables(case: Case, *, folder: Path) -> None:
    """Emitters in pairs and alone; localizations with errors of their sigma, some missing, some of nothing."""
    random = np.random.default_rng(case.seed)
    frame, true_nm, photons, background = _draw_truth(case, random=random)
    sigma_nm = np.column_stack(
        [scale * np.sqrt(1e3 / photons) * random.uniform(0.8, 1.3, len(frame)) for scale in (9.0, 10.0, 25.0)]
    )
    found_nm = true_nm + sigma_nm * random.normal(size=true_nm.shape) * 1.1 + [1.0, -2.0, 5.0]
    crowded = random.random(len(frame)) < 0.1
    found_nm[crowded, :2] += random.uniform(-260.0, 260.0, (int(crowded.sum()), 2))
    kept = random.random(len(frame)) < np.clip(0.4 + photons / 2000.0, 0.0, 0.95)
    nothing = 60
    found = np.column_stack(
        [
            np.concatenate([frame[kept], random.integers(0, case.frames + 3, nothing)]),
            np.concatenate([found_nm[kept], _places(nothing, case=case, random=random)]),
            np.concatenate([photons[kept] * 0.97 + 25.0, random.uniform(60.0, 9000.0, nothing)]),
            np.concatenate([background[kept] * 1.05 + random.normal(size=kept.sum()), np.full(nothing, 18.0)]),
            np.concatenate([sigma_nm[kept], random.uniform(5.0, 60.0, (nothing, 3))]),
        ]
    )
    truth = np.column_stack([frame, true_nm, photons, background])
    truth = truth[_clear(truth, case=case)]
    truth = truth[_clear_of(truth, truth=truth)]
    found = found[_clear(found, case=case)]
    found = found[_clear_of(found, truth=truth)]
    found = found[np.argsort(found[:, 0], kind="stable")]
    names = ["frame", "x [nm]", "y [nm]", "z [nm]", "intensity [photon]", "offset [photon]"]
    if case.volume:
        names_found = [*names, "uncertainty_x [nm]", "uncertainty_y [nm]", "uncertainty_z [nm]"]
    else:
        names_found = [*names, "uncertainty_xy [nm]"]
        found[:, 6] = np.sqrt((found[:, 6] ** 2 + found[:, 7] ** 2) / 2.0)
        found = found[:, :7]
    _write_csv(truth, names=names, case=case, path=folder / f"truth{case.suffix}.csv")
    _write_csv(found, names=names_found, case=case, path=folder / f"localizations{case.suffix}.csv")


def _draw_truth(case: Case, *, random: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Frame, position, photons and background; every third emitter has a companion within 600 nm."""
    number = random.poisson(case.per_frame * case.frames * 0.75)
    frame = random.integers(0, case.frames, number).astype(np.float64)
    places = _places(number, case=case, random=random)
    companion = np.arange(number) % 3 == 0
    shift = random.uniform(-420.0, 420.0, (int(companion.sum()), 3))
    frame = np.concatenate([frame, frame[companion]])
    places = np.concatenate([places, places[companion] + shift])
    photons = np.exp(random.uniform(np.log(120.0), np.log(12000.0), len(frame)))
    order = np.argsort(frame, kind="stable")
    return frame[order], places[order], photons, BACKGROUND_PHOTONS * random.uniform(0.7, 1.4, len(frame))


def _places(number: int, *, case: Case, random: np.random.Generator) -> Array:
    places = random.uniform(500.0, FIELD_NM - 500.0, (number, 3))
    places[:, 2] = random.uniform(-500.0, 500.0, number) if case.volume else 0.0
    return places


def _clear(rows: Array, *, case: Case) -> Array:
    """Rows whose place in the pixel and photons are not at the edge of a bin."""
    part_nm = case.pixel_size_nm / 20.0
    from_edge = np.abs((rows[:, 1:3] + part_nm / 2.0) % part_nm - part_nm / 2.0)
    from_photons = np.abs(rows[:, 4, None] - np.array(PHOTON_EDGES[:-1]))
    clear: Array = (from_edge > CLEAR_NM).all(axis=1) & (from_photons > 0.1).all(axis=1)
    return clear


def _clear_of(found: Array, *, truth: Array) -> Array:
    """Rows that are not at the edge of the gate, or of the neighbourhood, of an emitter."""
    apart = found[:, None, :4] - truth[None, :, :4]
    lateral = np.hypot(apart[..., 1], apart[..., 2])
    close = [np.abs(lateral - edge) < CLEAR_NM for edge in (250.0, 500.0)]
    close.append(np.abs(np.abs(apart[..., 3]) - 500.0) < CLEAR_NM)
    clear: Array = ~((apart[..., 0] == 0) & np.any(close, axis=0)).any(axis=1)
    return clear


def _write_csv(rows: Array, *, names: list[str], case: Case, path: Path) -> None:
    """Frames from 1; quoted names as ThunderSTORM writes them; no z in 2D."""
    columns = [index for index in range(len(names)) if case.volume or index != 3]
    lines = [",".join(f'"{names[index]}"' for index in columns)]
    for row in rows:
        lines.append(",".join(f"{row[0] + 1:.0f}" if not index else f"{row[index]:.4f}" for index in columns))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
