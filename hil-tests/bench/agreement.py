"""Whether two programs found the same emitters in the same frames.

Comes in: two tables. Goes out: counts, and the largest differences. Never: a tolerance that hides a difference.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float64]
"""[N, 4]: frame from 0, x and y in px with pixel centres at integers, photons."""

NEAR_PX = 0.05
"""Further apart, two localizations are not the same one."""
SHARE_ALONE = 1e-3
"""So many may stand alone: a probability within rounding of the threshold."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Differences are over those that both have."""

    daemon: int
    reference: int
    both: int
    max_dx_px: float
    max_dy_px: float
    max_dphotons: float
    max_relative_dphotons: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def good(self) -> bool:
        """As many as rounding allows stand alone, and those that both have are the same to 0.002 px and 0.5 %."""
        alone = max(self.daemon, self.reference) - self.both
        near = max(self.max_dx_px, self.max_dy_px) < 2e-3 and self.max_relative_dphotons < 5e-3
        return alone <= max(1.0, SHARE_ALONE * self.reference) and near

    def in_words(self) -> str:
        return (
            f"{self.daemon} / {self.reference} / {self.both} both, |dx| {max(self.max_dx_px, self.max_dy_px):.1e} px, "
            f"|dphotons| {self.max_dphotons:.2g}{'' if self.good() else '  DISAGREE'}"
        )


def read_thunderstorm(path: Path, *, pixel_size_nm: float) -> Table:
    """blinkd's CSV: nm from the corner, frames from 1."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            [float(row[name]) for name in ("frame", "x [nm]", "y [nm]", "intensity [photon]")]
            for row in csv.DictReader(file)
        ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    table[:, 0] -= 1.0
    table[:, 1:3] = table[:, 1:3] / pixel_size_nm - 0.5
    return table


def agreement(daemon: Table, reference: Table) -> Agreement:
    """Pairs the nearest of each frame, one to one."""
    pairs: list[tuple[int, int]] = []
    for frame in np.intersect1d(daemon[:, 0], reference[:, 0]):
        ours, theirs = np.flatnonzero(daemon[:, 0] == frame), np.flatnonzero(reference[:, 0] == frame)
        apart = np.hypot(*(daemon[ours, None, 1:3] - reference[None, theirs, 1:3]).transpose(2, 0, 1))
        nearest, back = apart.argmin(axis=1), apart.argmin(axis=0)
        mutual = (back[nearest] == np.arange(len(ours))) & (apart[np.arange(len(ours)), nearest] < NEAR_PX)
        pairs += zip(ours[mutual].tolist(), theirs[nearest[mutual]].tolist(), strict=True)
    a, b = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    apart = np.abs(daemon[a] - reference[b])
    most = apart.max(axis=0) if len(pairs) else np.zeros(4)
    relative = (apart[:, 3] / np.maximum(reference[b, 3], 1.0)).max() if len(pairs) else 0.0
    return Agreement(
        daemon=len(daemon),
        reference=len(reference),
        both=len(pairs),
        max_dx_px=float(most[1]),
        max_dy_px=float(most[2]),
        max_dphotons=float(most[3]),
        max_relative_dphotons=float(relative),
    )
