"""The page a microscopist reads: one HTML file that needs nothing else.

Comes in: a ``Calibration``, its optics. Goes out: HTML. Never: links to another file or host.
"""

from __future__ import annotations

import base64
import html

from matplotlib.figure import Figure

from blinkd_models.calibrate import charts, tables
from blinkd_models.calibrate.calibration import Calibration
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


CAPTIONS = {
    "spots": "From below the focus (left) to above it. Top rows: each column has its own brightness. Bottom rows: "
    "differences, full colour at ±15 % of the brightest pixel.",
    "residuals": "What each PSF leaves unexplained. A spline at the dashed line leaves only shot noise.",
    "widths": "Gaussians fitted to each slice, along the axes of the astigmatism (angles from columns towards rows). "
    "Where the two curves run apart, z can be told.",
    "bounds": "The best any fit of a single molecule can reach, with 20 background photons per pixel and shot noise "
    "alone.",
    "aberrations": "Aberrations in Noll's order, with three standard deviations of noise; 5 and 6 are astigmatism, "
    "7 and 8 coma, 11 spherical.",
    "light": "Light of each slice, as fitted. It should be level: a slope is bleaching, jumps are the lamp.",
}


def page(c: Calibration, *, optics: Optics) -> str:
    """HTML5, everything inside."""
    with charts.look():
        curves = {
            "residuals": charts.residuals(c),
            "widths": charts.spot_widths(c, pixel_size_nm=optics.pixel_size_nm),
            "aberrations": charts.aberrations(c, wavelength_nm=optics.wavelength_nm),
            "light": charts.light(c),
            "bounds": charts.bounds(c),
        }
        drawn = "".join(_picture(figure, CAPTIONS[name]) for name, figure in curves.items())
        images = _picture(charts.spots(c), CAPTIONS["spots"], vector=False)
    title = html.escape(f"PSF calibration of {c.name}")
    lists = tables.numbers(c, optics=optics) + tables.zernikes(c, wavelength_nm=optics.wavelength_nm) + tables.files(c)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{_verdict(c)}<h2>Images</h2>{images}"
        f"<h2>Curves</h2><div class=charts>{drawn}</div>{lists}</html>\n"
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
