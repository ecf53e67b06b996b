"""Several beads become one: aligned in x, y and z, added up.

Comes in: counts of each bead's window. Goes out: photons and variance of the sum, and which beads took part.
Never: rotates or scales a bead; those that look different are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, shift

from blinkd_models.calibrate.noise import Noise

ROUNDS = 4
LIKE_MIN = 0.9
"""Beads whose correlation with the average is lower are not the same thing."""
Z_SHARE_MAX = 0.25
"""Beads further off in z than this share of the stack are left out: too little is common to all."""

Volume = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Average:
    """photons, variance [Z, h, w]: sum of the aligned beads, over the slices that all of them cover.

    first_slice: which slice of the stack is the first of these. shifts [N, 3] (z, row, column; slices and pixels),
    likeness [N], kept [N]: of the beads as given.
    """

    photons: Volume
    variance: Volume
    first_slice: int
    shifts: NDArray[np.float64]
    likeness: NDArray[np.float64]
    kept: NDArray[np.bool_]


def average(beads: Sequence[Volume], *, noise: Noise) -> Average:
    """``beads``: counts [Z, h, w] of equal shape, the brightest first: it sets the place of z."""
    photons = [noise.photons(b) for b in beads]
    number, slices = len(beads), len(beads[0])
    shifts, likeness = np.zeros((number, 3)), np.ones(number)
    kept = np.ones(number, dtype=bool)
    reference = _contrast(photons[0])
    for _ in range(ROUNDS if number > 1 else 0):
        moved = [shift(p, -s, order=3, mode="nearest") for p, s in zip(photons, shifts, strict=True)]
        for n, bead in enumerate(moved):
            # What is left after the last shift: near zero the parabola has no bias.
            rest, likeness[n] = offset(_contrast(bead), reference=reference)
            shifts[n] += rest
            moved[n] = shift(photons[n], -shifts[n], order=3, mode="nearest")
        kept = (likeness >= LIKE_MIN) & (np.abs(shifts[:, 0]) <= Z_SHARE_MAX * slices)
        kept[0] = True
        reference = _contrast(np.sum([m for m, k in zip(moved, kept, strict=True) if k], axis=0))
    along_z = shifts[kept, 0]
    first, last = max(0, int(np.ceil(-along_z.min()))), slices - max(0, int(np.ceil(along_z.max())))
    moved = [shift(p, -s, order=3, mode="nearest") for p, s, k in zip(photons, shifts, kept, strict=True) if k]
    total = np.sum(moved, axis=0)[first:last]
    dark = noise.variance_photons(np.zeros(1))[0] * len(moved)
    expected = gaussian_filter1d(total, 1.5, axis=0, mode="nearest")
    return Average(
        photons=total,
        variance=np.maximum(expected, 0.0) + dark,
        first_slice=first,
        shifts=shifts,
        likeness=likeness,
        kept=kept,
    )


def offset(bead: Volume, *, reference: Volume) -> tuple[NDArray[np.float64], float]:
    """Where ``bead`` sits relative to ``reference`` (z, row, column), and their correlation there.

    Normalized correlation for every shift by whole slices, over all lateral shifts by Fourier transform; then a
    parabola through the maximum along each axis.
    """
    slices, rows, cols = bead.shape
    reach = max(2, int(Z_SHARE_MAX * slices) + 1)
    size = (2 * rows, 2 * cols)
    first, second = (np.fft.rfft2(v, s=size) for v in (reference, bead))
    energy_first, energy_second = ((v * v).sum(axis=(1, 2)) for v in (reference, bead))
    maps = []
    for dz in range(-reach, reach + 1):
        low, high = max(0, -dz), min(slices, slices - dz)
        product = (first[low:high].conj() * second[low + dz : high + dz]).sum(axis=0)
        scale = np.sqrt(energy_first[low:high].sum() * energy_second[low + dz : high + dz].sum())
        maps.append(np.fft.fftshift(np.fft.irfft2(product, s=size)) / max(scale, 1e-300))
    volume = np.stack(maps)
    limit = max(2, rows // 4)
    inner = volume[:, rows - limit : rows + limit + 1, cols - limit : cols + limit + 1]
    peak = np.unravel_index(int(inner.argmax()), inner.shape)
    place = [p + _vertex(inner, peak=peak, axis=axis) for axis, p in enumerate(peak)]
    return np.array(place) - np.array([reach, limit, limit]), float(inner[peak])


def _contrast(photons: Volume) -> Volume:
    """Without the background of each slice, as bright in all slices."""
    rim = np.concatenate([photons[:, :2].reshape(len(photons), -1), photons[:, -2:].reshape(len(photons), -1)], axis=1)
    bare = photons - np.median(rim, axis=1)[:, None, None]
    level: Volume = bare / np.sqrt((bare * bare).sum(axis=(1, 2), keepdims=True)).clip(1e-12)
    return level


def _vertex(volume: Volume, *, peak: tuple[np.intp, ...], axis: int) -> float:
    """Of the parabola through the maximum and its two neighbours; 0 at the rim."""
    index = int(peak[axis])
    if not 0 < index < volume.shape[axis] - 1:
        return 0.0
    line = np.moveaxis(volume, axis, 0)[index - 1 : index + 2]
    before, top, after = (float(v[tuple(p for n, p in enumerate(peak) if n != axis)]) for v in line)
    bend = before - 2.0 * top + after
    return float(0.5 * (before - after) / bend) if bend < 0.0 else 0.0
