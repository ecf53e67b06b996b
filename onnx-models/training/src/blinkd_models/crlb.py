"""The Cramér-Rao lower bound: the smallest variance any unbiased fit of a single emitter can have.

Comes in: a PSF, perhaps constants of it that are in doubt, emitters, background, camera. Goes out: variances.
Never: looks at neighbours in space or time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.psf import Psf

STEP_PX = 1e-3
STEP_NM = 0.1
PARAMETERS = ("row", "column", "z", "photons", "background")


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A constant of the PSF that is known with a standard deviation ``sd``, in units of its own. ``plus`` and
    ``minus``: the PSF with ``step`` more and less of it."""

    plus: Psf
    minus: Psf
    step: float
    sd: float


def crlb_variance(
    *, psf: Psf, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor, photons: Tensor, background: Tensor,
    camera: Camera, z: bool, doubts: Sequence[Doubt] = (),
) -> Tensor:  # fmt: skip
    """Variances [E, 5] of row and column (px^2), z (nm^2), photons and background (photons^2); all arguments [E].

    The five are unknown together; without ``z``, z is known and its column NaN. The Fisher information
    (DECODE eq. 16) is that of Gaussian noise with the camera's variance at the expected image. Derivatives are central
    differences of the PSF, so any PSF will do. Only the fraction of the position in pixels matters.

    Constants in ``doubts`` are unknown too, and 1 / sd^2 is known of each beforehand (van Trees 1968, hybrid bound):
    no estimator that must serve all these optics has a smaller mean variance.
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
    asked = len(slopes)
    where = {"sequence": sequence, "row_px": row, "col_px": col, "z_nm": depth}
    for doubt in doubts:
        difference = doubt.plus.patches(**where).double() - doubt.minus.patches(**where).double()
        slopes.append(flux * difference.flatten(1) / (2.0 * doubt.step))
    slope = torch.stack(slopes, dim=1)
    weight = 1.0 / camera.noise_variance(flux * shape + base)
    fisher = torch.einsum("eip,ejp,ep->eij", slope, slope, weight)
    known = torch.tensor([0.0] * asked + [1.0 / doubt.sd**2 for doubt in doubts], dtype=torch.float64)
    fisher = fisher + torch.diag(known)
    scale = fisher.diagonal(dim1=-2, dim2=-1).rsqrt()
    inverse = torch.linalg.inv(fisher * scale[:, :, None] * scale[:, None, :])
    variance: Tensor = (inverse.diagonal(dim1=-2, dim2=-1) * scale**2)[:, :asked]
    if not z:
        nan = torch.full_like(variance[:, :1], torch.nan)
        variance = torch.cat([variance[:, :2], nan, variance[:, 2:]], dim=1)
    return variance
