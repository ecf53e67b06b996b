"""Beads in a field: where they are, and which of them stand alone.

Comes in: counts [Z, H, W]. Goes out: pixel positions, the side of the window around them, and what was left out.
Never: measures to better than a pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from blinkd_models.calibrate.stack import CalibrationError

WINDOW_NM = 2000.0
SNR_MIN = 8.0
FAINTEST = 0.1
"""Maxima below this share of the brightest bead are debris."""
RIVAL = 0.15
"""A neighbour of this share of a bead's brightness spoils it."""
SMALLEST_WINDOW = 0.7
"""A window may shrink to this share where no bead is far enough from the edge."""
BEADS_MAX = 50


@dataclass(frozen=True, kw_only=True)
class Found:
    """places [N, 2]: row and column of the middle pixel, brightest first. half_px: the window is 2 half + 1 wide."""

    places: NDArray[np.int64]
    half_px: int
    at_edge: int
    crowded: int

    def window(self, counts: NDArray[Any], index: int) -> NDArray[Any]:
        """Counts [Z, 2 half + 1, 2 half + 1] around a bead."""
        row, col = (int(p) for p in self.places[index])
        half = self.half_px
        return counts[:, row - half : row + half + 1, col - half : col + half + 1]


def find_beads(counts: NDArray[Any], *, name: str, pixel_size_nm: float, window_nm: float = WINDOW_NM) -> Found:
    """Local maxima of the filtered mean over z, isolated, a window away from the edge."""
    half = math.ceil(window_nm / 2.0 / pixel_size_nm)
    height, width = counts.shape[1:]
    if min(height, width) < 2 * round(SMALLEST_WINDOW * half) + 1:
        raise CalibrationError(
            f"{name}: pictures of {height} x {width} pixels are smaller than a bead's window of {2 * half + 1}; "
            "record a larger region, or check --pixel-size-nm"
        )
    spot, noise = _filtered(counts, width_px=window_nm / 12.0 / pixel_size_nm)
    peaks = (spot == maximum_filter(spot, size=3)) & (spot > max(SNR_MIN * noise, FAINTEST * float(spot.max())))
    places = np.argwhere(peaks)
    if len(places) == 0:
        raise CalibrationError(
            f"{name}: no beads found: the brightest spot stands {spot.max() / max(noise, 1e-30):.1f} standard "
            f"deviations above the noise, {SNR_MIN:g} are needed; check the exposure and the channel"
        )
    places = places[np.argsort(-spot[tuple(places.T)], kind="stable")]
    alone = _alone(places, strength=spot[tuple(places.T)], distance_px=1.5 * half)
    room = np.minimum(places, np.array([height, width]) - 1 - places).min(axis=1)
    if not alone.any():
        raise CalibrationError(
            f"{name}: {len(places)} beads found, but each has a neighbour within {1.5 * half:.0f} pixels; "
            "dilute the beads"
        )
    least = round(SMALLEST_WINDOW * half)
    if not (alone & (room >= half)).any():
        half = max(least, min(half, int(room[alone].max())))
    kept = alone & (room >= half)
    if not kept.any():
        raise CalibrationError(
            f"{name}: the bead at row {places[0][0]}, column {places[0][1]} sits at the edge; {least} pixels around it "
            "are needed: move it to the middle of the picture, or choose a larger region"
        )
    return Found(
        places=places[kept][:BEADS_MAX], half_px=half, at_edge=int((room < half).sum()), crowded=int((~alone).sum())
    )


def _filtered(counts: NDArray[Any], *, width_px: float) -> tuple[NDArray[np.float64], float]:
    """Difference of Gaussians of the mean over z, and the standard deviation of its noise."""
    even, odd = (counts[start::2].mean(axis=0, dtype=np.float64) for start in (0, 1))

    def band(image: NDArray[np.float64]) -> NDArray[np.float64]:
        wide = gaussian_filter(image, 3.0 * width_px, mode="nearest")
        narrow: NDArray[np.float64] = gaussian_filter(image, width_px, mode="nearest") - wide
        return narrow

    difference = band(0.5 * (even - odd))
    return band(0.5 * (even + odd)), 1.4826 * float(np.median(np.abs(difference - np.median(difference))))


def _alone(places: NDArray[np.int64], *, strength: NDArray[np.float64], distance_px: float) -> NDArray[np.bool_]:
    apart = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    rival = (apart < distance_px) & (apart > 0) & (strength[None, :] > RIVAL * strength[:, None])
    return np.asarray(~rival.any(axis=1))
