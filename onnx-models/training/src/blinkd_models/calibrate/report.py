"""The page a microscopist reads: one HTML file that needs nothing else.

Comes in: a ``Calibration``, its optics. Goes out: HTML. Never: links to another file or host.
"""

from __future__ import annotations

import base64
import html
import math

import numpy as np
from matplotlib.figure import Figure

from blinkd_models.calibrate import charts
from blinkd_models.calibrate.calibration import Calibration
from blinkd_models.psf import zernike
from blinkd_models.psf.pupil import Optics

COLORS = {"good": "#2b8a3e", "usable, but": "#e67700", "not usable": "#c92a2a"}
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1f2933;max-width:1060px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}
.verdict{color:#fff;padding:.8rem 1rem;border-radius:6px;margin:1rem 0}.verdict b{font-size:1.15rem}
.verdict ul{margin:.4rem 0 0;padding-left:1.2rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:1rem}
figure{margin:0}figcaption{color:#616e7c;font-size:.85rem}img{max-width:100%}
table{border-collapse:collapse;font-size:.9rem}td,th{padding:.15rem .9rem .15rem 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}code{background:#f1f3f5;padding:.1rem .3rem;border-radius:3px}
"""


def page(c: Calibration, *, optics: Optics) -> str:
    """HTML5, everything inside."""
    with charts.look():
        body = "".join(
            [
                _verdict(c),
                "<h2>Images</h2>",
                _picture(charts.spots(c), "From below the focus (left) to above it. Top rows: each column has its own "
                         "brightness. Bottom rows: differences, full colour at ±15 % of the brightest pixel.", vector=False),
                "<h2>Curves</h2><div class=charts>",
                _picture(charts.residuals(c), "What each PSF leaves unexplained. A spline at the dashed line leaves only "
                         "shot noise."),
                _picture(charts.spot_widths(c, pixel_size_nm=optics.pixel_size_nm), "Widths of Gaussians fitted to each "
                         "slice, along the axes of the astigmatism (angles from columns towards rows). Where the two "
                         "curves run apart, z can be told."),
                _picture(charts.bounds(c), "The best any fit of a single molecule can reach with 20 background photons "
                         "per pixel and shot noise alone."),
                _picture(charts.aberrations(c, wavelength_nm=optics.wavelength_nm), "Aberrations in Noll's order; "
                         "5 and 6 are astigmatism, 7 and 8 coma, 11 spherical."),
                _picture(charts.light(c), "Light and background of each slice, as fitted."),
                "</div>",
                _numbers(c, optics=optics),
                _zernikes(c, wavelength_nm=optics.wavelength_nm),
                _files(c),
            ]
        )  # fmt: skip
    title = html.escape(f"PSF calibration of {c.name}")
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}</html>\n"
    )


def summary(c: Calibration) -> str:
    """One line for the terminal."""
    return (
        f"{c.name}: {int(c.averaged.kept.sum())} bead(s), {len(c.z_nm)} slices; unexplained beyond noise: spline "
        f"{c.figures.spline_excess:.1%}, pupil {c.figures.pupil_excess:.1%}; z scale {c.figures.z_scale:.3f}; "
        f"{c.verdict.text}"
    )


def _verdict(c: Calibration) -> str:
    reasons = "".join(f"<li>{html.escape(r)}</li>" for r in c.verdict.reasons)
    text = c.verdict.text if c.verdict.grade == "good" else c.verdict.grade
    return (
        f"<div class=verdict style='background:{COLORS[c.verdict.grade]}'><b>{html.escape(text)}</b>"
        f"{f'<ul>{reasons}</ul>' if reasons else ''}</div>"
    )


def _picture(figure: Figure, caption: str, *, vector: bool = True) -> str:
    kind, content = ("svg+xml", charts.svg(figure)) if vector else ("png", charts.png(figure))
    coded = base64.b64encode(content).decode()
    return (
        f"<figure><img alt='{html.escape(caption, quote=True)}' src='data:image/{kind};base64,{coded}'>"
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _numbers(c: Calibration, *, optics: Optics) -> str:
    f, kept = c.figures, int(c.averaged.kept.sum())
    focus = int(np.argmin(np.abs(c.z_nm)))
    along, across = (2.3548 * w[focus] * optics.pixel_size_nm for w in c.data_widths_px)
    at_focus = int(np.argmin(np.abs(c.spline_bounds[0].z_nm)))
    rows = [
        ("beads used", f"{kept} of {len(c.averaged.kept)}; left out at the edge {c.found.at_edge}, crowded "
                       f"{c.found.crowded}"),
        ("window", f"{2 * c.found.half_px + 1} pixels of {optics.pixel_size_nm:g} nm, {len(c.z_nm)} slices of {f.dz_nm:g} nm"),
        ("optics", f"NA {optics.na:g}, {optics.wavelength_nm:g} nm, immersion {optics.index_immersion:g}"
                   f"{f', sample {optics.index_sample:g}' if optics.index_sample else ''}, "
                   f"{'vectorial' if optics.vectorial else 'scalar'}"),
        ("z range", f"{c.z_nm[0]:.0f} to {c.z_nm[-1]:.0f} nm around the focus; z rises with the slice"),
        ("photons per slice", f"{f.photons:.0f} (median), measured from the noise: one photon makes "
                              f"{c.noise.counts_per_photon:.3g} counts"),
        ("unexplained", f"spline {c.spline_residual.mean:.2%}, pupil {c.pupil_residual.mean:.2%}; shot noise alone "
                        f"{float(np.sqrt((c.spline_residual.noise**2).mean())):.2%}"),
        ("beyond noise", f"spline {f.spline_excess:.2%}, pupil {f.pupil_excess:.2%}"),
        ("z scale", f"{f.z_scale:.3f}: defocus asks for steps of {f.z_scale * f.dz_nm:.2f} nm; NA {f.fitting_na:.2f} would "
                    "fit the stated step"),
        ("FWHM in focus", f"{along:.0f} and {across:.0f} nm"),
        ("blur beyond the optics", f"sigma {f.blur_nm:.0f} nm"),
        ("walk sideways", f"{f.walk_nm_per_um:.0f} nm per um of z"),
        ("bound in focus", "; ".join(
            f"{b.photons:.0f} photons: lateral {charts.lateral(b)[at_focus]:.1f} nm, axial {b.depth_nm[at_focus]:.1f} nm"
            for b in c.spline_bounds)),
    ]  # fmt: skip
    cells = "".join(f"<tr><th>{html.escape(k)}<td>{html.escape(v)}" for k, v in rows)
    return f"<h2>Numbers</h2><table>{cells}</table>"


def _zernikes(c: Calibration, *, wavelength_nm: float) -> str:
    if c.fit.pupil.zernike_rad is None:
        return ""
    scale = wavelength_nm / (2.0 * math.pi)
    rows = "".join(
        f"<tr><td class=n>{noll}<td class=n>{zernike.osa_from_noll(noll)}<td>{zernike.name(noll)}"
        f"<td class=n>{value * scale:+.1f}<td class=n>{sigma * scale:.1f}<td class=n>{1000 * value / 2 / math.pi:+.0f}"
        for noll, value, sigma in zip(
            c.fit.pupil.noll, c.fit.pupil.zernike_rad.tolist(), c.fit.sigma_rad.tolist(), strict=True
        )
    )
    return (
        "<h2>Zernike coefficients</h2><table><tr><th>Noll<th>OSA<th>name<th>nm RMS<th>± (noise)<th>mλ RMS"
        f"{rows}</table>"
    )


def _files(c: Calibration) -> str:
    if c.verdict.grade == "not usable":
        return "<h2>Files</h2><p>No PSF was written. <code>--anyway</code> writes it all the same."
    return (
        "<h2>Files</h2><table><tr><th>spline_3dcal.mat<td>the measured spline in SMAP's layout: for simulations, SMAP and "
        "DECODE<tr><th>spline.npz<td>the same: coefficients [planes, rows, columns, 64], dz_nm, z0, row0, col0"
        "<tr><th>pupil_3dcal.mat<td>a spline of the fitted optics, free of noise and of the stage's walk"
        "<tr><th>calibration.json<td>every number on this page</table>"
    )
