"""The wave model against closed forms and symmetries."""

import math

import torch
from torch import Tensor

from blinkd_models.psf.pupil import Optics
from blinkd_models.psf.zernike import zernike

SCALAR = Optics(na=0.9, wavelength_nm=600.0, pixel_size_nm=40.0, index_immersion=1.0, vectorial=False)
OIL = Optics(na=1.45, wavelength_nm=670.0, pixel_size_nm=100.0)


def _z(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _variance(image: Tensor, *, within_px: float) -> tuple[float, float]:
    """Along rows and columns, of the light near the centre."""
    side = torch.arange(image.shape[0], dtype=image.dtype) - image.shape[0] // 2
    near = image * (side[:, None] ** 2 + side**2 <= within_px**2)
    share = near / near.sum()
    return float((share.sum(1) * side**2).sum()), float((share.sum(0) * side**2).sum())


def test_zernikes_are_orthonormal_on_the_disc() -> None:
    nodes, weights = (torch.from_numpy(p) for p in __import__("numpy").polynomial.legendre.leggauss(24))
    angle = torch.arange(64, dtype=torch.float64) * (2 * math.pi / 64)
    radius, weight = 0.5 * (nodes + 1.0), 0.5 * weights
    shapes = zernike(range(1, 46), radius=radius[:, None].expand(24, 64), angle=angle[None].expand(24, 64))
    inner = torch.einsum("irt,jrt,r->ij", shapes, shapes, weight * radius) * 2.0 / 64
    assert torch.allclose(inner, torch.eye(45, dtype=torch.float64), atol=1e-11)
