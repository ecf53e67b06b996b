"""One thread that follows a daemon: asks for what is wished, one request at a time.

Comes in: wishes, set from any thread at once. Goes out: news, each told through `report`. Never: Qt; a second request
while one is under way; an end because the daemon went: it waits RETRY_S and connects again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from blinkd.client.acquisitions import Acquisition, ChannelKind
from blinkd.client.errors import BusyError
from blinkd.client.pictures import Look, Rendering
from blinkd.napari import news
from blinkd.napari.localizations import PlaceError, PointsWish, collect, fields_of
from blinkd.napari.picture import Picture
from blinkd.napari.tile_grid import tile_grid
from blinkd.napari.words import sentence
from blinkd.napari.world import Region

POLL_S = 0.5
"""Between two questions for what changed."""
RETRY_S = 1.0
"""Before a lost connection is tried again."""
TILES_AT_ONCE = 16
"""Tiles brought before the wishes are looked at again."""
CLOSE_S = 5.0
"""A closing window waits for the request under way no longer than this."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the window wants to see now. `series_id` None: the newest series."""

    series_id: bytes | None = None
    rendering: Rendering = Rendering.GAUSSIAN
    live: bool = True
    tile_grid: bool = False
    points: PointsWish | None = None


class Follower:
    """See the module. `connect()` makes a client; it is closed here."""

    def __init__(
        self,
        connect: Callable[[], Any],
        report: Callable[[news.News], None],
        *,
        address: str,
        wishes: Wishes | None = None,
        poll_s: float | None = None,
        retry_s: float | None = None,
    ) -> None:
        self._connect, self._report, self._address = connect, report, address
        self._poll_s, self._retry_s = poll_s or POLL_S, retry_s or RETRY_S
        self._wishes = wishes or Wishes()
        self._changed = threading.Condition()
        self._awake = False
        self._closed = False
        self._client: Any = None
        # Of this thread alone:
        self._acquisition: Acquisition | None = None
        self._picture: Picture | None = None
        self._rendering: Rendering | None = None
        self._grid_told = self._greeted = False
        self._next_look = 0.0
        self._looked_with: Wishes | None = None
        # A daemon thread: a request that hangs does not keep napari from ending.
        self._thread = threading.Thread(target=self._run, name="blinkd-napari", daemon=True)
        self._thread.start()

    def wish(self, **changes: Any) -> None:
        """Changes what is wanted; returns at once."""
        with self._changed:
            self._wishes = replace(self._wishes, **changes)
        self.wake()

    def wake(self) -> None:
        """Something is wanted now."""
        with self._changed:
            self._awake = True
            self._changed.notify()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Ends the thread; a request under way is cancelled. Reports nothing after this."""
        with self._changed:
            self._closed = True
            client = self._client
            self._changed.notify()
        if client is not None:
            client.close()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._step()
            except BusyError:
                self._rest(self._poll_s, unless_woken=False)
            except Exception as error:
                if self._closed:
                    break
                self._lose(error)
                self._rest(self._retry_s, unless_woken=False)
            else:
                self._rest(self._idle_s(), unless_woken=True)
        self._drop_client()

    def _idle_s(self) -> float:
        """Nothing to do for so long."""
        if self._picture is not None and self._picture.owing:
            return 0.0
        return max(0.0, self._next_look - time.monotonic())

    def _rest(self, seconds: float, *, unless_woken: bool) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (unless_woken and self._awake), seconds)
            self._awake = False

    def _tell(self, told: news.News) -> None:
        if not self._closed:
            self._report(told)

    def _lose(self, error: Exception) -> None:
        self._drop_client()
        if self._wishes.points is not None:
            self.wish(points=None)
            self._tell(news.PointsFailed(f"The localizations did not come: {sentence(error)}"))
        self._tell(news.Lost(f"Not connected: {sentence(error)} Trying again."))

    def _drop_client(self) -> None:
        with self._changed:
            client, self._client = self._client, None
        self._greeted = False
        if client is not None:
            client.close()

    def _step(self) -> None:
        if not self._greeted:
            self._greet()
        wishes = self._wishes
        looks = replace(wishes, points=None)
        if time.monotonic() >= self._next_look or looks != self._looked_with:
            self._look(wishes)
            self._looked_with = looks
            self._next_look = time.monotonic() + self._poll_s
        if self._picture is not None and self._picture.bring(TILES_AT_ONCE, stop=self._stopping):
            self._tell(news.PictureChanged())
        if wishes.points is not None and self._acquisition is not None:
            self._find(wishes.points, self._acquisition)

    def _greet(self) -> None:
        if self._client is None:
            client = self._connect()
            with self._changed:
                self._client = client
        version = str(self._client.status().version)
        self._greeted = True
        self._picture, self._acquisition = None, None
        self._next_look = 0.0
        self._tell(news.Connected(self._address, version))

    def _look(self, wishes: Wishes) -> None:
        """Which series there are, and what of the followed one has changed."""
        acquisitions = newest_first(self._client.acquisitions.list())
        listed = choose(acquisitions, wishes.series_id)
        # With all its tiles, which points need.
        chosen: Acquisition | None = listed and self._client.acquisitions.get(listed.series_id)
        other = chosen is None or self._acquisition is None or chosen.series_id != self._acquisition.series_id
        self._acquisition = chosen
        self._tell(news.Listed(acquisitions, chosen))
        if chosen is None:
            self._picture = None
            return
        if other:
            self._picture, self._grid_told = None, False
        self._look_at_picture(chosen, wishes)
        if wishes.tile_grid and (wishes.live or not self._grid_told):
            grid = tile_grid(self._client.scans.get(chosen.series_id)) if is_scan(chosen) else None
            self._tell(news.GridChanged(grid))
        self._grid_told = wishes.tile_grid

    def _look_at_picture(self, acquisition: Acquisition, wishes: Wishes) -> None:
        if not has_picture(acquisition):
            return
        if self._picture is None or self._rendering is not wishes.rendering:
            self._rendering = wishes.rendering
            source = self._client.tiles(acquisition.series_id, look=Look(rendering=wishes.rendering))
            self._picture = Picture(source, field_of(acquisition), on_want=self.wake)
        elif not wishes.live:
            return
        mosaic = self._picture.refresh()
        if mosaic is not None:
            self._tell(news.PictureLaidOut(acquisition.series_id, acquisition.name, mosaic))

    def _find(self, wish: PointsWish, acquisition: Acquisition) -> None:
        told: news.News
        try:
            query = self._client.iter_query
            told = news.PointsFound(collect(query, acquisition, wish, stop=lambda: self._superseded(wish)))
        except PlaceError as error:
            told = news.PointsFailed(sentence(error))
        if self._superseded(wish):
            return  # another wish was made meanwhile, and is answered next
        with self._changed:
            self._wishes = replace(self._wishes, points=None)
        self._tell(told)

    def _superseded(self, wish: PointsWish) -> bool:
        return self._closed or self._wishes.points is not wish

    def _stopping(self) -> bool:
        return self._closed


def newest_first(acquisitions: Iterable[Acquisition]) -> list[Acquisition]:
    """By when they began."""
    return sorted(acquisitions, key=lambda one: one.start_unix_ns, reverse=True)


def choose(acquisitions: Sequence[Acquisition], series_id: bytes | None) -> Acquisition | None:
    """The series asked for, else the newest that has localizations to come, else the newest."""
    if series_id is not None:
        return next((one for one in acquisitions if one.series_id == series_id), None)
    return next((one for one in acquisitions if has_picture(one)), acquisitions[0] if acquisitions else None)


def has_picture(acquisition: Acquisition) -> bool:
    """A widefield series has none, nor has one before its first frame."""
    return bool(acquisition.width_px) and not is_widefield(acquisition)


def field_of(acquisition: Acquisition) -> Region:
    """What the camera saw, all fields together."""
    fields = [field.region for field in fields_of(acquisition).values()]
    return reduce(Region.joined, fields)


def is_scan(acquisition: Acquisition) -> bool:
    """Whether it has several tiles, or will have."""
    grid = acquisition.grid
    return len(acquisition.tiles) > 1 or (grid is not None and max(grid.rows, grid.columns) > 1)


def is_widefield(acquisition: Acquisition) -> bool:
    """In such a series nothing is localized."""
    return acquisition.channel is ChannelKind.WIDEFIELD
