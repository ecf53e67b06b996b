"""A daemon in memory with the client's interface: localizations, the tiles they make, scans. Counts what is asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from blinkd.client.acquisitions import ChannelKind
from blinkd.client.errors import NotFoundError
from blinkd.client.pictures import Look
from blinkd.client.scans import TileState
from blinkd.client.tiles import TileKey

BASE_PIXEL_NM = 10.0
TILE_PX = 256
LEVELS = 13
PIXEL_NM = 100.0
PIECE = 300


def batch(rng: np.random.Generator, count: int, *, side_px: int, frames: int, tile: int = 0) -> SimpleNamespace:
    """Columns of localizations, in order of frames."""
    return SimpleNamespace(
        frame=np.sort(rng.integers(0, frames, count)).astype(np.uint32),
        tile=np.full(count, tile, np.uint32),
        x_px=rng.uniform(0, side_px - 1, count).astype(np.float32),
        y_px=rng.uniform(0, side_px - 1, count).astype(np.float32),
        z_nm=rng.uniform(-500, 500, count).astype(np.float32),
        photons=rng.uniform(500, 3000, count).astype(np.float32),
        background=rng.uniform(10, 30, count).astype(np.float32),
        sigma_x_px=rng.uniform(0.05, 0.2, count).astype(np.float32),
        sigma_y_px=rng.uniform(0.05, 0.2, count).astype(np.float32),
        sigma_z_nm=np.full(count, 40, np.float32),
        probability=np.full(count, 0.9, np.float32),
    )


def chosen(columns: SimpleNamespace, which: npt.NDArray[Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: values[which] for name, values in vars(columns).items()})


def pieces(columns: SimpleNamespace, tile: int | None, frames: tuple[int, int]) -> Iterator[SimpleNamespace]:
    """What a query gives, at most PIECE at once."""
    inside = (columns.frame >= frames[0]) & (columns.frame <= frames[1])
    if tile is not None:
        inside &= columns.tile == tile
    rows = np.flatnonzero(inside)
    for at in range(0, len(rows), PIECE):
        yield chosen(columns, rows[at : at + PIECE])


@dataclass
class FakeSeries:
    """One series. `corners_nm` by tile index."""

    name: str
    columns: SimpleNamespace
    side_px: int = 64
    frames: int = 100
    corners_nm: dict[int, tuple[float, float]] = field(default_factory=lambda: {0: (0.0, 0.0)})
    start_unix_ns: int = 1_700_000_000_000_000_000
    states: dict[int, TileState] = field(default_factory=dict)
    version: int = 0

    @property
    def series_id(self) -> bytes:
        return self.name.encode().ljust(16, b"\0")[:16]

    @property
    def localizations(self) -> int:
        return len(self.columns.frame)

    def positions_nm(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        corners = np.array([self.corners_nm.get(index, (0.0, 0.0)) for index in range(max(self.corners_nm) + 1)])
        corner = corners[self.columns.tile]
        x = (self.columns.x_px.astype(np.float64) + 0.5) * PIXEL_NM + corner[:, 0]
        y = (self.columns.y_px.astype(np.float64) + 0.5) * PIXEL_NM + corner[:, 1]
        return x, y

    def grow(self, columns: SimpleNamespace) -> None:
        self.columns = SimpleNamespace(
            **{name: np.concatenate((old, getattr(columns, name))) for name, old in vars(self.columns).items()}
        )
        self.version += 1

    def tile(self, index: int) -> SimpleNamespace:
        x, y = self.corners_nm[index]
        return SimpleNamespace(tile_index=index, row=index // 2, column=index % 2, corner_x_nm=x, corner_y_nm=y)

    def acquisition(self) -> SimpleNamespace:
        tiles = [self.tile(index) for index in self.corners_nm]
        scan = len(tiles) > 1
        return SimpleNamespace(
            series_id=self.series_id,
            name=self.name,
            channel=ChannelKind.LOCALIZATION,
            start_unix_ns=self.start_unix_ns,
            localizations=self.localizations,
            next_seq=self.frames,
            pixel_size_x_nm=PIXEL_NM,
            pixel_size_y_nm=PIXEL_NM,
            width_px=self.side_px,
            height_px=self.side_px,
            tiles=tiles,
            grid=SimpleNamespace(rows=len(tiles) // 2, columns=2) if scan else None,
            account=SimpleNamespace(received=self.frames, processed=self.frames, waiting=0, lost={}, missing={}),
            dropped_by_publisher=0,
            processed_fps=50.0,
        )

    def scan(self) -> SimpleNamespace:
        tiles = [
            SimpleNamespace(state=self.states.get(index, TileState.DONE), tile=self.tile(index))
            for index in self.corners_nm
        ]
        return SimpleNamespace(
            series_id=self.series_id,
            tiles=tiles,
            tiles_by_state={"done": len(tiles)},
            tile_width_nm=self.side_px * PIXEL_NM,
            tile_height_nm=self.side_px * PIXEL_NM,
        )


class FakeTiles:
    """The picture of a series as a source of tiles."""

    levels, finest_level, tile_px, base_pixel_nm = LEVELS, 0, TILE_PX, BASE_PIXEL_NM

    def __init__(self, daemon: FakeDaemon, series: FakeSeries) -> None:
        self._daemon, self._series, self._seen = daemon, series, series.version
        self._read: set[TileKey] = set()
        self._at: tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None

    @property
    def bounds(self) -> SimpleNamespace:
        side = self._series.side_px * PIXEL_NM
        corners = np.array(list(self._series.corners_nm.values()))
        x_nm, y_nm = self._series.positions_nm()
        low = np.min([*corners, *np.column_stack((x_nm, y_nm))], axis=0)
        high = np.max([*(corners + side), *np.column_stack((x_nm, y_nm))], axis=0)
        return SimpleNamespace(x_min_nm=low[0], y_min_nm=low[1], x_max_nm=high[0], y_max_nm=high[1])

    def refresh(self, shown: Iterable[TileKey] | None = None) -> SimpleNamespace:
        kept = self._read if shown is None else self._read.intersection(shown)
        self._daemon.asked("refresh", *kept)
        changed = self._seen != self._series.version
        self._seen, self._read = self._series.version, kept
        return SimpleNamespace(reset=False, tiles=tuple(kept) if changed else ())

    def read(self, level: int, x: int, y: int) -> npt.NDArray[np.float32]:
        self._daemon.asked("read", level, x, y)
        self._read.add(TileKey(level, x, y))
        px = BASE_PIXEL_NM * (1 << level)
        if self._at is None or self._at[0] != self._series.version:
            self._at = (self._series.version, *self._series.positions_nm())
        _, x_nm, y_nm = self._at
        column = np.floor(x_nm / px).astype(int) - x * TILE_PX
        row = np.floor(y_nm / px).astype(int) - y * TILE_PX
        inside = (column >= 0) & (column < TILE_PX) & (row >= 0) & (row < TILE_PX)
        values = np.zeros((TILE_PX, TILE_PX), np.float32)
        np.add.at(values, (row[inside], column[inside]), 1)
        return values


class FakeDaemon:
    """`client()` makes clients. While there is `trouble`, every request ends with it."""

    def __init__(self, *series: FakeSeries) -> None:
        self.series = list(series)
        self.trouble: Exception | None = None
        self.requests: list[tuple[Any, ...]] = []
        self.clients: list[FakeClient] = []
        self.reach: tuple[str | None, ...] = ()
        self.hanging: threading.Event | None = None
        self._lock = threading.Lock()
        self.most_at_once = self._at_once = 0

    def asked(self, *request: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            raise AssertionError(f"{request} was asked in napari's own thread")
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if self.hanging is not None:
                self.hanging.wait(30)
                raise ConnectionError("cancelled")
            if self.trouble is not None:
                raise self.trouble
        finally:
            with self._lock:
                self._at_once -= 1

    @property
    def down(self) -> bool:
        return self.trouble is not None

    @down.setter
    def down(self, down: bool) -> None:
        self.trouble = ConnectionError("connection refused") if down else None

    def reads(self, level: int | None = None) -> list[tuple[Any, ...]]:
        return [one for one in list(self.requests) if one[0] == "read" and level in (None, one[1])]

    def client(self, *reach: str | None) -> FakeClient:
        self.reach = reach
        self.clients.append(FakeClient(self))
        return self.clients[-1]


class FakeClient:
    """As `blinkd.Client`."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self._daemon = daemon
        self.closed = False
        self.acquisitions = SimpleNamespace(list=self._list, get=self._get)
        self.scans = SimpleNamespace(get=self._scan)

    def _find(self, series_id: bytes) -> FakeSeries:
        found = next((one for one in self._daemon.series if one.series_id == series_id), None)
        if found is None:
            raise NotFoundError("no such series")
        return found

    def status(self) -> SimpleNamespace:
        self._daemon.asked("status")
        return SimpleNamespace(version="0.1.0")

    def _list(self, *, most: int) -> list[SimpleNamespace]:
        self._daemon.asked("list")
        listed = [one.acquisition() for one in self._daemon.series]
        for one in listed:
            one.tiles = []  # only a get has them
        return sorted(listed, key=lambda one: one.start_unix_ns)[-most:]

    def _get(self, series: bytes) -> SimpleNamespace:
        self._daemon.asked("get", series)
        return self._find(series).acquisition()

    def _scan(self, series: bytes) -> SimpleNamespace:
        self._daemon.asked("scan", series)
        if len(self._find(series).corners_nm) < 2:
            raise NotFoundError("no such scan")
        return self._find(series).scan()

    def tiles(self, series: bytes, *, look: Look) -> FakeTiles:
        self._daemon.asked("tiles", look.rendering)
        return FakeTiles(self._daemon, self._find(series))

    def iter_query(
        self, series: bytes, *, tile: int | None, frames: tuple[int, int], as_shown: bool
    ) -> Iterator[SimpleNamespace]:
        assert as_shown, "points lie upon the picture"
        self._daemon.asked("query", tile, frames)
        yield from pieces(self._find(series).columns, tile, frames)

    def close(self) -> None:
        self.closed = True
        if self._daemon.hanging is not None:
            self._daemon.hanging.set()
