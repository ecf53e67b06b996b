"""Gaussians integrated over pixels: round, or with two widths that depend on z.

Comes in: emitter positions. Goes out: shares of the light per pixel. Never: truncates at a width of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

RADIUS_PX = 7


@dataclass(frozen=True, kw_only=True)
class Gaussian2d:
    """A round Gaussian whose width belongs to the sequence. sigma_px: [B]."""

    sigma_px: Tensor
    radius_px: int = RADIUS_PX

    def widths(self, *, sequence: Tensor, z_nm: Tensor) -> tuple[Tensor, Tensor]:
        """Sigma along rows and along columns in pixels, each [E]."""
        del z_nm
        sigma = self.sigma_px[sequence]
        return sigma, sigma

    def patches(self, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
        return _product(self, sequence=sequence, row_px=row_px, col_px=col_px, z_nm=z_nm)


@dataclass(frozen=True, kw_only=True)
class Astigmatic:
    """A Gaussian whose two widths depend on z: sigma0 * sqrt(1 + ((z -+ focus) / depth)^2), - along columns (x).

    All [B]. sigma_px: smallest width. focus_nm: distance of either focal line from z = 0. depth_nm: focal depth.
    """

    sigma_px: Tensor
    focus_nm: Tensor
    depth_nm: Tensor
    radius_px: int = RADIUS_PX

    def widths(self, *, sequence: Tensor, z_nm: Tensor) -> tuple[Tensor, Tensor]:
        """Sigma along rows and along columns in pixels, each [E]."""
        sigma, focus, depth = self.sigma_px[sequence], self.focus_nm[sequence], self.depth_nm[sequence]
        rows = sigma * torch.sqrt(1.0 + ((z_nm + focus) / depth) ** 2)
        cols = sigma * torch.sqrt(1.0 + ((z_nm - focus) / depth) ** 2)
        return rows, cols

    def patches(self, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
        return _product(self, sequence=sequence, row_px=row_px, col_px=col_px, z_nm=z_nm)


def pixel_fraction(distance_px: Tensor, *, sigma_px: Tensor) -> Tensor:
    """Share of a 1D Gaussian falling on a pixel whose centre is ``distance_px`` from the emitter."""
    scale = 1.0 / (math.sqrt(2.0) * sigma_px)
    return 0.5 * (torch.erf((distance_px + 0.5) * scale) - torch.erf((distance_px - 0.5) * scale))


def _product(psf: Gaussian2d | Astigmatic, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
    """A Gaussian is the product of its profiles along rows and columns."""
    side = torch.arange(-psf.radius_px, psf.radius_px + 1, dtype=row_px.dtype, device=row_px.device)
    along_rows, along_cols = psf.widths(sequence=sequence, z_nm=z_nm)
    on_row = pixel_fraction(side - row_px[:, None], sigma_px=along_rows[:, None])
    on_col = pixel_fraction(side - col_px[:, None], sigma_px=along_cols[:, None])
    return on_row[:, :, None] * on_col[:, None, :]
