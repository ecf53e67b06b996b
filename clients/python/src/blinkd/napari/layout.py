"""How the daemon's pyramid of tiles becomes the levels of a napari image.

Comes in: what a picture says of itself (bounds, base pixel, finest level). Goes out: per level its shape and its place
in the daemon's pixels, so that every level covers exactly the same region. Never: pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from blinkd.napari.world import Region

COARSEST_SIDE_PX = 512
"""The coarsest level has at most so many pixels a side, and one pixel more: it is always there as a whole."""
MARGIN_PX = 16
"""Once localizations lie outside the levels, these grow by so many of the coarsest pixels beyond them."""


@dataclass(frozen=True, order=True)
class TileKey:
    """A tile of the daemon's pyramid."""

    level: int
    x: int
    y: int

    def parent(self) -> TileKey:
        """The tile of the next coarser level that covers it."""
        return TileKey(self.level + 1, self.x >> 1, self.y >> 1)


@dataclass(frozen=True)
class PixelBox:
    """Pixels of a level, counted from the corner of the first camera pixel; the last ones excluded."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return max(0, self.y_max - self.y_min), max(0, self.x_max - self.x_min)

    def tiles(self, level: int, tile_px: int) -> list[TileKey]:
        """The tiles that it touches, row by row."""
        if 0 in self.shape:
            return []
        columns = range(self.x_min // tile_px, (self.x_max - 1) // tile_px + 1)
        rows = range(self.y_min // tile_px, (self.y_max - 1) // tile_px + 1)
        return [TileKey(level, x, y) for y in rows for x in columns]


@dataclass(frozen=True)
class Pyramid:
    """What the daemon's picture says of itself: levels `finest` to `levels` - 1 exist."""

    base_pixel_nm: float
    tile_px: int
    finest: int
    levels: int

    def pixel_nm(self, level: int) -> float:
        """Side of a pixel of a level."""
        return self.base_pixel_nm * (1 << level)


@dataclass(frozen=True)
class Layout:
    """The levels of an image, from the finest to `coarsest` of the daemon's; `coarse` are the coarsest one's pixels."""

    pyramid: Pyramid
    coarsest: int
    coarse: PixelBox

    @classmethod
    def of(cls, region: Region, pyramid: Pyramid) -> Layout:
        """Levels that cover a region; two at least where the daemon has them."""
        side_nm = max(region.x_max_nm - region.x_min_nm, region.y_max_nm - region.y_min_nm)
        coarsest = min(pyramid.finest + 1, pyramid.levels - 1)
        while coarsest < pyramid.levels - 1 and side_nm > COARSEST_SIDE_PX * pyramid.pixel_nm(coarsest):
            coarsest += 1
        px = pyramid.pixel_nm(coarsest)
        # A hair of tolerance: bounds that were computed meet their pixel.
        x_min, y_min = math.floor(region.x_min_nm / px + 1e-6), math.floor(region.y_min_nm / px + 1e-6)
        x_max, y_max = math.ceil(region.x_max_nm / px - 1e-6), math.ceil(region.y_max_nm / px - 1e-6)
        return cls(pyramid, coarsest, PixelBox(x_min, y_min, max(x_max, x_min + 1), max(y_max, y_min + 1)))

    def after(self, region: Region, pyramid: Pyramid) -> Layout:
        """This one while it holds the region, else one with a margin, so that a picture's edge does not follow each."""
        if pyramid != self.pyramid:
            return Layout.of(region, pyramid)
        if self.region.covers(region):
            return self
        return Layout.of(region.joined(self.region).grown(MARGIN_PX * self.pixel_nm(self.coarsest)), pyramid)

    @property
    def finest(self) -> int:
        """The daemon's number of the finest level."""
        return self.pyramid.finest

    @property
    def tile_px(self) -> int:
        """Side of a tile."""
        return self.pyramid.tile_px

    def pixel_nm(self, level: int) -> float:
        """Side of a pixel of a level."""
        return self.pyramid.pixel_nm(level)

    def box(self, level: int) -> PixelBox:
        """All of a level."""
        by, box = 1 << (self.coarsest - level), self.coarse
        return PixelBox(box.x_min * by, box.y_min * by, box.x_max * by, box.y_max * by)

    @property
    def region(self) -> Region:
        """What the levels cover."""
        px, box = self.pixel_nm(self.coarsest), self.coarse
        return Region(box.x_min * px, box.y_min * px, box.x_max * px, box.y_max * px)

    @property
    def levels(self) -> range:
        """The daemon's numbers of the levels, the finest first."""
        return range(self.finest, self.coarsest + 1)
