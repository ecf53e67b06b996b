"""Charts as SVG text: lines over time, points with names. No dependency, readable on light and dark pages.

Comes in: numbers. Goes out: one ``<svg>`` element. Never: knows what the numbers mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#4c8dff", "#e8833a", "#3fae6a", "#c65bcf", "#c9a227", "#d64550")
LEFT, RIGHT, TOP, BOTTOM = 58.0, 14.0, 30.0, 40.0
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:currentColor}.name{font-weight:600;font-size:13px}"
    ".grid{stroke:currentColor;stroke-opacity:.15}.quiet{opacity:.65}"
)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Maps values to a stretch of the drawing."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where ``value`` is drawn; values beyond the ends are drawn at the ends."""
        low, high, value = (self._scaled(v) for v in (self.low, self.high, value))
        part = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.start + (self.end - self.start) * part

    def ticks(self) -> list[float]:
        """Some round values between the ends; a short logarithmic axis has those of a linear one."""
        if self.log and self.high > 3.0 * self.low:
            low, high = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            factors = (1.0,) if high - low > 3 else (1.0, 2.0, 5.0)
            marks = [factor * 10.0**power for power in range(low, high + 1) for factor in factors]
            return [mark for mark in marks if self.low <= mark <= self.high]
        rough = (self.high - self.low) / 7.0
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1.0, 2.0, 5.0, 10.0) if unit * factor >= rough)
        return [step * i for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-30)) if self.log else value


@dataclass(frozen=True, kw_only=True)
class Series:
    """Points [(x, y)], drawn in order as a line, or as dots with ``labels``."""

    name: str
    points: Sequence[tuple[float, float]]
    labels: Sequence[str] = ()
    line: bool = True
    dashed: bool = False


def axis(values: Sequence[float], *, start: float, end: float, log: bool, from_zero: bool = False) -> Axis:
    """An axis around the finite values, with a little room."""
    usable = [v for v in values if math.isfinite(v) and (v > 0.0 or not log)] or [1.0]
    low, high = min(usable), max(usable)
    if log:
        return Axis(low=low / 1.15, high=high * 1.15, start=start, end=end, log=True)
    low = min(0.0, low) if from_zero else low
    room = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
    return Axis(low=low if from_zero and low == 0.0 else low - room, high=high + room, start=start, end=end)


def chart(
    series: Sequence[Series], *, title: str, x_label: str, width: int = 480, height: int = 260,
    log_x: bool = False, log_y: bool = False, from_zero: bool = False,
) -> str:  # fmt: skip
    """One chart with frame, grid, ticks and a legend if there is more than one series."""
    points = [point for one in series for point in one.points]
    across = axis([x for x, _ in points], start=LEFT, end=width - RIGHT, log=log_x)
    up = axis([y for _, y in points], start=height - BOTTOM, end=TOP, log=log_y, from_zero=from_zero)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" color="#444"><style>{STYLE}</style>',
        f'<text class="name" x="{LEFT:g}" y="16">{escape(title)}</text>',
        *_frame(across, up, width=width, height=height, x_label=x_label),
    ]
    for i, one in enumerate(series):
        parts += _series(one, across=across, up=up, colour=COLOURS[i % len(COLOURS)], width=width)
    if len(series) > 1:
        parts += _legend(series, width=width)
    return "".join([*parts, "</svg>"])


def number(value: float) -> str:
    """Short, without an exponent where it can be read without."""
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _frame(across: Axis, up: Axis, *, width: int, height: int, x_label: str) -> list[str]:
    out = []
    for mark in across.ticks():
        x = across.at(mark)
        out.append(f'<path class="grid" d="M{x:.1f} {TOP:g}V{height - BOTTOM:g}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - BOTTOM + 14:g}" text-anchor="middle">{number(mark)}</text>')
    for mark in up.ticks():
        y = up.at(mark)
        out.append(f'<path class="grid" d="M{LEFT:g} {y:.1f}H{width - RIGHT:g}"/>')
        out.append(f'<text x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{number(mark)}</text>')
    middle = (LEFT + width - RIGHT) / 2.0
    out.append(f'<text class="quiet" x="{middle:g}" y="{height - 8}" text-anchor="middle">{escape(x_label)}</text>')
    return out


def _series(one: Series, *, across: Axis, up: Axis, colour: str, width: int) -> list[str]:
    at = [(across.at(x), up.at(y)) for x, y in one.points if math.isfinite(x) and math.isfinite(y)]
    out = []
    if one.line and len(at) > 1:
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        dash = ' stroke-dasharray="5 4"' if one.dashed else ""
        out.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>')
    if not one.line or len(at) < 40:
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2.2 if one.line else 4}" fill="{colour}"/>' for x, y in at]
    for (x, y), label in zip(at, one.labels, strict=False):
        anchor, shift = ("end", -7) if x > 0.8 * width else ("start", 7)
        out.append(f'<text x="{x + shift:.1f}" y="{y - 5:.1f}" text-anchor="{anchor}">{escape(label)}</text>')
    return out


def _legend(series: Sequence[Series], *, width: int) -> list[str]:
    out, x = [], width - RIGHT
    for i, one in reversed(list(enumerate(series))):
        x -= 6.2 * len(one.name)
        out.append(f'<text x="{x:.1f}" y="16">{escape(one.name)}</text>')
        out.append(f'<circle cx="{x - 9:.1f}" cy="12" r="4" fill="{COLOURS[i % len(COLOURS)]}"/>')
        x -= 24
    return out
