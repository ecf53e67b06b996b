"""Pictures of frames with what is true and what was found in them.

Comes in: examples. Goes out: a figure. Never: runs a network.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from blinkd_models.evaluate.match import Array
from blinkd_models.report import style
from blinkd_models.report.measure import Example

SIGMAS = 3.0
"""Half axes of an ellipse."""
SCALE_BAR_NM = 1000.0
RING_PT2 = 170.0
"""Area of the ring around an emitter that shines for the whole frame; dimmer ones have smaller rings."""


def examples(shown: list[Example]) -> Figure:
    """The frames side by side."""
    figure, axes = style.panels(len(shown), size_in=(3.4, 4.1))
    for panel, example in zip(axes, shown, strict=True):
        _frame(panel, example)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, columnspacing=1.6)
    return figure


def _frame(panel: Axes, example: Example) -> None:
    trial, frame = example.trial, example.frame
    size = trial.condition.pixel_size_nm
    low, high = np.percentile(frame, [1.0, 99.7])
    panel.imshow(frame, cmap="gray", vmin=low, vmax=1.15 * high, interpolation="nearest")
    true, found = (side.positions_nm[:, :2] / size - 0.5 for side in (trial.truth, trial.found))
    assert trial.truth.photons is not None
    areas = RING_PT2 * np.clip(np.sqrt(trial.truth.photons / trial.condition.photons), 0.3, 1.3)
    missed, false = np.ones(len(true), dtype=bool), np.ones(len(found), dtype=bool)
    missed[trial.matches.truth] = False
    false[trial.matches.localization] = False
    for which, colour in ((~missed, style.TRUTH), (missed, style.WRONG)):
        places = true[which]
        panel.scatter(places[:, 0], places[:, 1], s=areas[which], facecolors="none", edgecolors=colour, linewidths=1.5)
    for which, marker, colour in ((~false, "+", style.FOUND), (false, "x", style.WRONG)):
        places = found[which]
        crosses = panel.scatter(places[:, 0], places[:, 1], s=60, marker=marker, c=colour, linewidths=1.0)
        crosses.set_path_effects([withStroke(linewidth=2.4, foreground="black")])
    _ellipses(panel, found, sigma_px=trial.found.sigmas_nm(np.arange(len(found)))[:, :2] / size)
    height, width = frame.shape
    bar = SCALE_BAR_NM / size
    panel.plot([width - 2.5 - bar, width - 2.5], [height - 2.5] * 2, color="white", linewidth=3, solid_capstyle="butt")
    panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
    panel.grid(visible=False)
    condition, matches = trial.condition, trial.matches
    panel.set_title(
        f"{condition.density_per_um2:g} /µm², {condition.photons:g} photons: {len(matches)} of {matches.truths}, "
        f"{matches.localizations - len(matches)} false",
        fontsize=8.5,
    )


def _ellipses(panel: Axes, places: Array, *, sigma_px: Array) -> None:
    """Three predicted sigmas around each localization."""
    widths, heights = (2.0 * SIGMAS * sigma_px).T
    panel.add_collection(
        EllipseCollection(
            widths,
            heights,
            np.zeros(len(widths)),
            units="xy",
            offsets=places,
            offset_transform=panel.transData,
            facecolors="none",
            edgecolors=style.FOUND,
            linewidths=1.0,
        )
    )


def _legend() -> list[Line2D]:
    def mark(marker: str, colour: str, label: str, size: float) -> Line2D:
        return Line2D(
            [], [], linestyle="none", marker=marker, markersize=size, markerfacecolor="none", color=colour, label=label
        )

    # Yellow does not show on white, so the legend has the darker orange of the same meaning.
    return [
        mark("o", style.TRUTH, "true, found", 8),
        mark("o", style.WRONG, "true, missed", 8),
        mark("+", style.ORANGE, "localization", 7),
        mark("o", style.ORANGE, f"its {SIGMAS:g} σ", 6),
        mark("x", style.WRONG, "false localization", 6),
    ]
