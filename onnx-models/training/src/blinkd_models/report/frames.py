"""Pictures of frames with what is true and what was found in them.

Comes in: examples. Goes out: a figure. Never: runs a network.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from blinkd_models.evaluate.match import Array
from blinkd_models.report import style
from blinkd_models.report.measure import Example

SIGMAS = 3.0
"""Half axes of an ellipse."""
SCALE_BAR_NM = 1000.0


def examples(shown: list[Example]) -> Figure:
    """The frames side by side."""
    figure, axes = style.panels(len(shown), size_in=(3.3, 3.75))
    for panel, example in zip(axes, shown, strict=True):
        _frame(panel, example)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=5, columnspacing=1.6)
    return figure


def _frame(panel: Axes, example: Example) -> None:
    trial, frame = example.trial, example.frame
    size = trial.condition.pixel_size_nm
    low, high = np.percentile(frame, [1.0, 99.7])
    panel.imshow(frame, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    true, found = (side.positions_nm[:, :2] / size - 0.5 for side in (trial.truth, trial.found))
    missed, false = np.ones(len(true), dtype=bool), np.ones(len(found), dtype=bool)
    missed[trial.matches.truth] = False
    false[trial.matches.localization] = False
    for places, colour in ((true[~missed], style.TRUTH), (true[missed], style.WRONG)):
        panel.scatter(places[:, 0], places[:, 1], s=70, facecolors="none", edgecolors=colour, linewidths=1.3)
    panel.scatter(found[~false, 0], found[~false, 1], s=22, marker="+", c=style.FOUND, linewidths=1.1)
    panel.scatter(found[false, 0], found[false, 1], s=34, marker="x", c=style.WRONG, linewidths=1.4)
    _ellipses(panel, found, sigma_px=trial.found.sigmas_nm(np.arange(len(found)))[:, :2] / size)
    height, width = frame.shape
    bar = SCALE_BAR_NM / size
    panel.plot([width - 2.5 - bar, width - 2.5], [height - 2.5] * 2, color="white", linewidth=3, solid_capstyle="butt")
    panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
    panel.grid(visible=False)
    condition, matches = trial.condition, trial.matches
    panel.set_title(
        f"{condition.density_per_um2:g} /µm², {condition.photons:g} photons\n"
        f"{len(matches)} of {matches.truths} found, {matches.localizations - len(matches)} false",
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
            linewidths=0.8,
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
