"""Tables of a report as HTML.

Comes in: measurements. Goes out: HTML text. Never: draws, measures.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence

from blinkd_models.evaluate.simulated import Metrics
from blinkd_models.report.measure import Measurements

SHADE = (31, 111, 178)
"""Colour of the best cell; worse ones fade to white."""


def matrix(
    m: Measurements, *, title: str, value: Callable[[Metrics], float | None], digits: int, low: float, high: float
) -> str:
    """Densities down, brightness across; ``low`` (worst) to ``high`` (best) give the shade of a cell."""
    photons = sorted({row.photons for row in m.metrics})
    head = "".join(f"<th scope=col>{flux:g}</th>" for flux in photons)
    lines = [f"<table><caption>{html.escape(title)}</caption><tr><th scope=col>/µm² \\ photons</th>{head}</tr>"]
    for density in sorted({row.density_per_um2 for row in m.metrics}):
        cells = [
            _cell(value(row), digits=digits, low=low, high=high)
            for row in sorted(m.metrics, key=lambda row: row.photons)
            if row.density_per_um2 == density
        ]
        lines.append(f"<tr><th scope=row>{density:g}</th>{''.join(cells)}</tr>")
    return "".join([*lines, "</table>"])


def rows(title: str, *, head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A plain table of text."""
    header = "".join(f"<th scope=col>{html.escape(name)}</th>" for name in head)
    lines = ["<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in body]
    return f"<table><caption>{html.escape(title)}</caption><tr>{header}</tr>{''.join(lines)}</table>"


def number(value: float | None, digits: int = 3) -> str:
    """Significant digits; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}g}"


def fixed(value: float | None, decimals: int = 2) -> str:
    """Decimals; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{decimals}f}"


def _cell(value: float | None, *, digits: int, low: float, high: float) -> str:
    if value is None or math.isnan(value):
        return "<td>–</td>"
    strength = 0.55 * min(1.0, max(0.0, (value - low) / (high - low)))
    red, green, blue = (round(255 - strength * (255 - part)) for part in SHADE)
    return f'<td style="background:rgb({red},{green},{blue})">{value:.{digits}f}</td>'
