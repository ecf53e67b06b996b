"""How well a PSF describes its bead, slice by slice.

Comes in: data and model. Goes out: residuals, widths, the bound on localization. Never: judges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.psf import Psf

Curve = NDArray[np.float64]
IDEAL = Camera(offset_adu=0.0, e_per_adu=1.0, qe=1.0, read_noise_e=0.0)
"""Shot noise alone."""


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Root of sum (data - model)^2 over root of sum (data - background)^2, per slice [Z]; noise: what it would be for
    the true PSF."""

    total: Curve
    noise: Curve

    @property
    def mean(self) -> float:
        return float(np.sqrt((self.total**2).mean()))

    @property
    def beyond_noise(self) -> float:
        """What the model leaves unexplained: the excess of the mean squares."""
        return float(np.sqrt(max(0.0, (self.total**2 - self.noise**2).mean())))


def residual(*, data: Tensor, model: Tensor, background: float, variance: Tensor) -> Residual:
    """All [Z, H, W] but the background."""
    signal = ((data - background) ** 2).sum((1, 2))
    return Residual(
        total=(((data - model) ** 2).sum((1, 2)) / signal).sqrt().numpy(),
        noise=(variance.sum((1, 2)) / signal).sqrt().numpy(),
    )


def widths(images: Tensor, *, angle_rad: float) -> tuple[Curve, Curve]:
    """Sigma in pixels [Z], [Z] of an elliptic Gaussian along the axis at ``angle_rad`` (from columns towards rows) and
    across it."""
    side = np.arange(images.shape[-1], dtype=np.float64) - images.shape[-1] // 2
    row, col = np.meshgrid(side, side, indexing="ij")
    along, across = _turned(row, col, angle_rad)
    start = np.array([1.0, 0.0, 0.0, 2.0, 2.0, 0.0])
    fitted = []
    for image in images.double().numpy():
        top = image.max()

        def left(p: Curve, image: Curve = image / top) -> Curve:
            spot = p[0] * np.exp(-0.5 * (((along - p[1]) / p[3]) ** 2 + ((across - p[2]) / p[4]) ** 2)) + p[5]
            return np.asarray((spot - image).ravel())

        start = least_squares(left, start, method="lm", max_nfev=300).x
        start[3:5] = np.clip(np.abs(start[3:5]), 0.3, images.shape[-1])
        fitted.append(start[3:5].copy())
    return np.array(fitted)[:, 0], np.array(fitted)[:, 1]


def _turned(row: Curve, col: Curve, angle_rad: float) -> tuple[Curve, Curve]:
    return (
        math.cos(angle_rad) * col + math.sin(angle_rad) * row,
        -math.sin(angle_rad) * col + math.cos(angle_rad) * row,
    )


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Smallest standard deviations in nm at z_nm [N], from single photons' shot noise."""

    photons: float
    background: float
    z_nm: Curve
    row_nm: Curve
    col_nm: Curve
    depth_nm: Curve


def bound(*, psf: Psf, z_nm: Curve, photons: float, background: float, pixel_size_nm: float) -> Bound:
    """Cramér-Rao bound of a molecule in the middle of a pixel."""
    z = torch.from_numpy(z_nm)
    zero = torch.zeros_like(z)
    variance = crlb_variance(
        psf=psf,
        sequence=torch.zeros(len(z), dtype=torch.long),
        row_px=zero,
        col_px=zero,
        z_nm=z,
        photons=torch.full_like(z, photons),
        background=torch.full_like(z, background),
        camera=IDEAL,
        z=True,
    )
    sigma = variance.sqrt().numpy()
    return Bound(
        photons=photons,
        background=background,
        z_nm=z_nm,
        row_nm=sigma[:, 0] * pixel_size_nm,
        col_nm=sigma[:, 1] * pixel_size_nm,
        depth_nm=sigma[:, 2],
    )
