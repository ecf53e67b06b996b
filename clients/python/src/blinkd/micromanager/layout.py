"""Tiles, rows, overlap and channels of a useq sequence. Pure.

In: an `MDASequence`, or nothing. Out: which tile an event belongs to, how many frames a channel has there, whether
they are neighbours in time. Never: an exception for a sequence that is laid out in a way we do not know; its positions
are then tiles in the order in which they come.

Row and column are not in useq's events; only the grid plan has them.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from blinkd.series import Tile


@dataclass(slots=True, kw_only=True)
class Layout:
    """Where tiles lie; `places` maps (position, place in the grid) to (row, column)."""

    rows: int = 1
    columns: int = 1
    overlap_percent: tuple[float, float] = (0.0, 0.0)
    snake: bool = False
    frames_per_tile: int = 0
    """Of a channel that is taken at every time and in every plane; 0: not known."""
    channels: dict[str, int] = field(default_factory=dict)
    """Frames of each channel in a tile; empty: the sequence names none."""
    tiles: int = 1
    """0: not known."""
    sampled: bool = False
    """Time passes between frames, or other channels or planes are taken: neighbours in the stream are none in time."""
    places: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _seen: dict[tuple[int, int], int] = field(default_factory=dict)

    def frames_of(self, channel: str) -> int:
        """How many frames a channel has in each tile; 0: not known."""
        return self.channels.get(channel, self.frames_per_tile)

    def tile(self, index: Mapping[str, int], *, channel: str = "") -> Tile:
        """The tile of an event with this `index`; tiles are numbered in the order in which they come."""
        key = (int(index.get("p", 0)), int(index.get("g", 0)))
        number = self._seen.setdefault(key, len(self._seen))
        row, column = self.places.get(key, (0, 0))
        return Tile(index=number, row=row, column=column, frames=self.frames_of(channel))


def read_layout(sequence: Any, *, field_um: tuple[float, float]) -> Layout:  # noqa: ANN401
    """The layout of a sequence; `field_um` is the field of view, where the plan does not say it."""
    layout = Layout()
    if sequence is None:
        return layout
    sizes = {str(axis): int(size) for axis, size in dict(getattr(sequence, "sizes", {})).items()}
    positions = list(getattr(sequence, "stage_positions", ()) or ()) or [None]
    for number, position in enumerate(positions):
        plan = _plan_of(position) or getattr(sequence, "grid_plan", None)
        for place, (row, column) in enumerate(_grid(plan, field_um)):
            layout.places[(number, place)] = (row, column)
        _read_plan(plan, layout)
    if layout.places:
        layout.rows = 1 + max(row for row, _ in layout.places.values())
        layout.columns = 1 + max(column for _, column in layout.places.values())
    layout.tiles = len(layout.places) or len(positions)
    times, planes = max(1, sizes.get("t", 1)), max(1, sizes.get("z", 1))
    if all(getattr(position, "sequence", None) is None for position in positions):
        layout.frames_per_tile = times * planes
        for channel in getattr(sequence, "channels", ()) or ():
            layout.channels[str(channel.config)] = _frames_of(channel, times=times, planes=planes)
    layout.sampled = _interval_s(getattr(sequence, "time_plan", None)) > 0 or _interleaved(sequence, sizes)
    return layout


def _frames_of(channel: Any, *, times: int, planes: int) -> int:  # noqa: ANN401
    every = max(1, int(getattr(channel, "acquire_every", 1) or 1))
    return math.ceil(times / every) * (planes if getattr(channel, "do_stack", True) else 1)


def _interleaved(sequence: Any, sizes: Mapping[str, int]) -> bool:  # noqa: ANN401
    """Whether channels or planes change from one time to the next."""
    axes = [str(axis) for axis in getattr(sequence, "axis_order", ()) or ()]
    after_time = axes[axes.index("t") + 1 :] if "t" in axes else axes
    return any(sizes.get(axis, 1) > 1 for axis in after_time if axis in ("c", "z"))


def _plan_of(position: Any) -> Any:  # noqa: ANN401
    return getattr(getattr(position, "sequence", None), "grid_plan", None)


def _grid(plan: Any, field_um: tuple[float, float]) -> Iterator[tuple[int, int]]:  # noqa: ANN401
    """(row, column) of each place of a grid plan, in its own order."""
    if plan is None or not hasattr(plan, "iter_grid_positions"):
        return
    width, height = getattr(plan, "fov_width", None), getattr(plan, "fov_height", None)
    for place in plan.iter_grid_positions(width or field_um[0], height or field_um[1]):
        row, column = getattr(place, "grid_row", None), getattr(place, "grid_col", None)
        if row is None or column is None:
            row, column = getattr(place, "row", 0), getattr(place, "col", 0)
        yield int(row or 0), int(column or 0)


def _read_plan(plan: Any, layout: Layout) -> None:  # noqa: ANN401
    overlap = getattr(plan, "overlap", None)
    if overlap is not None:
        layout.overlap_percent = (float(overlap[0]), float(overlap[1]))
    layout.snake = layout.snake or "snake" in str(getattr(plan, "mode", ""))


def _interval_s(plan: Any) -> float:  # noqa: ANN401
    """The longest of a time plan's intervals."""
    intervals = [getattr(part, "interval", None) for part in (plan, *(getattr(plan, "phases", ()) or ()))]
    return max((i.total_seconds() for i in intervals if isinstance(i, datetime.timedelta)), default=0.0)
