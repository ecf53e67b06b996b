"""The picture as napari sees it: one array per level, of tiles that come when they are looked at.

Comes in: tiles of localizations per pixel, as they arrive. Goes out: pieces of levels at once, a missing tile in the
coarser picture's resolution meanwhile, and the list of tiles that are wanted. Never: a wait, or more than MOST_TILES.

Every level holds localizations per pixel of the finest level, the coarser ones its mean: zooming keeps the brightness,
and the finest level's sum is the number of localizations.
"""

from __future__ import annotations

import itertools
import operator
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from blinkd.napari.layout import Layout, PixelBox, TileKey

Pixels = npt.NDArray[np.float32]

MOST_TILES = 512
"""Kept beside the coarsest level, 128 MiB of 256 x 256 px; those not looked at for longest go first."""
MOST_PIXELS = 1 << 27
"""In one piece of a level, 512 MiB: more than any screen shows."""


@dataclass
class _Held:
    values: Pixels
    fresh: bool  # False: shown, and wanted again


class Level:
    """One level as an array for napari: float32, (y, x). A piece of it is what has arrived."""

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, mosaic: Mosaic, level: int) -> None:
        self._mosaic, self.level = mosaic, level
        box = mosaic.layout.box(level)
        self.shape = box.shape
        # Rows and columns of its tiles, the outermost ones cut: napari asks for whole ones.
        self.chunks = (
            _spans(box.y_min, box.y_max, mosaic.layout.tile_px),
            _spans(box.x_min, box.x_max, mosaic.layout.tile_px),
        )

    @property
    def size(self) -> int:
        """Pixels in all."""
        return self.shape[0] * self.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Pixels:
        """A piece, now. Its tiles that are not here yet become wanted."""
        rows, columns, after = _pieces(key, self.shape)
        box = self._mosaic.layout.box(self.level)
        piece = PixelBox(
            box.x_min + columns.start, box.y_min + rows.start, box.x_min + columns.stop, box.y_min + rows.stop
        )
        values: Pixels = self._mosaic.look(self.level, piece)[after]
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All of the level that has arrived."""
        del copy  # it is one
        return np.asarray(self[:, :], dtype=dtype)


class Mosaic:
    """Tiles of one picture. Safe for two threads: one looks, one brings."""

    def __init__(self, layout: Layout, *, on_want: Callable[[], None] = lambda: None) -> None:
        self.layout = layout
        self._on_want = on_want
        self._lock = threading.Lock()
        self._tiles: OrderedDict[TileKey, _Held] = OrderedDict()
        self._view: tuple[TileKey, ...] = ()
        self._shown: Pixels | None = None
        # Written in place: napari keeps the coarsest level, once it has read it, as long as the layer has this data.
        self._coarse: Pixels = np.zeros(layout.coarse.shape, np.float32)
        self._coarse_tiles = tuple(layout.coarse.tiles(layout.coarsest, layout.tile_px))
        self._coarse_wanted = set(self._coarse_tiles)

    def grown(self, layout: Layout) -> Mosaic:
        """One for another region, with the tiles that are here."""
        other = Mosaic(layout, on_want=self._on_want)
        if layout.pyramid == self.layout.pyramid:
            with self._lock:
                other._tiles = self._tiles.copy()
        return other

    @property
    def levels(self) -> list[Level | Pixels]:
        """For napari, the finest first. The coarsest is an array that is written in place."""
        return [*(Level(self, level) for level in self.layout.levels[:-1]), self._coarse]

    def look(self, level: int, piece: PixelBox) -> Pixels:
        """What has arrived of these pixels; their tiles are wanted from now on, those before not any more."""
        rows, columns = piece.shape
        if rows * columns > MOST_PIXELS:
            raise ValueError(
                f"{rows} x {columns} pixels of the picture at once are more than {MOST_PIXELS}: take a smaller piece "
                "or a coarser level"
            )
        out = np.zeros(piece.shape, np.float32)
        keys = piece.tiles(level, self.layout.tile_px)
        with self._lock:
            self._view = _nearest_first(keys)[:MOST_TILES]
            for key in keys:
                self._paint(out, piece, key)
            self._shown = out
            missing = bool(self._missing())
        if missing:
            self._on_want()
        return out

    def _paint(self, out: Pixels, piece: PixelBox, key: TileKey) -> None:
        side = self.layout.tile_px
        x, y = max(piece.x_min, key.x * side), max(piece.y_min, key.y * side)
        x_end, y_end = min(piece.x_max, (key.x + 1) * side), min(piece.y_max, (key.y + 1) * side)
        target = out[y - piece.y_min : y_end - piece.y_min, x - piece.x_min : x_end - piece.x_min]
        coarser = key
        while coarser.level < self.layout.coarsest:
            held = self._tiles.get(coarser)
            if held is not None:
                self._tiles.move_to_end(coarser)
                origin = (coarser.x * side, coarser.y * side)
                target[:] = _enlarged(held.values, coarser.level - key.level, origin, (x, y), target.shape)
                return
            coarser = coarser.parent()
        origin = (self.layout.coarse.x_min, self.layout.coarse.y_min)
        target[:] = _enlarged(self._coarse, self.layout.coarsest - key.level, origin, (x, y), target.shape)

    def put(self, key: TileKey, values: Pixels | None) -> None:
        """A tile as it came, localizations per pixel of its level; None: it holds nothing."""
        per_finest = np.float32(0.25 ** (key.level - self.layout.finest))
        side = self.layout.tile_px
        mine = np.zeros((side, side), np.float32) if values is None else values.astype(np.float32) * per_finest
        with self._lock:
            if key.level == self.layout.coarsest:
                self._coarse_wanted.discard(key)
                self._put_coarse(key, mine)
                return
            self._tiles[key] = _Held(mine, fresh=True)
            self._tiles.move_to_end(key)
            while len(self._tiles) > MOST_TILES:
                self._tiles.popitem(last=False)

    def _put_coarse(self, key: TileKey, values: Pixels) -> None:
        side, box = self.layout.tile_px, self.layout.coarse
        x, y = max(box.x_min, key.x * side), max(box.y_min, key.y * side)
        x_end, y_end = min(box.x_max, (key.x + 1) * side), min(box.y_max, (key.y + 1) * side)
        if x < x_end and y < y_end:
            self._coarse[y - box.y_min : y_end - box.y_min, x - box.x_min : x_end - box.x_min] = values[
                y - key.y * side : y_end - key.y * side, x - key.x * side : x_end - key.x * side
            ]

    def looked_at(self) -> list[TileKey]:
        """The tiles that are on the screen, and the coarsest level's."""
        with self._lock:
            return [*self._coarse_tiles, *self._view]

    def changed(self, keys: Iterable[TileKey] | None, *, asked: Iterable[TileKey] = ()) -> None:
        """These tiles of those `asked` about are old now, and whatever was not asked about; None: all are.

        An old tile is shown until it comes again.
        """
        with self._lock:
            old = set(self._tiles).union(self._coarse_tiles)
            if keys is not None:
                old = old.difference(asked).union(keys)
            self._coarse_wanted.update(old.intersection(self._coarse_tiles))
            for key in old.intersection(self._tiles):
                self._tiles[key].fresh = False

    def wanted(self, most: int) -> list[TileKey]:
        """Tiles to bring next: the coarsest level first, then what is looked at, from the middle outwards."""
        with self._lock:
            return self._missing()[:most]

    def _missing(self) -> list[TileKey]:
        missing = [key for key in self._view if not ((held := self._tiles.get(key)) and held.fresh)]
        return [*sorted(self._coarse_wanted), *missing]

    def look_at_coarsest(self) -> None:
        """Nothing finer is shown any more, so that nothing finer is wanted."""
        with self._lock:
            self._view, self._shown = (), None

    def shown(self) -> Pixels:
        """What is looked at, for contrast limits."""
        with self._lock:
            return self._coarse if self._shown is None else self._shown


def _nearest_first(keys: list[TileKey]) -> tuple[TileKey, ...]:
    """From the middle outwards."""
    if not keys:
        return ()
    x, y = (keys[0].x + keys[-1].x) / 2, (keys[0].y + keys[-1].y) / 2
    return tuple(sorted(keys, key=lambda key: ((key.x - x) ** 2 + (key.y - y) ** 2, key)))


def _spans(first: int, end: int, tile_px: int) -> tuple[int, ...]:
    """How many pixels of each tile lie between two."""
    edges = [first, *range((first // tile_px + 1) * tile_px, end, tile_px), end]
    return tuple(high - low for low, high in itertools.pairwise(edges))


def _enlarged(
    values: Pixels, levels: int, origin: tuple[int, int], corner: tuple[int, int], shape: tuple[int, ...]
) -> Pixels:
    """Pixels of a level from an array that is `levels` coarser. `origin`, `corner`: (x, y) of either, in its pixels."""
    rows = ((np.arange(shape[0]) + corner[1]) >> levels) - origin[1]
    columns = ((np.arange(shape[1]) + corner[0]) >> levels) - origin[0]
    enlarged: Pixels = values[rows[:, None], columns[None, :]]
    return enlarged


def _pieces(key: Any, shape: tuple[int, int]) -> tuple[slice, slice, tuple[slice | int, ...]]:
    """What numpy's indexing of two axes needs: whole rows and columns, and how they are cut further."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (3 - len(keys))
    keys += [slice(None)] * (2 - len(keys))
    if len(keys) != 2:
        raise IndexError(f"a level of the picture has two axes, not {len(keys)}")
    spans: list[slice] = []
    after: list[slice | int] = []
    for one, length in zip(keys, shape, strict=True):
        if isinstance(one, slice):
            start, stop, step = one.indices(length)
            if step < 1:
                raise IndexError("a level of the picture cannot be read backwards")
            spans.append(slice(start, max(start, stop)))
            after.append(slice(None, None, step))
        else:
            index = operator.index(one)
            if not -length <= index < length:
                raise IndexError(f"{index} is outside the picture's {length} pixels")
            spans.append(slice(index % length, index % length + 1))
            after.append(0)
    return spans[0], spans[1], tuple(after)


def contrast_limits(values: Pixels) -> tuple[float, float]:
    """From nothing to what only three of a thousand of the pixels with localizations exceed."""
    every = max(1, int(np.sqrt(values.size / 1e6)))
    lit = values[::every, ::every]
    lit = lit[lit > 0]
    return 0.0, float(np.percentile(lit, 99.7)) if lit.size else 1.0
