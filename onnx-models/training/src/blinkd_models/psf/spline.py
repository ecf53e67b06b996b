"""A measured PSF as a cubic spline: light sampled on pixels and planes becomes one polynomial per voxel.

Comes in: a stack of images of one emitter, or the coefficients of a calibration file. Goes out: shares of the light.
Never: extrapolates; outside its volume there is no light. Never: normalizes; its values are shares as they were given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

BIN = 16
"""Emitters that share a plane are evaluated together, so many at a time."""

CUBIC = ((1.0, 4.0, 1.0, 0.0), (-3.0, 0.0, 3.0, 0.0), (3.0, -6.0, 3.0, 0.0), (-1.0, 3.0, -3.0, 1.0))
"""Six times the uniform cubic B-spline: row n holds the factor of u^n in the four pieces that cover a voxel."""

FADE = (1.0, 0.0, -3.0, 2.0)
"""1 - 3 u^2 + 2 u^3: from one to zero over a voxel, level at both ends."""


@dataclass(frozen=True, kw_only=True)
class CubicSpline:
    """Piecewise cubic light of one emitter, the same for all sequences of a scene (implements ``Psf``).

    coefficients: [nz, nrow, ncol, 64]. Voxel (k, i, j) spans plane k to k + 1, row i to i + 1, column j to j + 1 of
    the calibration stack; its value at the fractions (w, u, v) along z, rows and columns, each 0 to 1, is the sum over
    a, b, c in 0..3 of ``coefficients[k, i, j, 16 a + 4 b + c] * w^a * v^b * u^c``: rows vary fastest, z slowest.

    A pixel ``d`` rows from the emitter (pixel minus emitter) reads the volume at row ``row0 + d``, likewise for
    columns, and an emitter at ``z_nm`` reads plane ``z0 + z_nm / dz_nm``. All of them count from zero. Pixels outside
    the volume get nothing; z outside it is taken to the nearest plane, where its derivative is zero.
    """

    coefficients: Tensor
    dz_nm: float
    z0: float
    row0: float
    col0: float

    def __post_init__(self) -> None:
        if self.coefficients.ndim != 4 or self.coefficients.shape[-1] != 64:
            raise ValueError(f"coefficients {tuple(self.coefficients.shape)}: expected [planes, rows, columns, 64]")
        if not self.dz_nm > 0.0:
            raise ValueError(f"dz_nm {self.dz_nm}: the distance of planes must be positive")

    @classmethod
    def fit(
        cls, stack: Tensor, *, dz_nm: float, z0: float, row0: float | None = None, col0: float | None = None
    ) -> CubicSpline:
        """The spline through ``stack`` [Z, H, W], shares of the light sampled on pixels and planes.

        Its first and second derivatives are continuous inside the stack, and the samples are met exactly. ``z0``,
        ``row0`` and ``col0`` say where in the stack the emitter sits, counted from zero; left out: in the middle.
        A ring of one voxel is added in which the light fades to nothing (:meth:`faded`).
        """
        if stack.ndim != 3 or min(stack.shape) < 4:
            raise ValueError(f"stack {tuple(stack.shape)}: expected [planes, rows, columns], each at least 4")
        if not bool(torch.isfinite(stack).all()):
            raise ValueError("stack: holds values that are not finite")
        weights = stack.detach().cpu().double().numpy()
        for axis in range(3):
            weights = ndimage.spline_filter1d(weights, order=3, axis=axis, mode="mirror")
        pieces = torch.from_numpy(np.pad(weights, 1, mode="reflect"))
        for axis in range(3):
            pieces = pieces.unfold(axis, 4, 1)
        cubic = torch.tensor(CUBIC, dtype=torch.float64) / 6.0
        coefficients = torch.einsum("kijzrc,az,bc,dr->kijabd", pieces, cubic, cubic, cubic).flatten(3)
        middle_row, middle_col = (0.5 * (n - 1) for n in stack.shape[1:])
        spline = cls(
            coefficients=coefficients.to(stack.dtype).to(stack.device).contiguous(),
            dz_nm=dz_nm,
            z0=z0,
            row0=middle_row if row0 is None else row0,
            col0=middle_col if col0 is None else col0,
        )
        return spline.faded()

    @property
    def radius_px(self) -> int:
        """Covers the volume wherever in its pixel the emitter sits."""
        _, rows, cols, _ = self.coefficients.shape
        return math.floor(max(self.row0, rows - self.row0, self.col0, cols - self.col0) + 0.5)

    @property
    def z_range_nm(self) -> tuple[float, float]:
        """First and last plane."""
        return -self.z0 * self.dz_nm, (self.coefficients.shape[0] - self.z0) * self.dz_nm

    def to(self, device: torch.device | str) -> CubicSpline:
        """The same on another device."""
        return replace(self, coefficients=self.coefficients.to(device))

    def faded(self) -> CubicSpline:
        """With one more ring of voxels in which the light falls smoothly to zero; unchanged inside.

        Without it the image jumps where the edge of the volume crosses the centre of a pixel.
        """
        nz, rows, cols, _ = self.coefficients.shape
        cubes = self.coefficients.reshape(nz, rows, cols, 4, 4, 4)
        fade = cubes.new_tensor(FADE)
        rise = cubes.new_tensor([0.0, 0.0, 3.0, -2.0])
        first, last = cubes[:, :1, ..., 0], cubes[:, -1:].sum(-1)
        cubes = torch.cat([first[..., None] * rise, cubes, last[..., None] * fade], dim=1)
        first, last = cubes[:, :, :1, :, 0], cubes[:, :, -1:].sum(-2)
        cubes = torch.cat([first[..., None, :] * rise[:, None], cubes, last[..., None, :] * fade[:, None]], dim=2)
        return replace(self, coefficients=cubes.flatten(3), row0=self.row0 + 1.0, col0=self.col0 + 1.0)

    def patches(self, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
        """As :class:`blinkd_models.psf.render.Psf` says. All pixels of an emitter share their place within a voxel."""
        del sequence
        planes = self.coefficients.shape[0]
        plane = (self.z0 + z_nm / self.dz_nm).to(row_px.dtype).clamp(0.0, planes)
        row, col = self.row0 - row_px, self.col0 - col_px
        k, i, j = plane.detach().floor().clamp(max=planes - 1), row.detach().floor(), col.detach().floor()
        w, u, v = (_powers(where - corner) for where, corner in ((plane, k), (row, i), (col, j)))
        monomials = (w[:, :, None, None] * v[:, None, :, None] * u[:, None, None, :]).flatten(1)
        return self._placed(self._volumes(k.long(), monomials=monomials), row=i.long(), col=j.long())

    def _volumes(self, plane: Tensor, *, monomials: Tensor) -> Tensor:
        """Light of every voxel of an emitter's ``plane`` [E], [E, rows * cols].

        Emitters are sorted into bins of one plane each, so that a plane's coefficients are read once for many.
        """
        nz = self.coefficients.shape[0]
        voxels = self.coefficients.to(monomials.dtype).reshape(nz, -1, 64)
        number = torch.bincount(plane, minlength=nz)
        bins = (number + BIN - 1).div(BIN, rounding_mode="floor")
        order = plane.argsort()
        first_bin, first_emitter = bins.cumsum(0) - bins, number.cumsum(0) - number
        within = torch.arange(len(plane), device=plane.device) - first_emitter[plane[order]]
        slot = torch.empty_like(plane).index_copy(0, order, first_bin[plane[order]] * BIN + within)
        plane_of_bin = torch.repeat_interleave(torch.arange(nz, device=plane.device), bins)
        filled = monomials.new_zeros((len(plane_of_bin) * BIN, 64)).index_copy(0, slot, monomials)
        drawn = torch.bmm(filled.view(-1, BIN, 64), voxels[plane_of_bin].transpose(1, 2))
        return drawn.flatten(0, 1)[slot]

    def _placed(self, volumes: Tensor, *, row: Tensor, col: Tensor) -> Tensor:
        """Voxels [E, rows * cols] on the pixels of a patch; the middle pixel reads voxel (row, col), both [E]."""
        _, rows, cols, _ = self.coefficients.shape
        side = torch.arange(-self.radius_px, self.radius_px + 1, device=row.device)
        i, j = row[:, None] + side, col[:, None] + side
        padded = functional.pad(volumes.view(-1, rows, cols), (1, 1, 1, 1)).flatten(1)
        line = (i + 1).clamp(0, rows + 1) * (cols + 2)
        voxel = line[:, :, None] + (j + 1).clamp(0, cols + 1)[:, None, :]
        return padded.gather(1, voxel.flatten(1)).view(voxel.shape)


def _powers(fraction: Tensor) -> Tensor:
    """Powers 0 to 3 of a fraction [E], [E, 4]."""
    square = fraction * fraction
    return torch.stack([torch.ones_like(fraction), fraction, square, square * fraction], dim=1)
