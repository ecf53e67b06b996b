"""Pictures of a calibration, as bytes for a page.

Comes in: a ``Calibration``. Goes out: PNG for images, SVG for curves; the same bytes for the same numbers.
Never: opens a window.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from blinkd_models.calibrate.calibration import Calibration
from blinkd_models.calibrate.quality import Bound

PLANES = 7
DATA, SPLINE, PUPIL, SOFT = "#1f2933", "#0b7285", "#d9480f", "#adb5bd"
LOOK: dict[str, Any] = {
    "svg.hashsalt": "blinkd", "font.size": 9.0, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e9ecef", "axes.axisbelow": True, "legend.frameon": False,
}  # fmt: skip


@contextmanager
def look() -> Iterator[None]:
    """One style for all charts, whatever the machine's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(LOOK)  # type: ignore[arg-type]
        yield


def svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    return buffer.getvalue()


def png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None}, bbox_inches="tight")
    return buffer.getvalue()


def spots(c: Calibration) -> Figure:
    """Data, spline, pupil and what each leaves, at several z; every column in its own brightness."""
    chosen = np.unique(np.linspace(0, len(c.z_nm) - 1, PLANES).round().astype(int))
    data, spline, pupil = c.bead.photons.numpy(), c.spline_model.numpy(), c.fit.model.numpy()
    figure = Figure(figsize=(1.55 * len(chosen), 8.2))
    grid = figure.subplots(5, len(chosen), squeeze=False)
    for column, k in enumerate(chosen):
        low, high = float(np.quantile(data[k], 0.05)), float(data[k].max())
        sides = [data[k], spline[k], pupil[k]]
        for row, image in enumerate(sides):
            grid[row, column].imshow(image, cmap="magma", vmin=low, vmax=high)
        limit = 0.15 * (high - low)
        for row, image in ((3, data[k] - spline[k]), (4, data[k] - pupil[k])):
            grid[row, column].imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        grid[0, column].set_title(f"z = {c.z_nm[k]:+.0f} nm", fontsize=9)
    for row, label in enumerate(("bead", "spline", "pupil", "bead - spline", "bead - pupil")):
        grid[row, 0].set_ylabel(label)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    figure.subplots_adjust(wspace=0.04, hspace=0.04)
    return figure


def residuals(c: Calibration) -> Figure:
    figure, axes = _chart("z in nm", "unexplained share of the pattern, %")
    axes.plot(c.z_nm, 100 * c.pupil_residual.total, color=PUPIL, label="pupil")
    axes.plot(c.z_nm, 100 * c.spline_residual.total, color=SPLINE, label="spline")
    axes.plot(c.z_nm, 100 * c.spline_residual.noise, color=SOFT, linestyle="--", label="shot noise alone")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def spot_widths(c: Calibration, *, pixel_size_nm: float) -> Figure:
    """Sigma along the two axes of the astigmatism; full width at half maximum on the right."""
    figure, axes = _chart("z in nm", "sigma of the spot in nm")
    for index, (label, color) in enumerate(zip(axis_names(c), (SPLINE, PUPIL), strict=True)):
        data, pupil = c.data_widths_px[index] * pixel_size_nm, c.pupil_widths_px[index] * pixel_size_nm
        axes.plot(c.z_nm, data, "o", color=color, markersize=2.5, label=f"{label}, bead")
        axes.plot(c.z_nm, pupil, "-", color=color, linewidth=1.4, label=f"{label}, pupil")
    axes.set_ylim(bottom=0)
    right = axes.secondary_yaxis("right", functions=(_fwhm, _sigma))
    right.set_ylabel("FWHM in nm")
    axes.legend(fontsize=8)
    return figure


def _fwhm(sigma: Any) -> Any:
    return 2.3548 * sigma


def _sigma(fwhm: Any) -> Any:
    return fwhm / 2.3548


def axis_names(c: Calibration) -> tuple[str, str]:
    """Sigma x and sigma y where the astigmatism follows the pixels, else the angle it takes."""
    degrees = math.degrees(c.angle_rad)
    if abs(degrees) < 10.0:
        return "sigma x", "sigma y"
    if abs(degrees) > 80.0:
        return "sigma y", "sigma x"
    return f"sigma at {degrees:.0f}°", f"sigma at {degrees + 90 if degrees < 0 else degrees - 90:.0f}°"


def bounds(c: Calibration) -> Figure:
    """Smallest possible localization errors."""
    figure = Figure(figsize=(7.2, 3.2))
    left, right = figure.subplots(1, 2)
    for axes, title in ((left, "lateral (mean of x and y)"), (right, "axial")):
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("z in nm")
        axes.set_ylabel("Cramér-Rao bound in nm")
    for pair, style, name in ((c.spline_bounds, "-", "spline"), (c.pupil_bounds, "--", "pupil")):
        for one, color in zip(pair, (PUPIL, SPLINE), strict=True):
            label = f"{one.photons:.0f} photons, {name}"
            left.plot(one.z_nm, lateral(one), style, color=color, label=label, linewidth=1.3)
            right.plot(one.z_nm, one.depth_nm, style, color=color, linewidth=1.3)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
    right.set_ylim(top=min(200.0, 1.5 * float(np.nanmax(c.spline_bounds[0].depth_nm))))
    left.legend(fontsize=7)
    figure.tight_layout()
    return figure


def lateral(one: Bound) -> NDArray[np.float64]:
    """Root mean square of the bounds along rows and columns."""
    return np.asarray(np.sqrt(0.5 * (one.row_nm**2 + one.col_nm**2)))


def aberrations(c: Calibration, *, wavelength_nm: float) -> Figure:
    """Zernike coefficients with three standard deviations of noise."""
    figure, axes = _chart("Noll index", "wavefront, nm RMS")
    scale = wavelength_nm / (2.0 * math.pi)
    value = c.fit.pupil.zernike_rad.numpy() * scale if c.fit.pupil.zernike_rad is not None else np.zeros(0)
    axes.bar(c.fit.pupil.noll, value, color=SPLINE, yerr=3 * scale * c.fit.sigma_rad.numpy(), ecolor=DATA, capsize=2)
    axes.axhline(0.0, color=DATA, linewidth=0.8)
    axes.set_xticks(c.fit.pupil.noll)
    axes.grid(axis="x", visible=False)
    return figure


def light(c: Calibration) -> Figure:
    figure, axes = _chart("z in nm", "photons per slice")
    axes.plot(c.z_nm, c.fit.light.numpy(), color=DATA)
    axes.set_ylim(bottom=0)
    return figure


def _chart(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.6, 3.1))
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes
