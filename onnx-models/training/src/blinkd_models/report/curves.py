"""Curves of a report: against density, brightness, and depth.

Comes in: measurements. Goes out: figures. Never: measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from blinkd_models.evaluate.scores import Scores
from blinkd_models.report import style
from blinkd_models.report.measure import Measurements

MODE_STYLES = {
    "alone": ("single frame, shown as its own neighbour", style.PURPLE, "s"),
    "dark": ("shines in one frame only", style.BLUE, "o"),
    "three": ("shines in three frames", style.GREEN, "^"),
    "varied": ("one frame only, optics drawn", style.VERMILION, "D"),
}


def brightness(m: Measurements) -> list[float]:
    """The photons of the grid, in order."""
    return sorted({row.photons for row in m.metrics})


def against_density(m: Measurements) -> Figure:
    """Jaccard index, lateral (and axial) error and efficiency; a line per brightness."""
    figure, axes = style.panels(4 if m.condition.volume else 3, size_in=(3.6, 2.9))
    wanted: list[tuple[str, str, Callable[[Scores], float | None]]] = [
        ("Jaccard index", "JI", lambda s: s.jaccard),
        ("Lateral error", "r.m.s.e. lateral (nm)", lambda s: s.rmse_lateral_nm),
        ("Efficiency", "E", lambda s: s.efficiency),
    ]
    if m.condition.volume:
        wanted.insert(2, ("Axial error", "r.m.s.e. axial (nm)", lambda s: s.rmse_axial_nm))
    for panel, (name, label, value) in zip(axes, wanted, strict=True):
        for index, photons in enumerate(brightness(m)):
            _line(panel, m, m.scores, photons=photons, value=value, index=index, label=f"{photons:g} photons")
        style.title(panel, name, x="emitters per µm² and frame", y=label)
        _fraction_limits(panel) if "error" not in name else panel.set_ylim(bottom=0.0)
    axes[1].legend()
    return figure


def temporal_context(m: Measurements) -> Figure:
    """The same frames with their neighbours and without: dimmest but one and brightest."""
    figure, axes = style.panels(2)
    levels = brightness(m)
    chosen = sorted({levels[min(1, len(levels) - 1)], levels[-1]})
    wanted: list[tuple[str, str, Callable[[Scores], float | None]]] = [
        ("Jaccard index", "JI", lambda s: s.jaccard),
        ("Lateral error", "r.m.s.e. lateral (nm)", lambda s: s.rmse_lateral_nm),
    ]
    for panel, (name, label, value) in zip(axes, wanted, strict=True):
        for photons in chosen:
            index = levels.index(photons)
            for scores, dash, words in ((m.scores, "-", "three frames"), (m.without_context, "--", "single frame")):
                text = f"{photons:g} photons, {words}"
                _line(panel, m, scores, photons=photons, value=value, index=index, label=text, dash=dash)
        style.title(panel, name, x="emitters per µm² and frame", y=label)
    _fraction_limits(axes[0])
    axes[0].legend()
    axes[1].set_ylim(bottom=0.0)
    return figure


def against_photons(m: Measurements) -> Figure:
    """Isolated emitters: error and bound against brightness, and their ratio."""
    axial = m.condition.volume
    figure, axes = style.panels(3 if axial else 2)
    photons = sorted({row.photons for row in m.isolated})
    names = ["lateral", "axial"] if axial else ["lateral"]
    for panel, name in zip(axes, names, strict=False):
        bounds = _isolated(m, "dark", lambda row, name=name: _length(row.crlb_nm, name))
        panel.plot(photons, bounds, color=style.INK, label="bound, one frame", linewidth=1.2)
        three = np.array(bounds) / np.sqrt(3.0)
        panel.plot(photons, three, color=style.INK, linestyle=":", label="bound, three frames", linewidth=1.2)
        in_doubt = _isolated(m, "varied", lambda row, name=name: _length(row.doubt_nm, name))
        if in_doubt:
            panel.plot(photons, in_doubt, "--", color=style.INK, label="bound, optics in doubt", linewidth=1.2)
        for mode in _compared(m):
            label, colour, marker = MODE_STYLES[mode]
            errors = _isolated(m, mode, lambda row, name=name: _length(row.rmse_nm, name))
            panel.plot(photons, errors, color=colour, marker=marker, linestyle="none", label=label)
        panel.set(xscale="log", yscale="log")
        style.plain_ticks(panel.xaxis, photons)
        style.plain_ticks(panel.yaxis, _decades(three, bounds))
        style.title(panel, f"{name.capitalize()} error, isolated", x="photons per frame", y="r.m.s.e. (nm)")
    axes[0].legend()
    _ratios(axes[-1], m, photons=photons)
    return figure


def against_depth(m: Measurements) -> Figure:
    """Isolated emitters in 3D: errors beside the bound, and axial bias, against z."""
    figure, axes = style.panels(3)
    z = [row["z_nm"] for row in m.depth]
    for panel, name, colour in ((axes[0], "lateral", style.BLUE), (axes[1], "axial", style.VERMILION)):
        panel.plot(z, [row[f"rmse_{name}_nm"] for row in m.depth], color=colour, marker="o", label="r.m.s.e.")
        panel.plot(z, [row[f"crlb_{name}_nm"] for row in m.depth], color=style.INK, linewidth=1.2, label="bound")
        panel.set_ylim(bottom=0.0)
        panel.legend()
        style.title(panel, f"{name.capitalize()} error", x="z (nm)", y="nm")
    axes[2].axhline(0.0, color=style.QUIET, linewidth=0.8)
    axes[2].plot(z, [row["bias_axial_nm"] for row in m.depth], color=style.VERMILION, marker="o")
    style.title(axes[2], "Axial bias", x="z (nm)", y="mean of found − true (nm)")
    return figure


def _line(
    panel: Axes, m: Measurements, scores: list[Scores], *, photons: float, value: Callable[[Scores], float | None],
    index: int, label: str, dash: str = "-",
) -> None:  # fmt: skip
    points = [
        (row.density_per_um2, value(score))
        for row, score in zip(m.metrics, scores, strict=True)
        if row.photons == photons
    ]
    density, values = zip(*[(d, np.nan if v is None else v) for d, v in points], strict=True)
    filled = style.STEPS[index % len(style.STEPS)] if dash == "-" else "white"
    panel.plot(
        density,
        values,
        dash,
        color=style.STEPS[index % len(style.STEPS)],
        marker=style.MARKERS[index % len(style.MARKERS)],
        markerfacecolor=filled,
        label=label,
    )
    panel.set_xlim(left=0.0)


def _fraction_limits(panel: Axes) -> None:
    """Up to 1, down to a whole tenth below the values, and room for a legend."""
    low = panel.dataLim.y0
    panel.set_ylim(np.floor(10.0 * (low - 0.1)) / 10.0 if np.isfinite(low) else 0.0, 1.0)


def _ratios(panel: Axes, m: Measurements, *, photons: list[float]) -> None:
    """Error over bound of the information at hand: one or three frames, optics known or in doubt."""
    panel.axhline(1.0, color=style.INK, linewidth=1.2)
    for mode in _compared(m):
        mine = [row for row in m.isolated if row.mode == mode]
        label, colour, marker = MODE_STYLES[mode]
        panel.plot(photons, [row.over_bound[0] for row in mine], color=colour, marker=marker, label=label)
        if m.condition.volume:
            axial = [row.over_bound[1] for row in mine]
            panel.plot(photons, axial, "--", color=colour, marker=marker, markerfacecolor="white", label="  axial")
    panel.set(xscale="log")
    panel.set_ylim(bottom=min(0.9, panel.get_ylim()[0]))
    style.plain_ticks(panel.xaxis, photons)
    panel.legend()
    style.title(panel, "Error over the bound of what it was shown", x="photons per frame", y="r.m.s.e. / CRLB")


def _compared(m: Measurements) -> list[str]:
    """The modes that are drawn beside a bound, of those that were measured."""
    measured = {row.mode for row in m.isolated}
    return [mode for mode in MODE_STYLES if mode in measured and mode != "alone"]


def _isolated(m: Measurements, mode: str, value: Callable[..., float]) -> list[float]:
    return [value(row) for row in m.isolated if row.mode == mode]


def _length(axes_nm: Sequence[float], name: str) -> float:
    """Lateral: of x and y together."""
    return float(np.hypot(axes_nm[0], axes_nm[1])) if name == "lateral" else axes_nm[2]


def _decades(*values: Sequence[float]) -> list[float]:
    """1, 2, 5, 10, ... over all values."""
    low, high = (float(f(np.concatenate([np.asarray(v) for v in values]))) for f in (np.nanmin, np.nanmax))
    steps = [digit * 10.0**power for power in range(-1, 4) for digit in (1, 2, 5)]
    return [step for step in steps if 0.6 * low <= step <= 1.6 * high]
