"""Frames prepared in memory: round spots on a dim background, with Poisson noise. The same for the same seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

OFFSET_ADU = 100.0
"""One count per photon above this: the daemon's default calibration."""


def blinking(*, frames: int, side: int, spots: float, seed: int, sigma_px: float = 1.3) -> npt.NDArray[np.uint16]:
    """(frames, side, side) u16 with on average `spots` emitters of about 2,000 photons per frame."""
    rng = np.random.default_rng(seed)
    axis = np.arange(side, dtype=np.float64)
    stack = np.empty((frames, side, side), np.uint16)
    for number in range(frames):
        count = rng.poisson(spots)
        x, y = rng.uniform(2, side - 3, (2, count))
        photons = rng.normal(2000.0, 300.0, count).clip(500.0)
        columns = np.exp(-((axis[None, :] - x[:, None]) ** 2) / (2 * sigma_px**2))
        rows = np.exp(-((axis[None, :] - y[:, None]) ** 2) / (2 * sigma_px**2))
        light = np.einsum("n,ny,nx->yx", photons / (2 * np.pi * sigma_px**2), rows, columns) + 20.0
        stack[number] = (rng.poisson(light) + OFFSET_ADU).clip(0, 65_535)
    return stack
