"""A series' picture as numbers, tile by tile: for viewers that bring their own colours.

In: GetTiles' answers. Out: float32 tiles from a bounded cache, and which of them have changed. Never: a tile that
nobody asked for.

What is asked and what becomes of it stands once, as generators of questions; the two sources ask them, one waiting, one
awaiting.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from blinkd.client.asks import Ask, tiles
from blinkd.client.convert import convert
from blinkd.client.errors import BusyError
from blinkd.client.pictures import Look, Viewport
from blinkd.v1 import preview_pb2 as pb

T = TypeVar("T")
Values = npt.NDArray[np.float32]
CACHED_TILES = 640
"""More than a large screen shows. Beyond these (160 MiB) the one that was read longest ago is forgotten."""
TILES_PER_QUESTION = 64
QUESTIONS_MAX = 200
"""For one update: the daemon has little time for drawing, and says each time what is left."""
PAUSE_S = 0.02
"""Before it is asked again when it had no time at all: 4 s at most in one update."""


class _Question(NamedTuple):
    ask: Ask[pb.GetTilesResponse]
    after_s: float


_Steps: TypeAlias = Generator[_Question, pb.GetTilesResponse, T]


class TileKey(NamedTuple):
    """A tile: its pixels are `base_pixel_nm * 2**level` wide; tile (0, 0) begins at the corner of the first pixel."""

    level: int
    x: int
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileChanges:
    """What `refresh` found."""

    reset: bool
    """Every tile read so far may be another one now: another map, or other levels."""
    tiles: tuple[TileKey, ...]
    """Of those in the cache."""


@dataclass(slots=True)
class _Cached:
    values: Values
    version: int


class _Tiles:
    """What is known of the tiles of one series."""

    def __init__(self, series_id: bytes, look: Look) -> None:
        self._series_id, self._look = series_id, look
        self._cache: OrderedDict[TileKey, _Cached] = OrderedDict()
        self._reset_unsaid = False
        self._about = pb.GetTilesResponse()  # until the first answer

    @property
    def series_id(self) -> bytes:
        """Whose picture it is."""
        return self._series_id

    @property
    def levels(self) -> int:
        """Levels 0 to levels - 1."""
        return self._about.levels

    @property
    def finest_level(self) -> int:
        """The first one that exists; finer ones were given up for want of memory."""
        return self._about.finest_level

    @property
    def tile_px(self) -> int:
        """Side of a tile in pixels."""
        return self._about.tile_px

    @property
    def base_pixel_nm(self) -> float:
        """Side of a pixel of level 0."""
        return self._about.base_pixel_nm

    @property
    def bounds(self) -> Viewport | None:
        """The camera's field, or the scan, or what was found where that is larger; None before the first frame."""
        return convert(Viewport, self._about.bounds) if self._about.HasField("bounds") else None

    @property
    def true_for_seq(self) -> int:
        """Every processed frame up to this one is in it; as of the last question."""
        return self._about.true_for_seq

    @property
    def localizations(self) -> int:
        """In the whole series, as of the last question."""
        return self._about.localizations

    def _opening(self) -> _Steps[None]:
        self._about = yield self._question(0, ())
        self._series_id = self._about.series_id  # the newest one stays the one

    def _reading(self, key: TileKey) -> _Steps[Values]:
        if key not in self._cache and (yield from self._updating(key.level, (key,)))[1]:
            self._reset_unsaid = True
            if key.level < self.finest_level:
                return _nothing(self.tile_px)
            yield from self._updating(key.level, (key,))  # of the new map
        cached = self._cache.get(key)
        if cached is None:
            raise BusyError(f"tile ({key.x}, {key.y}) of level {key.level}: the daemon has no time for drawing now")
        self._cache.move_to_end(key)
        return cached.values

    def _refreshing(self, shown: Iterable[TileKey] | None) -> _Steps[TileChanges]:
        if shown is not None:
            kept = set(shown)
            self._cache = OrderedDict((key, cached) for key, cached in self._cache.items() if key in kept)
        changed: list[TileKey] = []
        reset, self._reset_unsaid = self._reset_unsaid, False
        by_level: dict[int, list[TileKey]] = {self.finest_level: []}
        for key in self._cache:
            by_level.setdefault(key.level, []).append(key)
        for level, keys in by_level.items():
            for at in range(0, max(1, len(keys)), TILES_PER_QUESTION):
                more, anew = yield from self._updating(level, keys[at : at + TILES_PER_QUESTION])
                changed += more
                reset |= anew
        return TileChanges(reset=reset, tiles=tuple(changed))

    def _updating(self, level: int, keys: Iterable[TileKey]) -> _Steps[tuple[list[TileKey], bool]]:
        """Which of them changed, and whether all that was known is void."""
        left = list(keys)
        changed: list[TileKey] = []
        after_s = 0.0
        for _ in range(QUESTIONS_MAX):
            answer = yield self._question(level, left, after_s)
            if answer.generation != self._about.generation or answer.level != level:
                # Another map, or a level that is no more: nothing that was read holds.
                self._cache.clear()
                self._about = answer
                return changed, True
            self._about = answer
            for tile in answer.tiles:
                key = TileKey(level, tile.tile_x, tile.tile_y)
                self._keep(key, tile.values, answer.version)
                changed.append(key)
            came = {(tile.tile_x, tile.tile_y) for tile in answer.tiles}
            owed = {(tile.x, tile.y) for tile in answer.left} - came
            for key in left:
                if (key.x, key.y) not in owed and key not in self._cache:
                    self._keep(key, b"", answer.version)
            left = [key for key in left if (key.x, key.y) in owed]
            if not left:
                break
            after_s = 0.0 if came else PAUSE_S
        return changed, False

    def _keep(self, key: TileKey, values: bytes, version: int) -> None:
        side = self.tile_px
        shaped = np.frombuffer(values, "<f4").reshape(side, side) if values else _nothing(side)
        self._cache[key] = _Cached(shaped, version)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHED_TILES:
            self._cache.popitem(last=False)

    def _question(self, level: int, keys: Iterable[TileKey], after_s: float = 0.0) -> _Question:
        def version(key: TileKey) -> int:
            cached = self._cache.get(key)
            return cached.version if cached else 0

        request = pb.GetTilesRequest(
            series_id=self._series_id,
            look=self._look.message(),
            level=level,
            tiles=[pb.WantedTile(x=key.x, y=key.y, version=version(key)) for key in keys],
            generation=self._about.generation,
            tone=self._about.tone if self._about.HasField("tone") else None,
            values=True,
        )
        return _Question(tiles(request), after_s)


class TileSource(_Tiles):
    """The tiles of one series. Used by one thread at a time.

    A tile counts localizations per pixel, or with a Gaussian look spreads each over its own sigma.
    """

    def __init__(
        self, ask: Callable[[Ask[pb.GetTilesResponse]], pb.GetTilesResponse], series_id: bytes, look: Look
    ) -> None:
        super().__init__(series_id, look)
        self._ask = ask
        self._answered(self._opening())

    def read(self, level: int, x: int, y: int) -> Values:
        """Localizations per pixel: float32, shape (tile_px, tile_px), read-only; zeros where nothing was found.

        Raises BusyError where the daemon had no time to draw it for seconds.
        """
        return self._answered(self._reading(TileKey(level, x, y)))

    def refresh(self, shown: Iterable[TileKey] | None = None) -> TileChanges:
        """Brings every tile of the cache up to date, or only these: the others are forgotten, and read anew."""
        return self._answered(self._refreshing(shown))

    def _answered(self, steps: _Steps[T]) -> T:
        try:
            question = next(steps)
            while True:
                if question.after_s:
                    time.sleep(question.after_s)
                question = steps.send(self._ask(question.ask))
        except StopIteration as end:
            value: T = end.value
            return value


class AsyncTileSource(_Tiles):
    """As `TileSource`, awaited. Used by one task at a time."""

    def __init__(
        self, ask: Callable[[Ask[pb.GetTilesResponse]], Awaitable[pb.GetTilesResponse]], series_id: bytes, look: Look
    ) -> None:
        super().__init__(series_id, look)
        self._ask = ask

    async def open(self) -> AsyncTileSource:
        """Learns levels and bounds."""
        await self._answered(self._opening())
        return self

    async def read(self, level: int, x: int, y: int) -> Values:
        """Localizations per pixel: float32, shape (tile_px, tile_px), read-only; zeros where nothing was found.

        Raises BusyError where the daemon had no time to draw it for seconds.
        """
        return await self._answered(self._reading(TileKey(level, x, y)))

    async def refresh(self, shown: Iterable[TileKey] | None = None) -> TileChanges:
        """Brings every tile of the cache up to date, or only these: the others are forgotten, and read anew."""
        return await self._answered(self._refreshing(shown))

    async def _answered(self, steps: _Steps[T]) -> T:
        try:
            question = next(steps)
            while True:
                if question.after_s:
                    await asyncio.sleep(question.after_s)
                question = steps.send(await self._ask(question.ask))
        except StopIteration as end:
            value: T = end.value
            return value


def _nothing(side: int) -> Values:
    values = np.zeros((side, side), np.float32)
    values.flags.writeable = False
    return values
