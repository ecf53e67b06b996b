"""How every figure looks, in one place: fonts, lines, and colours that colour-blind readers can tell apart.

Comes in: sizes. Goes out: figures and their text as SVG or PNG. Never: data, or state of pyplot.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#22272e"
QUIET = "#6b7480"
RULE = "#dfe3e8"
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442",
)  # fmt: skip
"""Okabe and Ito's palette."""
STEPS = ("#0d2a63", "#1f6fb2", "#35a79c", "#e0a526", "#c8540a")
"""For things in an order (dim to bright, sparse to dense); they differ in lightness too."""
MARKERS = ("o", "s", "^", "D", "v")
TRUTH, FOUND, WRONG = SKY, YELLOW, VERMILION

PANEL_IN = (4.1, 2.9)
RC: Any = {
    "font.family": "DejaVu Sans", "font.size": 9.0, "axes.titlesize": 9.5, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.labelcolor": INK, "axes.edgecolor": QUIET, "axes.linewidth": 0.8,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": RULE, "grid.linewidth": 0.7, "text.color": INK, "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "lines.linewidth": 1.6, "lines.markersize": 4.5,
    "legend.frameon": False, "legend.fontsize": 8.0, "legend.handlelength": 1.8, "svg.fonttype": "path",
    "svg.hashsalt": "blinkd", "figure.facecolor": "white", "savefig.facecolor": "white",
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """The style, for as long as figures are made and written."""
    with mpl.rc_context(RC):
        yield


def panels(count: int, *, size_in: tuple[float, float] = PANEL_IN) -> tuple[Figure, list[Axes]]:
    """A row of ``count`` axes."""
    figure = Figure(figsize=(size_in[0] * count, size_in[1]), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def title(axes: Axes, text: str, *, x: str, y: str) -> None:
    """Title and labels."""
    axes.set_title(text)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def plain_ticks(axis: Any, values: list[float]) -> None:
    """Exactly these ticks, as plain numbers, also on a logarithmic axis."""
    axis.set_ticks(values, labels=[f"{value:g}" for value in values])
    axis.set_ticks([], minor=True)


def svg(figure: Figure, *, label: str) -> str:
    """Inline SVG, without declaration and date, named for readers who do not see it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def png(figure: Figure, *, label: str, dpi: int = 150) -> str:
    """An image element with the picture inside."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{label}" src="data:image/png;base64,{data}">'
