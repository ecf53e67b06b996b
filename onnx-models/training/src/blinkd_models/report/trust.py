"""Figures of what a localization says of itself: sigma, photons, background, place in the pixel.

Comes in: measurements. Goes out: figures. Never: measures.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from blinkd_models.evaluate.calibration import SUBPIXEL_BINS
from blinkd_models.report import style
from blinkd_models.report.measure import Measurements, background_line


def sigma(m: Measurements) -> Figure:
    """Measured error against predicted sigma: bins of all pairs, and emitter by emitter over repeats."""
    figure, axes = style.panels(2 if m.repeated is None else 3, size_in=(3.7, 3.2))
    _calibration(axes[0], m)
    if m.repeated is None:
        return figure
    repeated = m.repeated
    for panel, predicted, colour, name, r in (
        (axes[1], repeated.sigma_nm, style.BLUE, "predicted σ", repeated.sigma_correlation),
        (axes[2], repeated.crlb_nm, style.VERMILION, "bound if it were alone", repeated.crlb_correlation),
    ):
        panel.scatter(predicted, repeated.error_nm, s=9, color=colour, alpha=0.5, linewidths=0)
        top = float(np.quantile(np.concatenate([repeated.sigma_nm, repeated.error_nm]), 0.99)) * 1.1
        panel.set(xlim=(0.0, top), ylim=(0.0, top))
        _diagonal(panel, top)
        words = "-" if r is None else f"{r:.2f}"
        style.title(panel, f"Emitter by emitter, r = {words}", x=f"{name} (nm)", y="measured error (nm)")
    return figure


def subpixel(m: Measurements) -> Figure:
    """Histogram of places in the pixel, bias by the true place, and share found near a corner."""
    figure, axes = style.panels(3, size_in=(3.7, 2.9))
    edges = np.linspace(0.0, 1.0, SUBPIXEL_BINS + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    first = m.pooled["subpixel"]["x"]
    expected = first["expected_rms_deviation"]
    if expected is not None:
        axes[0].axhspan(1.0 - expected, 1.0 + expected, color=style.RULE, linewidth=0, label="chance (1 σ)")
    for (axis, row), colour in zip(m.pooled["subpixel"].items(), (style.BLUE, style.ORANGE), strict=True):
        heights = SUBPIXEL_BINS * np.array(row["histogram"])
        axes[0].stairs(heights, edges, color=colour, linewidth=1.6, label=f"along {axis}")
        bias = [math.nan if value is None else value for value in row["bias_nm"]]
        axes[1].plot(middles, bias, color=colour, marker="o", markersize=3.5, label=f"along {axis}")
    axes[0].set_ylim(0.0, 2.0)
    axes[0].legend(loc="lower center", ncols=3)
    style.title(axes[0], "Places in the pixel", x="place in the pixel (0.5: centre)", y="frequency / uniform")
    axes[1].axhline(0.0, color=style.QUIET, linewidth=0.8)
    limit = max(5.0, *(abs(value) for value in axes[1].get_ylim()))
    axes[1].set_ylim(-limit, limit)
    axes[1].legend(ncols=2)
    style.title(axes[1], "Bias by true place", x="true place in the pixel", y="mean of found − true (nm)")
    if m.corner:
        axes[2].plot(*zip(*m.corner, strict=True), color=style.GREEN, marker="o")
    axes[2].set(xlim=(0.0, 0.5), ylim=(0.0, 1.04))
    text = "min(|x − centre|, |y − centre|) (px); corner: 0.5"
    style.title(axes[2], "Isolated emitters found, near corners", x=text, y="share found")
    return figure


def linearity(m: Measurements) -> Figure:
    """Found against true photons and background, as ratios and values."""
    figure, axes = style.panels(2)
    for index, (density, report) in enumerate(m.crowding.items()):
        rows = [row for row in report["photons"]["bins"] if row["count"] >= 10]
        true, found = (np.array([row[f"{side}_mean"] for row in rows]) for side in ("true", "found"))
        colour, marker = style.STEPS[index % len(style.STEPS)], style.MARKERS[index % len(style.MARKERS)]
        axes[0].plot(true, found / true, color=colour, marker=marker, label=f"{density:g} /µm²")
    axes[0].axhline(1.0, color=style.INK, linewidth=1.0)
    axes[0].set(xscale="log", ylim=(0.5, max(1.5, min(2.5, 1.05 * axes[0].dataLim.y1))))
    style.plain_ticks(axes[0].xaxis, [100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0])
    axes[0].legend(ncols=2)
    style.title(axes[0], "Photons", x="true photons (mean of a bin)", y="found / true")
    values = [[row[name] for row in m.backgrounds] for name in ("true", "found", "sd")]
    axes[1].errorbar(values[0], values[1], yerr=values[2], color=style.BLUE, marker="o", linestyle="none", capsize=3)
    top = 1.1 * max([1.0, *values[0], *values[1]])
    axes[1].set(xlim=(0.0, top), ylim=(0.0, top))
    _diagonal(axes[1], top)
    line = background_line(m.backgrounds)
    words = "" if line["slope"] is None else f", slope {line['slope']:.3f}"
    style.title(axes[1], f"Background{words}", x="true photons per pixel", y="found (mean ± s.d.)")
    return figure


def _calibration(panel: Axes, m: Measurements) -> None:
    """A line per density; x and y (and z in 3D) share the panel."""
    top = 0.0
    for index, (density, report) in enumerate(m.crowding.items()):
        colour, marker = style.STEPS[index % len(style.STEPS)], style.MARKERS[index % len(style.MARKERS)]
        bins = _both(report["sigma"])
        panel.plot(*bins, color=colour, marker=marker, label=f"{density:g} /µm²")
        top = max(top, float(bins.max(initial=0.0)))
    panel.set(xscale="log", yscale="log")
    low, high = panel.get_xlim()[0], 1.15 * top
    panel.plot([low, high], [low, high], color=style.INK, linewidth=1.0)
    panel.set(xlim=(low, high), ylim=(low, high))
    steps = [step for step in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0) if low <= step <= high]
    style.plain_ticks(panel.xaxis, steps)
    style.plain_ticks(panel.yaxis, steps)
    panel.legend()
    style.title(panel, "All pairs, x and y, bins of equal count", x="predicted σ (nm)", y="measured error (nm)")


def _both(report: dict[str, Any]) -> Any:
    """[2, bins]: predicted and measured, x and y taken together bin by bin."""
    pairs = zip(report["x"]["bins"], report["y"]["bins"], strict=True)
    rows = [[math.hypot(x[n], y[n]) / math.sqrt(2.0) for n in ("predicted_nm", "measured_nm")] for x, y in pairs]
    return np.array(rows).reshape(-1, 2).T


def _diagonal(panel: Axes, top: float) -> None:
    panel.plot([0.0, top], [0.0, top], color=style.INK, linewidth=1.0)
