"""The thread that follows a daemon: what it asks, how it ends, how it comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from daemon_in_memory import FakeDaemon, FakeSeries, batch

from blinkd.client.acquisitions import ChannelKind
from blinkd.client.errors import BusyError
from blinkd.napari import follower as following
from blinkd.napari import news
from blinkd.napari.follower import Follower, Wishes, choose, newest_first
from blinkd.napari.localizations import PointsWish
from blinkd.napari.mosaic import Level, Mosaic
from blinkd.napari.world import Region

Until = Callable[..., None]


def series(name: str = "one", count: int = 2000, **more: Any) -> FakeSeries:
    return FakeSeries(name, batch(np.random.default_rng(2), count, side_px=128, frames=100), side_px=128, **more)


class Told:
    """All news, in order."""

    def __init__(self) -> None:
        self.all: list[news.News] = []

    def put(self, told: news.News) -> None:
        self.all.append(told)

    def of(self, kind: type[Any]) -> list[Any]:
        return [told for told in list(self.all) if isinstance(told, kind)]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def follow(told: Told) -> Iterator[Callable[..., Follower]]:
    made: list[Follower] = []

    def start(daemon: FakeDaemon, **wishes: Any) -> Follower:
        made.append(
            Follower(daemon.client, told.put, address="here:1", wishes=Wishes(**wishes), poll_s=0.02, retry_s=0.02)
        )
        return made[-1]

    yield start
    for follower in made:
        follower.close()
        assert not follower.alive


def mosaic_of(told: Told) -> Mosaic:
    mosaic = told.of(news.PictureLaidOut)[-1].mosaic
    assert isinstance(mosaic, Mosaic)
    return mosaic


def finest(told: Told) -> Level:
    level = mosaic_of(told).levels[0]
    assert isinstance(level, Level)
    return level


def refreshes(daemon: FakeDaemon) -> int:
    return sum(one[0] == "refresh" for one in list(daemon.requests))


def total(told: Told) -> float:
    """Localizations in the finest level; -1 while part of it is a coarser one, spread out."""
    counts = finest(told)[:, :]
    return float(counts.sum()) if np.array_equal(counts, np.round(counts)) else -1.0


def test_the_newest_series_is_followed_and_its_coarsest_level_comes_by_itself(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    daemon = FakeDaemon(series("old"), series("new", 3000, start_unix_ns=1_800_000_000_000_000_000))
    follow(daemon)
    until(lambda: bool(told.of(news.PictureChanged)), what="the coarsest level")
    assert told.of(news.Connected)[0].version == "0.1.0"
    assert told.of(news.PictureLaidOut)[0].name == "new"
    mosaic = mosaic_of(told)
    assert mosaic.levels[-1].sum() * 4 ** (mosaic.layout.coarsest) == pytest.approx(3000)
    assert {level for _, level, _, _ in daemon.reads()} == {mosaic.layout.coarsest}, "nothing finer: nobody looked"


def test_only_tiles_that_are_looked_at_are_fetched(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    daemon = FakeDaemon(series())
    follow(daemon)
    until(lambda: bool(told.of(news.PictureChanged)), what="the coarsest level")
    finest(told)[300:700, 0:100]
    until(lambda: len(daemon.reads(0)) >= 2, what="tiles of the finest level")
    until(lambda: not mosaic_of(told).wanted(1), what="nothing is wanted any more")
    assert {(x, y) for _, _, x, y in daemon.reads(0)} == {(0, 1), (0, 2)}
    finest(told)[0:100, 1000:1100]
    seen = refreshes(daemon)
    until(lambda: refreshes(daemon) > seen + 1, what="what changed is asked for again")
    last = [one for one in list(daemon.requests) if one[0] == "refresh"][-1]
    assert {key for key in last[1:] if key[0] == 0} == {(0, 3, 0), (0, 4, 0)}, "of what is on the screen only"


def test_localizations_that_come_are_fetched_again(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    ours = series(count=1000)
    daemon = FakeDaemon(ours)
    follow(daemon)
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")
    finest(told)[:, :]
    until(lambda: total(told) == 1000, what="1,000 localizations")
    ours.grow(batch(np.random.default_rng(9), 500, side_px=128, frames=100))
    until(lambda: total(told) == 1500, what="1,500 localizations")


def test_localizations_beyond_the_edge_are_fetched_with_those_inside(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    ours = series(count=1000)
    follow(FakeDaemon(ours))
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")
    until(lambda: total(told) == 1000, what="1,000 localizations")
    more = batch(np.random.default_rng(9), 500, side_px=128, frames=100)
    more.x_px[:3] -= 130.0
    ours.grow(more)
    until(lambda: len(told.of(news.PictureLaidOut)) == 2, what="levels that cover more")
    until(lambda: total(told) == 1500, what="1,500 localizations, also in tiles that were there before")


def test_live_off_keeps_the_picture_and_live_on_catches_up(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    ours = series(count=1000)
    daemon = FakeDaemon(ours)
    follower = follow(daemon)
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")
    until(lambda: total(told) == 1000, what="1,000 localizations")
    follower.wish(live=False)
    lists = len(told.of(news.Listed))
    until(lambda: len(told.of(news.Listed)) > lists + 2, what="looks after that")
    before = refreshes(daemon)
    ours.grow(batch(np.random.default_rng(9), 500, side_px=128, frames=100))
    lists = len(told.of(news.Listed))
    until(lambda: told.of(news.Listed)[-1].followed.localizations == 1500, what="the number is the daemon's")
    until(lambda: len(told.of(news.Listed)) > lists + 2, what="further looks")
    assert refreshes(daemon) == before
    assert total(told) == 1000
    follower.wish(live=True)
    until(lambda: total(told) == 1500, what="it catches up")


def test_live_off_and_on_again_goes_on_with_the_tiles(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    follower = follow(FakeDaemon(series(corners_nm={0: (0.0, 0.0), 1: (12_800.0, 0.0)})), tile_grid=True, live=False)
    until(lambda: len(told.of(news.Listed)) > 8, what="looks")
    assert len(told.of(news.GridChanged)) == 1, "once, for a start"
    follower.wish(live=True)
    until(lambda: len(told.of(news.GridChanged)) > 2, what="again and again")


def test_another_series_is_another_mosaic(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    daemon = FakeDaemon(series("one"), series("two", start_unix_ns=1))
    follower = follow(daemon)
    until(lambda: bool(told.of(news.PictureLaidOut)), what="the picture")
    follower.wish(series_id=daemon.series[1].series_id)
    until(lambda: told.of(news.PictureLaidOut)[-1].name == "two", what="the other")
    daemon.series.append(series("three", start_unix_ns=2_000_000_000_000_000_000))
    until(lambda: len(told.of(news.Listed)[-1].acquisitions) == 3, what="the list grows")
    assert told.of(news.PictureLaidOut)[-1].name == "two", "a chosen one is kept"
    follower.wish(series_id=None)
    until(lambda: told.of(news.PictureLaidOut)[-1].name == "three", what="the newest")


def test_points_come_once_for_each_wish(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    daemon = FakeDaemon(series(count=1000))
    follower = follow(daemon)
    follower.wish(points=PointsWish(region=Region(0.0, 0.0, 6400.0, 12_800.0)))
    until(lambda: bool(told.of(news.PointsFound)), what="points")
    x_nm, _ = daemon.series[0].positions_nm()
    assert len(told.of(news.PointsFound)[0].found.positions_um) == (x_nm < 6400).sum()
    lists = len(told.of(news.Listed))
    until(lambda: len(told.of(news.Listed)) > lists + 3, what="further looks")
    assert len(told.of(news.PointsFound)) == 1
    follower.wish(points=PointsWish(most=10))
    until(lambda: len(told.of(news.PointsFound)) == 2, what="the second answer")
    assert len(told.of(news.PointsFound)[1].found.positions_um) == 10


def test_points_of_a_series_without_a_pixel_size_fail_in_words_and_the_rest_goes_on(
    follow: Callable[..., Follower], told: Told, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = series()
    acquisition = ours.acquisition()
    acquisition.pixel_size_x_nm = acquisition.pixel_size_y_nm = 0.0
    monkeypatch.setattr(ours, "acquisition", lambda: acquisition)
    follower = follow(FakeDaemon(ours))
    follower.wish(points=PointsWish())
    until(lambda: bool(told.of(news.PointsFailed)), what="it says so")
    assert "pixel size" in told.of(news.PointsFailed)[0].text
    lists = len(told.of(news.Listed))
    until(lambda: len(told.of(news.Listed)) > lists + 2, what="it goes on")
    assert len(told.of(news.PointsFailed)) == 1
    assert not told.of(news.Lost)


def test_a_busy_daemon_is_asked_again_without_a_new_connection(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    daemon = FakeDaemon(series())
    daemon.trouble = BusyError("ask again")
    follow(daemon)
    until(lambda: len(daemon.requests) > 3, what="several questions")
    daemon.trouble = None
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")
    assert not told.of(news.Lost)
    assert len(daemon.clients) == len(told.of(news.Connected)) == 1


def test_tiles_of_a_scan_are_asked_for_only_when_wanted(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    corners = {index: (12_800.0 * (index % 2), 12_800.0 * (index // 2)) for index in range(4)}
    daemon = FakeDaemon(series(corners_nm=corners), series("no scan", start_unix_ns=1))
    follower = follow(daemon)
    until(lambda: len(told.of(news.Listed)) > 3, what="looks")
    assert not told.of(news.GridChanged)
    follower.wish(tile_grid=True)
    until(lambda: bool(told.of(news.GridChanged)), what="the grid")
    assert len(told.of(news.GridChanged)[0].grid.labels) == 4
    follower.wish(series_id=daemon.series[1].series_id)
    until(lambda: told.of(news.GridChanged)[-1].grid is None, what="no scan")


def test_tiles_of_a_scan_are_asked_for_less_often_than_the_picture(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    corners = {index: (12_800.0 * index, 0.0) for index in range(4)}
    daemon = FakeDaemon(series(corners_nm=corners))
    follow(daemon, tile_grid=True)
    until(lambda: len(told.of(news.GridChanged)) > 2, what="the grid, again and again")
    scans = sum(one[0] == "scan" for one in list(daemon.requests))
    assert 2 * scans < sum(one[0] == "refresh" for one in list(daemon.requests)) + 4


def test_a_series_too_old_for_the_list_is_followed_until_it_is_gone(
    follow: Callable[..., Follower], told: Told, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LISTED", 1)
    daemon = FakeDaemon(series("old", start_unix_ns=1), series("new"))
    follow(daemon, series_id=daemon.series[0].series_id)
    until(lambda: bool(told.of(news.PictureLaidOut)), what="the picture")
    assert told.of(news.PictureLaidOut)[0].name == "old"
    assert [one.name for one in told.of(news.Listed)[0].acquisitions] == ["new"]
    del daemon.series[0]
    until(lambda: told.of(news.Listed)[-1].followed is None, what="it is gone")
    assert not told.of(news.Lost)


def test_a_lost_daemon_is_said_and_found_again(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    ours = series(count=1000)
    daemon = FakeDaemon(ours)
    follow(daemon)
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")
    daemon.down = True
    until(lambda: bool(told.of(news.Lost)), what="it says so")
    assert told.of(news.Lost)[0].text == "Not connected: connection refused. Trying again."
    ours.grow(batch(np.random.default_rng(9), 500, side_px=128, frames=100))
    daemon.down = False
    until(lambda: len(told.of(news.Connected)) == 2, what="connected again")
    until(lambda: total(told) == 1500, what="it has caught up")
    assert all(client.closed for client in daemon.clients[:-1])


def test_points_that_a_lost_daemon_did_not_give_are_not_asked_for_again(
    follow: Callable[..., Follower], told: Told, until: Until
) -> None:
    daemon = FakeDaemon(series())
    follower = follow(daemon)
    until(lambda: bool(told.of(news.Listed)), what="connected")
    daemon.down = True
    follower.wish(points=PointsWish())
    until(lambda: bool(told.of(news.PointsFailed)), what="it says so")
    daemon.down = False
    until(lambda: len(told.of(news.Connected)) >= 2, what="connected again")
    lists = len(told.of(news.Listed))
    until(lambda: len(told.of(news.Listed)) > lists + 2, what="further looks")
    assert not told.of(news.PointsFound)


def test_an_absent_daemon_is_waited_for(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    daemon = FakeDaemon(series())
    daemon.down = True
    follow(daemon)
    until(lambda: len(told.of(news.Lost)) >= 3, what="several tries")
    daemon.down = False
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")


def test_one_request_is_under_way_at_a_time(follow: Callable[..., Follower], told: Told, until: Until) -> None:
    daemon = FakeDaemon(series())
    follower = follow(daemon)
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")
    for number in range(50):
        finest(told)[:, number:]
        follower.wish(points=PointsWish(most=number + 1), tile_grid=bool(number % 2))
    until(lambda: not mosaic_of(told).wanted(1), what="all tiles")
    assert daemon.most_at_once == 1


def test_closing_cancels_a_request_that_hangs_and_leaves_no_thread(told: Told, until: Until) -> None:
    daemon = FakeDaemon(series())
    before = threading.active_count()
    follower = Follower(daemon.client, told.put, address="here:1", poll_s=0.01)
    until(lambda: bool(told.of(news.Listed)), what="connected")
    daemon.hanging = threading.Event()
    asked = len(daemon.requests)
    until(lambda: len(daemon.requests) > asked, what="a request that hangs")
    follower.close()
    assert not follower.alive
    assert threading.active_count() == before
    told.all.clear()
    follower.wish(live=True)
    assert not told.all


def test_a_failure_that_is_no_lost_connection_does_not_end_it(
    follow: Callable[..., Follower], told: Told, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = FakeDaemon(series())
    monkeypatch.setattr(daemon.series[0], "acquisition", lambda: None)
    follow(daemon)
    until(lambda: bool(told.of(news.Lost)), what="it says so")
    monkeypatch.undo()
    until(lambda: bool(told.of(news.PictureChanged)), what="the picture")


def test_a_series_without_a_picture_is_not_the_newest_that_is_followed() -> None:
    first, second = series("one").acquisition(), series("two", start_unix_ns=2_000_000_000_000_000_000).acquisition()
    second.channel = ChannelKind.WIDEFIELD
    listed = newest_first([first, second])
    assert [one.name for one in listed] == ["two", "one"]
    assert choose(listed, None) is first
    assert choose(listed, second.series_id) is second
    assert choose(listed, b"gone") is None
    assert choose([], None) is None
