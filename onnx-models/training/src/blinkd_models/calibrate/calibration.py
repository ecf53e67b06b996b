"""From a bead stack to two PSFs and a verdict: the order of the steps, and nothing else.

Comes in: counts, step, optics. Goes out: a ``Calibration``. Never: reads or writes files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.optimize import brentq
from torch import Tensor

from blinkd_models.calibrate.average import Average, average
from blinkd_models.calibrate.beads import WINDOW_NM, Found, find_beads
from blinkd_models.calibrate.measured import measured_spline
from blinkd_models.calibrate.noise import Noise, photon_transfer
from blinkd_models.calibrate.quality import Bound, Residual, bound, residual, widths
from blinkd_models.calibrate.retrieval import NOLL_LAST, Bead, Retrieved, retrieve
from blinkd_models.calibrate.stack import BeadStack, CalibrationError, check_saturation
from blinkd_models.calibrate.verdict import PHOTONS_USABLE, PUPIL_USABLE, Figures, Verdict, judge
from blinkd_models.psf import CubicSpline
from blinkd_models.psf.pupil import Optics

DEPTHS_MIN = 0.8
"""A stack must span this many depths of field: less holds no defocus to fit."""
BOUND_PHOTONS = (1000.0, 5000.0)
BOUND_BACKGROUND = 20.0
BOUND_PLANES = 41

Curve = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """All that was found. Images are [Z, h, w] in photons, z_nm [Z] is the stage's z from the fitted focus."""

    name: str
    found: Found
    noise: Noise
    averaged: Average
    bead: Bead
    z_nm: Curve
    fit: Retrieved
    spline: CubicSpline
    pupil_spline: CubicSpline
    spline_model: Tensor
    spline_residual: Residual
    pupil_residual: Residual
    angle_rad: float
    data_widths_px: tuple[Curve, Curve]
    pupil_widths_px: tuple[Curve, Curve]
    spline_bounds: tuple[Bound, ...]
    pupil_bounds: tuple[Bound, ...]
    figures: Figures
    verdict: Verdict


def calibrate(
    stack: BeadStack,
    *,
    dz_nm: float,
    optics: Optics,
    window_nm: float = WINDOW_NM,
    mask_rad: Tensor | None = None,
    noll_last: int = NOLL_LAST,
) -> Calibration:
    """Finds beads, aligns and adds them, fits the pupil, builds both splines, measures and judges.

    Raises ``CalibrationError`` for what cannot be fitted; a fit that is no good is a verdict, not an error.
    """
    _check_span(stack, dz_nm=dz_nm, optics=optics)
    found = find_beads(stack.counts, name=stack.name, pixel_size_nm=optics.pixel_size_nm, window_nm=window_nm)
    windows = [found.window(stack.counts, n) for n in range(len(found.places))]
    for window in windows:
        check_saturation(window, name=stack.name)
    noise = photon_transfer(windows[0].astype(np.float64))
    averaged = average([w.astype(np.float64) for w in windows], noise=noise)
    bead = Bead(photons=torch.from_numpy(averaged.photons), variance=torch.from_numpy(averaged.variance), dz_nm=dz_nm)
    row, col, focus, light = _first_guess(averaged.photons)
    if light < PHOTONS_USABLE:
        raise CalibrationError(
            f"{stack.name}: too few photons: about {light:.0f} per slice, {PHOTONS_USABLE:.0f} are the least; expose "
            "longer, or record more beads"
        )
    fit = retrieve(
        bead=bead,
        optics=optics,
        row_px=row,
        col_px=col,
        z0_nm=focus * dz_nm,
        mask_rad=mask_rad,
        noll_last=noll_last,
    )
    fit = in_focus(fit, name=stack.name, dz_nm=dz_nm, slices=len(averaged.photons))
    return _measured(stack.name, found=found, noise=noise, averaged=averaged, bead=bead, fit=fit, optics=optics)


def _check_span(stack: BeadStack, *, dz_nm: float, optics: Optics) -> None:
    if not (math.isfinite(dz_nm) and dz_nm > 0.0):
        raise CalibrationError(f"--dz-nm {dz_nm:g}: the step between slices must be a positive number of nm")
    span, least = (len(stack.counts) - 1) * dz_nm, DEPTHS_MIN * optics.depth_of_field_nm
    if span < least:
        raise CalibrationError(
            f"{stack.name}: stack too short: {len(stack.counts)} slices of {dz_nm:g} nm span {span:.0f} nm, this "
            f"objective needs {least:.0f} at least, twice that is good; record a longer stack, or check --dz-nm"
        )


def _first_guess(photons: Curve) -> tuple[float, float, float, float]:
    """Row and column from the middle pixel, slice in focus, photons per slice."""
    rim = np.concatenate([photons[:, 0], photons[:, -1], photons[:, :, 0], photons[:, :, -1]], axis=1)
    bare = photons - np.median(rim, axis=1)[:, None, None]
    smooth = gaussian_filter(bare, (1.5, 1.0, 1.0), mode="nearest")
    focus = int(smooth.max(axis=(1, 2)).argmax())
    core = np.clip(smooth[focus] - 0.2 * smooth[focus].max(), 0.0, None)
    side = np.arange(core.shape[0]) - core.shape[0] // 2
    row, col = ((core.sum(axis=axis) * side).sum() / core.sum() for axis in (1, 0))
    return float(row), float(col), float(focus), float(np.median(bare.sum(axis=(1, 2))))


def in_focus(fit: Retrieved, *, name: str, dz_nm: float, slices: int) -> Retrieved:
    """The fit, if its focus and its light lie within the stack."""
    if not 0.0 <= fit.z0_nm <= (slices - 1) * dz_nm:
        side = "before the first" if fit.z0_nm < 0.0 else "behind the last"
        raise CalibrationError(
            f"{name}: the focus lies {side} slice; record the stack symmetrically around the sharpest picture"
        )
    if not bool(torch.isfinite(fit.model).all()) or float(fit.light.min()) <= 0.0:
        raise CalibrationError(f"{name}: the fit found a slice without light; cut off slices in which the bead is gone")
    return fit


def _measured(
    name: str, *, found: Found, noise: Noise, averaged: Average, bead: Bead, fit: Retrieved, optics: Optics
) -> Calibration:
    """Both splines on the stage's z, and all numbers about them."""
    slices, size = len(bead.photons), bead.photons.shape[-1]
    z_nm: Curve = np.arange(slices, dtype=np.float64) * bead.dz_nm - fit.z0_nm
    pupil_residual = residual(data=bead.photons, model=fit.model, background=fit.background, variance=bead.variance)
    light, background = _light(bead, fit=fit, trusted=pupil_residual.beyond_noise <= PUPIL_USABLE)
    spline = measured_spline(
        photons=averaged.photons, light=light.numpy(), background=background, row_px=fit.row_px,
        col_px=fit.col_px, z0_nm=fit.z0_nm, dz_nm=bead.dz_nm, optics=optics,
    )  # fmt: skip
    pupil_spline = _pupil_spline(fit, z_nm=z_nm, size=size, dz_nm=bead.dz_nm)
    spline_model = _drawn(spline, fit=fit, z_nm=z_nm, size=size) * light[:, None, None] + background
    spline_residual = residual(data=bead.photons, model=spline_model, background=background, variance=bead.variance)
    angle = _astigmatism_axis(fit)
    planes = np.linspace(z_nm[1], z_nm[-2], BOUND_PLANES)
    bounds = [
        tuple(
            bound(psf=p, z_nm=planes, photons=n, background=BOUND_BACKGROUND, pixel_size_nm=optics.pixel_size_nm)
            for n in BOUND_PHOTONS
        )
        for p in (spline, pupil_spline)
    ]
    figures = _figures(
        bead, fit=fit, light=light, optics=optics, spline_excess=spline_residual.beyond_noise,
        pupil_excess=pupil_residual.beyond_noise,
    )  # fmt: skip
    return Calibration(
        name=name,
        found=found,
        noise=noise,
        averaged=averaged,
        bead=bead,
        z_nm=z_nm,
        fit=fit,
        spline=spline,
        pupil_spline=pupil_spline,
        spline_model=spline_model,
        spline_residual=spline_residual,
        pupil_residual=pupil_residual,
        angle_rad=angle,
        data_widths_px=widths(bead.photons - background, angle_rad=angle),
        pupil_widths_px=widths(fit.model - fit.background, angle_rad=angle),
        spline_bounds=bounds[0],
        pupil_bounds=bounds[1],
        figures=figures,
        verdict=judge(figures),
    )


def _light(bead: Bead, *, fit: Retrieved, trusted: bool) -> tuple[Tensor, float]:
    """Light [Z] and background: the fit's, which knows of the tails outside the window; else from the window's rim."""
    if trusted:
        return fit.light, fit.background
    p = bead.photons
    rim = torch.cat([p[:, 0], p[:, -1], p[:, :, 0], p[:, :, -1]], dim=1)
    background = float(rim.flatten().quantile(0.25))
    return (p - background).sum((1, 2)), background


def _pupil_spline(fit: Retrieved, *, z_nm: Curve, size: int, dz_nm: float) -> CubicSpline:
    """The fitted optics on the same axes, without noise; a walk sideways is left out, for it is the stage's."""
    z = torch.from_numpy(z_nm) * fit.z_scale
    images = fit.pupil.stack(z_nm=z, size_px=size).detach().float()
    middle = float(size // 2)
    return CubicSpline.fit(images, dz_nm=dz_nm, z0=fit.z0_nm / dz_nm, row0=middle, col0=middle)


def _drawn(spline: CubicSpline, *, fit: Retrieved, z_nm: Curve, size: int) -> Tensor:
    """What a simulation would draw at the bead's place, [Z, size, size]."""
    z = torch.from_numpy(z_nm)
    row, col = (torch.full_like(z, p) for p in (fit.row_px, fit.col_px))
    patch = spline.patches(sequence=torch.zeros(len(z), dtype=torch.long), row_px=row, col_px=col, z_nm=z)
    first = spline.radius_px - size // 2
    return patch[:, first : first + size, first : first + size].double()


def _astigmatism_axis(fit: Retrieved) -> float:
    """Angle of the axis that is narrow at z > 0, from columns towards rows, in (-pi/2, pi/2]; 0 without astigmatism."""
    oblique, vertical = (float(c) for c in fit.pupil.zernike_rad[:2]) if fit.pupil.zernike_rad is not None else (0, 0)
    return 0.5 * math.atan2(oblique, vertical) if math.hypot(oblique, vertical) > 0.1 else 0.0


def _figures(
    bead: Bead, *, fit: Retrieved, light: Tensor, optics: Optics, spline_excess: float, pupil_excess: float
) -> Figures:
    steady = light.numpy() / gaussian_filter1d(light.numpy(), 5.0, mode="nearest")
    blur = float(fit.pupil.blur_px.abs()) if fit.pupil.blur_px is not None else 0.0
    walk = math.hypot(fit.row_walk_px_per_um, fit.col_walk_px_per_um)
    return Figures(
        spline_excess=spline_excess,
        pupil_excess=pupil_excess,
        z_scale=fit.z_scale,
        dz_nm=bead.dz_nm,
        fitting_na=fitting_na(optics, z_scale=fit.z_scale),
        photons=float(light.median()),
        walk_nm_per_um=walk * optics.pixel_size_nm,
        blur_nm=blur * optics.pixel_size_nm,
        below_focus_nm=fit.z0_nm,
        above_focus_nm=(len(bead.photons) - 1) * bead.dz_nm - fit.z0_nm,
        depth_of_field_nm=optics.depth_of_field_nm,
        flicker=float(np.std(steady)),
    )


def fitting_na(optics: Optics, *, z_scale: float) -> float:
    """The numerical aperture at which the stated step would fit: its defocus has the same RMS phase over the pupil."""

    def rms(na: float) -> float:
        index = optics.index_immersion
        mean = 2.0 / (3.0 * na**2) * (index**3 - (index**2 - na**2) ** 1.5)
        return math.sqrt(max(index**2 - na**2 / 2.0 - mean**2, 0.0))

    wanted, lowest, highest = rms(optics.na) * z_scale, 0.05, optics.index_immersion * (1.0 - 1e-9)
    if wanted >= rms(highest):
        return highest
    return float(brentq(lambda na: rms(na) - wanted, lowest, highest)) if wanted > rms(lowest) else lowest
