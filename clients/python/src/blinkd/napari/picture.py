"""The followed series' picture: its tiles from the daemon into the mosaic that napari looks at.

Comes in: a source of tiles. Goes out: a mosaic, and another one when the series or what the levels cover changed.
Never: a tile that nobody looks at, but those of the coarsest level.
"""

from __future__ import annotations

from collections.abc import Callable

from blinkd.client.pictures import Viewport
from blinkd.client.tiles import TileKey as SourceKey
from blinkd.client.tiles import TileSource
from blinkd.napari.layout import Layout, Pyramid, TileKey
from blinkd.napari.mosaic import Mosaic
from blinkd.napari.world import Region


class Picture:
    """Of one series. Used by one thread; its mosaic is also used by napari's."""

    def __init__(self, source: TileSource, field: Region, *, on_want: Callable[[], None]) -> None:
        self.source, self._field, self._on_want = source, field, on_want
        self.mosaic: Mosaic | None = None

    def refresh(self) -> Mosaic | None:
        """Asks what changed since the last time; a new mosaic where the old one does not do any more."""
        asked = [] if self.mosaic is None else self.mosaic.looked_at()
        changes = self.source.refresh(SourceKey(key.level, key.x, key.y) for key in asked)
        layout, before = self._layout(), self.mosaic
        if before is None:
            self.mosaic = Mosaic(layout, on_want=self._on_want)
        elif layout != before.layout:
            self.mosaic = before.grown(layout)
        assert self.mosaic is not None
        keys = None if changes.reset else [TileKey(key.level, key.x, key.y) for key in changes.tiles]
        self.mosaic.changed(keys, asked=asked)
        return self.mosaic if self.mosaic is not before else None

    def _layout(self) -> Layout:
        source = self.source
        bounds = source.bounds
        region = self._field if bounds is None else _region(bounds).joined(self._field)
        pyramid = Pyramid(source.base_pixel_nm, source.tile_px, source.finest_level, source.levels)
        return Layout.of(region, pyramid) if self.mosaic is None else self.mosaic.layout.after(region, pyramid)

    def bring(self, most: int, *, stop: Callable[[], bool]) -> int:
        """Reads wanted tiles, at most so many; how many came."""
        if self.mosaic is None:
            return 0
        wanted = self.mosaic.wanted(most)
        for number, key in enumerate(wanted):
            if stop():
                return number
            self.mosaic.put(key, self.source.read(key.level, key.x, key.y))
        return len(wanted)

    @property
    def owing(self) -> bool:
        """Whether tiles are still wanted."""
        return self.mosaic is not None and bool(self.mosaic.wanted(1))


def _region(bounds: Viewport) -> Region:
    return Region(bounds.x_min_nm, bounds.y_min_nm, bounds.x_max_nm, bounds.y_max_nm)
