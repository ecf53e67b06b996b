"""One thread that follows a daemon: asks for what is wished, one request at a time.

Comes in: wishes, set from any thread at once. Goes out: news, each told through `report`. Never: Qt; a second request
while one is under way; an end because the daemon went: it waits RETRY_S and connects again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blinkd.client.acquisitions import Acquisition, ChannelKind
from blinkd.client.errors import BusyError, NotFoundError
from blinkd.client.pictures import Look, Rendering
from blinkd.napari import news
from blinkd.napari.localizations import PlaceError, PointsWish, collect, first_field
from blinkd.napari.picture import Picture
from blinkd.napari.tile_grid import tile_grid
from blinkd.napari.words import sentence

POLL_S = 0.5
"""Between two questions for what changed."""
RETRY_S = 1.0
"""Before a lost connection is tried again."""
TILES_AT_ONCE = 16
"""Tiles brought before the wishes are looked at again."""
GRID_POLLS = 4
"""So many looks at the picture for one at a scan's tiles."""
LISTED = 100
"""The newest series; an older one stays only while it is followed."""
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
        self._greeted = False
        self._next_look = 0.0
        self._grid_told_at: float | None = None
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
        self._next_look, self._grid_told_at = 0.0, None
        self._tell(news.Connected(self._address, version))

    def _look(self, wishes: Wishes) -> None:
        """Which series there are, and what of the followed one has changed."""
        acquisitions = newest_first(self._client.acquisitions.list(most=LISTED))
        chosen = choose(acquisitions, wishes.series_id) or self._named(wishes.series_id)
        if chosen is None or self._acquisition is None or chosen.series_id != self._acquisition.series_id:
            self._picture, self._grid_told_at = None, None
        self._acquisition = chosen
        self._tell(news.Listed(acquisitions, chosen))
        if chosen is not None:
            self._look_at_picture(chosen, wishes)
            self._look_at_grid(chosen, wishes)

    def _named(self, series_id: bytes | None) -> Acquisition | None:
        """A series that is too old for the list."""
        if series_id is None:
            return None
        try:
            found: Acquisition = self._client.acquisitions.get(series_id)
        except NotFoundError:
            return None
        return found

    def _look_at_grid(self, acquisition: Acquisition, wishes: Wishes) -> None:
        """All tiles of a large scan are a large answer: not at every look."""
        now, told_at = time.monotonic(), self._grid_told_at
        if not wishes.tile_grid:
            self._grid_told_at = None
            return
        if told_at is not None and not (wishes.live and now >= told_at + GRID_POLLS * self._poll_s):
            return
        self._grid_told_at = now
        try:
            grid = tile_grid(self._client.scans.get(acquisition.series_id))
        except NotFoundError:
            grid = None
        self._tell(news.GridChanged(grid))

    def _look_at_picture(self, acquisition: Acquisition, wishes: Wishes) -> None:
        if not has_picture(acquisition):
            return
        if self._picture is None or self._rendering is not wishes.rendering:
            self._rendering = wishes.rendering
            source = self._client.tiles(acquisition.series_id, look=Look(rendering=wishes.rendering))
            self._picture = Picture(source, first_field(acquisition).region, on_want=self.wake)
        elif not wishes.live:
            return
        mosaic = self._picture.refresh()
        if mosaic is not None:
            self._tell(news.PictureLaidOut(acquisition.series_id, acquisition.name, mosaic))

    def _find(self, wish: PointsWish, acquisition: Acquisition) -> None:
        told: news.News
        try:
            acquisition = self._client.acquisitions.get(acquisition.series_id)  # with the places of its tiles
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


def is_widefield(acquisition: Acquisition) -> bool:
    """In such a series nothing is localized."""
    return acquisition.channel is ChannelKind.WIDEFIELD
