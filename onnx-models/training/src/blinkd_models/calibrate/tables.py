"""The tables of the report.

Comes in: a ``Calibration``, its optics. Goes out: HTML tables. Never: computes more than a unit.
"""

from __future__ import annotations

import html
import math

import numpy as np

from blinkd_models.calibrate.calibration import Calibration
from blinkd_models.calibrate.charts import lateral
from blinkd_models.psf.pupil import Optics
from blinkd_models.psf.zernike import name, osa_from_noll

FWHM = 2.3548
FILES = {
    "spline_3dcal.mat": "the measured spline in SMAP's layout: for simulations, SMAP and DECODE",
    "spline.npz": "the same: coefficients [planes, rows, columns, 64], dz_nm, z0, row0, col0",
    "pupil_3dcal.mat": "a spline of the fitted optics, without noise and without the walk",
    "calibration.json": "every number on this page",
}


def numbers(c: Calibration, *, optics: Optics) -> str:
    """Everything in words and units."""
    return "<h2>Numbers</h2>" + _table({**_recorded(c, optics=optics), **_fitted(c, optics=optics)})


def _recorded(c: Calibration, *, optics: Optics) -> dict[str, str]:
    used, side = int(c.averaged.kept.sum()), 2 * c.found.half_px + 1
    sample = f", sample {optics.index_sample:g}" if optics.index_sample else ""
    return {
        "beads used": f"{used} of {len(c.averaged.kept)}; left out: {c.found.at_edge} at the edge, {c.found.crowded} "
        "crowded",
        "window": f"{side} pixels of {optics.pixel_size_nm:g} nm, {len(c.z_nm)} slices of {c.bead.dz_nm:g} nm",
        "optics": f"NA {optics.na:g}, {optics.wavelength_nm:g} nm, immersion {optics.index_immersion:g}{sample}, "
        + ("vectorial" if optics.vectorial else "scalar"),
        "z": f"{c.z_nm[0]:.0f} to {c.z_nm[-1]:.0f} nm around the focus, taken to rise with the slice; with a stage "
        "that does the opposite, calibrate with --z-falls",
        "photons per slice": f"{c.figures.photons:.0f} (median); a photon makes {c.noise.counts_per_photon:.3g} "
        "counts, by the noise between slices",
    }


def _fitted(c: Calibration, *, optics: Optics) -> dict[str, str]:
    f, spline, pupil = c.figures, c.spline_residual, c.pupil_residual
    focus = int(np.argmin(np.abs(c.z_nm)))
    along, across = (FWHM * w[focus] * optics.pixel_size_nm for w in c.data_widths_px)
    plane = int(np.argmin(np.abs(c.spline_bounds[0].z_nm)))
    noise = float(np.sqrt((spline.noise**2).mean()))
    return {
        "unexplained": f"spline {spline.mean:.2%}, pupil {pupil.mean:.2%}; shot noise alone {noise:.2%}",
        "beyond noise": f"spline {f.spline_excess:.2%}, pupil {f.pupil_excess:.2%}",
        "z scale": f"{f.z_scale:.3f}: the defocus asks for steps of {f.z_scale * f.dz_nm:.2f} nm; the stated step "
        f"would fit NA {f.fitting_na:.2f}",
        "FWHM in focus": f"{along:.0f} and {across:.0f} nm",
        "blur beyond the optics": f"sigma {f.blur_nm:.0f} nm",
        "walk sideways": f"{f.walk_nm_per_um:.0f} nm per um of z",
        "bound in focus": "; ".join(
            f"{b.photons:.0f} photons: lateral {lateral(b)[plane]:.1f} nm, axial {b.depth_nm[plane]:.1f} nm"
            for b in c.spline_bounds
        ),
    }


def zernikes(c: Calibration, *, wavelength_nm: float) -> str:
    """One line per coefficient."""
    scale = wavelength_nm / (2.0 * math.pi)
    values = [] if c.fit.pupil.zernike_rad is None else c.fit.pupil.zernike_rad.tolist()
    rows = "".join(
        f"<tr><td class=n>{noll}<td class=n>{osa_from_noll(noll)}<td>{name(noll)}<td class=n>{value * scale:+.1f}"
        f"<td class=n>{sigma * scale:.1f}<td class=n>{1000.0 * value / (2.0 * math.pi):+.0f}"
        for noll, value, sigma in zip(c.fit.pupil.noll, values, c.fit.sigma_rad.tolist(), strict=True)
    )
    head = "".join(f"<th>{h}" for h in ("Noll", "OSA", "name", "nm RMS", "± noise", "mλ RMS"))
    return f"<h2>Zernike coefficients</h2><table><tr>{head}{rows}</table>"


def files(c: Calibration) -> str:
    """What lies beside the page."""
    if c.verdict.grade == "not usable":
        return "<h2>Files</h2><p>A PSF that is not usable is written only with <code>--anyway</code>.</p>"
    return "<h2>Files</h2>" + _table(FILES)


def _table(rows: dict[str, str]) -> str:
    cells = "".join(f"<tr><th>{html.escape(k)}<td>{html.escape(v)}" for k, v in rows.items())
    return f"<table>{cells}</table>"
