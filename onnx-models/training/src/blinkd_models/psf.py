"""Point spread functions: emitters in, images of expected photons out.

Comes in: emitter positions (pixel centres at integers) and photons.
Goes out: images in photons per pixel, integrated over the pixel area.
Never: draws emitters, adds background or noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

PATCH_RADIUS_PX = 7


class Psf(Protocol):
    """Widths of a pixel-integrated Gaussian, per emitter."""

    def widths(self, *, sequence: Tensor, z_nm: Tensor) -> tuple[Tensor, Tensor]:
        """Sigma along rows and along columns in pixels, each [E], for emitters of the given sequences."""
        ...


@dataclass(frozen=True, kw_only=True)
class Gaussian2d:
    """A round Gaussian whose width belongs to the sequence. sigma_px: [B]."""

    sigma_px: Tensor

    def widths(self, *, sequence: Tensor, z_nm: Tensor) -> tuple[Tensor, Tensor]:
        del z_nm
        sigma = self.sigma_px[sequence]
        return sigma, sigma


@dataclass(frozen=True, kw_only=True)
class Astigmatic:
    """A Gaussian whose two widths depend on z: sigma0 * sqrt(1 + ((z -+ gamma) / depth)^2).

    sigma_px: [B] smallest width. gamma_nm: distance of either focal line from z = 0. depth_nm: focal depth.
    """

    sigma_px: Tensor
    gamma_nm: float = 250.0
    depth_nm: float = 400.0

    def widths(self, *, sequence: Tensor, z_nm: Tensor) -> tuple[Tensor, Tensor]:
        sigma = self.sigma_px[sequence]
        rows = sigma * torch.sqrt(1.0 + ((z_nm + self.gamma_nm) / self.depth_nm) ** 2)
        cols = sigma * torch.sqrt(1.0 + ((z_nm - self.gamma_nm) / self.depth_nm) ** 2)
        return rows, cols


def pixel_fraction(distance_px: Tensor, *, sigma_px: Tensor) -> Tensor:
    """Share of a 1D Gaussian falling on a pixel whose centre is ``distance_px`` from the emitter."""
    scale = 1.0 / (math.sqrt(2.0) * sigma_px)
    return 0.5 * (torch.erf((distance_px + 0.5) * scale) - torch.erf((distance_px - 0.5) * scale))


def render(
    *,
    image: Tensor,
    row_px: Tensor,
    col_px: Tensor,
    photons: Tensor,
    sigma_px: tuple[Tensor, Tensor],
    shape: tuple[int, int, int],
) -> Tensor:
    """Images [N, H, W] of expected photons; emitter e (all [E]) is drawn into image ``image[e]``.

    Each emitter is drawn on a patch of 15 x 15 pixels; what falls outside the image is lost.
    """
    count, height, width = shape
    side = torch.arange(-PATCH_RADIUS_PX, PATCH_RADIUS_PX + 1)
    rows = row_px.round().long()[:, None] + side
    cols = col_px.round().long()[:, None] + side
    on_row = pixel_fraction(rows - row_px[:, None], sigma_px=sigma_px[0][:, None])
    on_col = pixel_fraction(cols - col_px[:, None], sigma_px=sigma_px[1][:, None])
    on_row = on_row * photons[:, None] * ((rows >= 0) & (rows < height))
    on_col = on_col * ((cols >= 0) & (cols < width))
    patch = on_row[:, :, None] * on_col[:, None, :]
    flat = (image[:, None] * height + rows.clamp(0, height - 1))[:, :, None] * width + cols.clamp(0, width - 1)[
        :, None, :
    ]
    drawn = torch.zeros(count * height * width)
    drawn.index_add_(0, flat.flatten(), patch.flatten())
    return drawn.view(count, height, width)
