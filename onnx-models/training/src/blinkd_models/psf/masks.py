"""Phase masks that engineer a PSF: saddle point, tetrapod, double helix, or one measured on a device.

Comes in: sizes and strengths. Goes out: phases [n, n] in radians on the pupil's square, rows first.
Never: knows the microscope.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from blinkd_models.psf.zernike import zernike


def pupil_points(count: int, *, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Radius and angle [n, n] at the cell centres of the square around the pupil; the rim has radius 1."""
    line = (torch.arange(count, dtype=dtype) + 0.5) * (2.0 / count) - 1.0
    return torch.hypot(line[:, None], line[None, :]), torch.atan2(
        line[:, None].expand(count, count), line[None, :].expand(count, count)
    )


def saddle_point(count: int, *, strength_rad: float = 2.0) -> Tensor:
    """Astigmatism with its second order opposed: two lobes that turn into the other axis, over about 3 um."""
    radius, angle = pupil_points(count)
    first, second = zernike([6, 12], radius=radius, angle=angle)
    phase: Tensor = strength_rad * (first - 0.5 * second)
    return phase


def tetrapod(count: int, *, strength_rad: float = 2.3) -> Tensor:
    """Second astigmatism leads over the first, opposed: two lobes that part along one axis below the focus and along
    the other above it, over about 4 um.

    The proportion is that of a mask made for a microscope (Nehme et al. 2020), whose Zernike sum leads with these two.
    """
    radius, angle = pupil_points(count)
    first, second = zernike([6, 12], radius=radius, angle=angle)
    phase: Tensor = strength_rad * (0.5 * first - 0.9 * second)
    return phase


def double_helix(count: int, *, zones: int = 4) -> Tensor:
    """Rings of equal area, ring k with a spiral phase of charge 2 k - 1: two lobes that turn with z.

    The ring form of Gauss-Laguerre superpositions (Prasad, Opt. Lett. 38, 585 (2013); Pavani et al. 2009).
    """
    radius, angle = pupil_points(count)
    ring = torch.ceil((radius.clamp(1e-9, 1.0) ** 2) * zones)
    return torch.remainder((2.0 * ring - 1.0) * angle, 2.0 * math.pi)


def read_mask(path: Path) -> Tensor:
    """A square phase [n, n] in radians from .npy or MATLAB .mat (its only square array).

    A frame of one value around the pupil is cut off, so that the rim touches the square.
    """
    if path.suffix == ".npy":
        arrays = {path.name: np.load(path)}
    else:
        from scipy.io import loadmat

        arrays = {key: value for key, value in loadmat(path).items() if not key.startswith("_")}
    square = [value for value in arrays.values() if value.ndim == 2 and value.shape[0] == value.shape[1] > 1]
    if len(square) != 1:
        raise ValueError(f"{path}: needs one square 2D array of phases in radians, found {len(square)}")
    return torch.from_numpy(_unframed(np.asarray(square[0], dtype=np.float64)))


def _unframed(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.argwhere(phase != phase[0, 0])
    if len(inside) == 0:
        return phase
    first, last = inside.min(axis=0), inside.max(axis=0)
    side = int((last - first).max()) + 1
    row, col = (int(p) for p in np.clip(first, 0, len(phase) - side))
    return np.ascontiguousarray(phase[row : row + side, col : col + side])


def resampled(phase_rad: Tensor, *, count: int) -> Tensor:
    """The mask on another grid: exp(i phase) interpolated, so that jumps of 2 pi do no harm."""
    if phase_rad.shape == (count, count):
        return phase_rad
    parts = torch.stack([torch.cos(phase_rad), torch.sin(phase_rad)])[None]
    cos, sin = torch.nn.functional.interpolate(parts, size=(count, count), mode="bilinear", antialias=True)[0]
    return torch.atan2(sin, cos)
