"""Scans as a whole. Names and units are those of `scans.proto`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from blinkd.client.acquisitions import Grid, TileAccount


class TileState(enum.IntEnum):
    """Where a tile stands."""

    UNSPECIFIED = 0
    PLANNED = 1
    ACQUIRING = 2
    PROCESSING = 3
    DONE = 4
    FAILED = 5
    """Frames are lost or missing."""
    RETAKE = 6
    """Somebody wants it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTile:
    """A tile with its state, and how often its frames began to come."""

    state: TileState
    tile: TileAccount
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A series of tiles."""

    series_id: bytes
    name: str
    grid: Grid | None
    expected_tiles: int
    tiles_by_state: Mapping[str, int]
    tiles: tuple[ScanTile, ...]
    retake: tuple[int, ...]
    """Indices of the tiles that somebody wants again: for whoever drives the scan."""
    seconds_left: float | None
    tile_width_nm: float
    tile_height_nm: float
