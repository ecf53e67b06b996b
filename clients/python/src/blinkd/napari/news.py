"""What the follower tells the window: plain values, one class per kind.

Comes in: nothing. Goes out: values that only the newest of its kind matters of. Never: Qt, napari, a connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from blinkd.client.acquisitions import Acquisition
from blinkd.napari.localizations import Found
from blinkd.napari.mosaic import Mosaic
from blinkd.napari.tile_grid import TileGrid


@dataclass(frozen=True)
class Connected:
    """The daemon answers."""

    address: str
    version: str


@dataclass(frozen=True)
class Lost:
    """It does not, or not as it should; it is asked again by itself."""

    text: str


@dataclass(frozen=True)
class Listed:
    """The series that exist, the newest first, and the one that is followed."""

    acquisitions: Sequence[Acquisition]
    followed: Acquisition | None


@dataclass(frozen=True)
class PictureLaidOut:
    """Another series, or the levels cover another region: the layer needs this mosaic."""

    series_id: bytes
    name: str
    mosaic: Mosaic


@dataclass(frozen=True)
class PictureChanged:
    """Tiles have come into the mosaic."""


@dataclass(frozen=True)
class GridChanged:
    """The followed series' tiles; None: it is no scan."""

    grid: TileGrid | None


@dataclass(frozen=True)
class PointsFound:
    """The answer to a wish."""

    found: Found


@dataclass(frozen=True)
class PointsFailed:
    """Why there is none."""

    text: str


News: TypeAlias = Connected | Lost | Listed | PictureLaidOut | PictureChanged | GridChanged | PointsFound | PointsFailed
