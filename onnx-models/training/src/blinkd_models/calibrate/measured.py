"""The PSF as measured: a spline through the bead's own images, freed of noise that no objective can pass.

Comes in: one bead in photons, with light, background and place of the emitter. Goes out: a ``CubicSpline``.
Never: assumes a shape.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.interpolate import make_lsq_spline
from scipy.ndimage import shift

from blinkd_models.psf import CubicSpline
from blinkd_models.psf.pupil import Optics

KNOT_NM = 50.0
"""Distance of knots along z; slices in between are averaged by the fit."""
FADE_SHARE = 0.15
"""The limit of resolution is applied over this share of its frequency, softly."""

Volume = NDArray[np.float64]


def measured_spline(
    *, photons: Volume, light: Volume, background: float, row_px: float, col_px: float, z0_nm: float, dz_nm: float,
    optics: Optics,
) -> CubicSpline:  # fmt: skip
    """Shares of the light: (photons - background) / light of each slice, smoothed, the emitter on the middle pixel.

    photons [Z, h, w]; light [Z]. ``row_px``, ``col_px``: of the emitter at z = 0, from the middle pixel.
    """
    shares = (photons - background) / light[:, None, None]
    smooth = np.stack([_passed(s, optics=optics) for s in _along_z(shares, dz_nm=dz_nm)])
    centred = np.stack([shift(s, (-row_px, -col_px), order=5, mode="nearest") for s in smooth])
    middle = float(photons.shape[1] // 2)
    stack = torch.from_numpy(np.maximum(centred, 0.0).astype(np.float32))
    return CubicSpline.fit(stack, dz_nm=dz_nm, z0=z0_nm / dz_nm, row0=middle, col0=middle)


def _along_z(shares: Volume, *, dz_nm: float) -> Volume:
    """Cubic spline of least squares along z for every pixel; untouched where steps are as coarse as its knots."""
    slices = len(shares)
    pieces = int((slices - 1) * dz_nm / KNOT_NM)
    if pieces < 1 or pieces > (slices - 1) // 2:
        return shares
    z = np.arange(slices, dtype=np.float64)
    inner = np.linspace(0.0, slices - 1.0, pieces + 1)
    knots = np.concatenate([[0.0] * 3, inner, [slices - 1.0] * 3])
    fitted: Volume = make_lsq_spline(z, shares, knots, k=3)(z)
    return fitted


def _passed(image: Volume, *, optics: Optics) -> Volume:
    """Without detail finer than wavelength / (2 NA), which is noise. The cosine transform has no seam at the edges."""
    limit = 2.0 * optics.na / optics.wavelength_nm
    cycles = [np.arange(n) / (2.0 * n * optics.pixel_size_nm) for n in image.shape]
    frequency = np.hypot(cycles[0][:, None], cycles[1][None, :])
    ramp = np.clip((frequency / limit - 1.0) / FADE_SHARE, 0.0, 1.0)
    keep = 0.5 * (1.0 + np.cos(np.pi * ramp))
    passed: Volume = idctn(dctn(image, norm="ortho") * keep, norm="ortho")
    return passed
