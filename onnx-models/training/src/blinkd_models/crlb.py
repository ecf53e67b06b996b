"""The Cramér-Rao lower bound: the smallest variance any unbiased fit of a single emitter can have.

Comes in: a PSF, emitters, background, camera. Goes out: variances.
Never: looks at neighbours in space or time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.psf import Psf

STEP_PX = 1e-3
STEP_NM = 0.1
PARAMETERS = ("row", "column", "z", "photons", "background")


def crlb_variance(
    *, psf: Psf, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor, photons: Tensor, background: Tensor,
    camera: Camera, z: bool,
) -> Tensor:  # fmt: skip
    """Variances [E, 5] of row and column (px^2), z (nm^2), photons and background (photons^2); all arguments [E].

    The five are unknown together; without ``z``, z is known and its column NaN. The Fisher information
    (DECODE eq. 16) is that of Gaussian noise with the camera's variance at the expected image. Derivatives are central
    differences of the PSF, so any PSF will do. Only the fraction of the position in pixels matters.
    """
    row, col = ((p.double() - p.double().round()) for p in (row_px, col_px))
    depth, flux, base = z_nm.double(), photons.double()[:, None], background.double()[:, None]

    def patch(drow: float = 0.0, dcol: float = 0.0, dz: float = 0.0) -> Tensor:
        drawn = psf.patches(sequence=sequence, row_px=row + drow, col_px=col + dcol, z_nm=depth + dz)
        return drawn.flatten(1).double()

    shape = patch()
    slopes = [
        flux * (patch(drow=STEP_PX) - patch(drow=-STEP_PX)) / (2.0 * STEP_PX),
        flux * (patch(dcol=STEP_PX) - patch(dcol=-STEP_PX)) / (2.0 * STEP_PX),
        shape,
        torch.ones_like(shape),
    ]
    if z:
        slopes.insert(2, flux * (patch(dz=STEP_NM) - patch(dz=-STEP_NM)) / (2.0 * STEP_NM))
    slope = torch.stack(slopes, dim=1)
    weight = 1.0 / camera.noise_variance(flux * shape + base)
    fisher = torch.einsum("eip,ejp,ep->eij", slope, slope, weight)
    scale = fisher.diagonal(dim1=-2, dim2=-1).rsqrt()
    inverse = torch.linalg.inv(fisher * scale[:, :, None] * scale[:, None, :])
    variance: Tensor = inverse.diagonal(dim1=-2, dim2=-1) * scale**2
    if not z:
        nan = torch.full_like(variance[:, :1], torch.nan)
        variance = torch.cat([variance[:, :2], nan, variance[:, 2:]], dim=1)
    return variance
