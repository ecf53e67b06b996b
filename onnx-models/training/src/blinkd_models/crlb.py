"""The Cramér-Rao lower bound of a pixel-integrated Gaussian: the smallest error any unbiased fit can have.

Comes in: a single emitter's photons, width, background, camera. Goes out: variances.
Never: looks at neighbours in space or time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.psf import pixel_fraction

RADIUS_PX = 7


def crlb_variance(
    *, photons: Tensor, sigma_px: Tensor, background: Tensor, camera: Camera, row_px: Tensor, col_px: Tensor
) -> Tensor:
    """Variances of (row, column, photons, background) per emitter, [E, 4], in px^2, px^2, photons^2, photons^2.

    All arguments [E]; only the fraction of the position matters. Position, photons and background are unknown,
    the width is known. The noise is taken as Gaussian with the camera's variance at the expected image.
    """
    side = torch.arange(-RADIUS_PX, RADIUS_PX + 1, dtype=torch.float64)
    photons, sigma_px, background = photons.double(), sigma_px.double(), background.double()

    def along(position: Tensor) -> tuple[Tensor, Tensor]:
        distance = side - (position - position.round()).double()[:, None]
        width = sigma_px[:, None]
        value = pixel_fraction(distance, sigma_px=width)
        low, high = (distance - 0.5) / width, (distance + 0.5) / width
        slope = (_normal(low) - _normal(high)) / width
        return value, slope

    row, row_slope = along(row_px)
    col, col_slope = along(col_px)
    shape = row[:, :, None] * col[:, None, :]
    flux = photons[:, None, None]
    image = flux * shape + background[:, None, None]
    slopes = torch.stack(
        [
            flux * row_slope[:, :, None] * col[:, None, :],
            flux * row[:, :, None] * col_slope[:, None, :],
            shape,
            torch.ones_like(shape),
        ],
        dim=1,
    ).flatten(2)
    weight = 1.0 / camera.noise_variance(image).flatten(1)
    fisher = torch.einsum("eip,ejp,ep->eij", slopes, slopes, weight)
    return torch.diagonal(torch.linalg.inv(fisher), dim1=-2, dim2=-1)


def _normal(x: Tensor) -> Tensor:
    return torch.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)
