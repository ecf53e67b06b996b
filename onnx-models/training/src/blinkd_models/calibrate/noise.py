"""How many counts a photon makes, from the noise between neighbouring slices.

Comes in: counts of a bead, [Z, H, W]. Goes out: background level, counts per photon, variance without light.
Never: asks for a camera's data sheet; averaged or scaled stacks are measured as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import nnls

FOURTH = (1.0, -4.0, 6.0, -4.0, 1.0)
LEVELS = 20
SNR_MAX = 1e4
"""A noise-free (simulated) stack counts as this many standard deviations at its brightest pixel."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Variance of a pixel in counts^2 = dark + counts_per_photon * (counts - base)."""

    base: float
    counts_per_photon: float
    dark: float

    def photons(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Detected photons above the darkest level."""
        return (counts - self.base) / self.counts_per_photon

    def variance_photons(self, photons: NDArray[np.float64]) -> NDArray[np.float64]:
        """Variance at expected ``photons``, in photons^2."""
        return np.maximum(photons, 0.0) + self.dark / self.counts_per_photon**2


def photon_transfer(counts: NDArray[np.float64]) -> Noise:
    """Fits variance against level. Fourth differences along z suppress the PSF's own change.

    What is left of that change, and flicker of the lamp, grows with the level squared and is fitted apart.
    """
    base = float(np.quantile(counts, 0.02))
    light = (counts - base).sum(axis=(1, 2))
    flicker = light / gaussian_filter1d(light, 3.0, mode="nearest") if float(light.min()) > 0.0 else np.ones(len(light))
    steady = base + (counts - base) / flicker[:, None, None]
    parts = [steady[k : len(steady) - 4 + k] for k in range(5)]
    level = sum(parts, np.zeros_like(parts[0])).ravel() / 5.0 - base
    change = sum((f * p for f, p in zip(FOURTH, parts, strict=True)), np.zeros_like(parts[0])).ravel()
    order = np.argsort(level, kind="stable")
    means, variances = [], []
    for group in np.array_split(order, LEVELS):
        means.append(max(float(level[group].mean()), 0.0))
        variances.append((1.4826 * float(np.median(np.abs(change[group])))) ** 2 / sum(f * f for f in FOURTH))
    mean, variance = np.array(means), np.maximum(np.array(variances), 1e-12 * float(np.ptp(counts)) ** 2 + 1e-30)
    terms = np.stack([np.ones_like(mean), mean, mean**2], axis=1)
    (dark, slope, _), _ = nnls(terms / variance[:, None], np.ones(LEVELS))
    least = float(np.ptp(counts)) / SNR_MAX**2
    return Noise(base=base, counts_per_photon=max(float(slope), least, math.ulp(1.0)), dark=float(dark))
