"""The live viewer in Chromium: the picture grows, the numbers are the daemon's, a daemon that dies is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blinkd import FramePublisher, Series
from blinkd.v1 import acquisitions_pb2, preview_pb2

from rigs.clients import Client
from rigs.viewer import screen
from rigs.viewer_tabs import PIXEL_NM, SIDE_PX, STACK, chromium, record, send, tabs
from rigs.waiting import until

__all__ = ["chromium", "tabs"]  # fixtures


def test_the_picture_appears_and_grows_while_frames_arrive(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: "Waiting for frames" in tab.verdict, what="the viewer says that it waits for frames")
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="in the browser", pixel_size_nm=(PIXEL_NM, PIXEL_NM)))
        sizes: list[int] = []
        for part in range(3):
            send(publisher, STACK[part * 40 : (part + 1) * 40])
            least = sizes[-1] if sizes else 200
            sizes.append(until(lambda least=least: (now := tab.lit()) > least and now, what=f"growth from {sizes}"))
        publisher.end()
    until(lambda: tab.verdict.startswith("Series complete"), what="the viewer says that all is done")
    tab.keep("picture")


def test_numbers_agree_with_the_api(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    tab = tabs().open(daemon.ready["live_view"])
    record(daemon)
    with Client(daemon.grpc) as client:
        series = client.call("Acquisitions", "GetAcquisition", acquisitions_pb2.GetAcquisitionRequest())
        counted = client.call("Acquisitions", "GetStatistics", acquisitions_pb2.GetStatisticsRequest())
    account = series.account

    def agrees() -> bool:
        names = ("received", "processed", "waiting", "lost", "missing", "dropped", "localizations")
        shown = [tab.number(name) for name in names]
        wanted = [account.received, account.processed, 0, 0, 0, 0, series.localizations]
        return shown == wanted

    until(agrees, what=f"the strip and the table show {account} and {series.localizations} localizations")
    assert series.localizations > 500
    assert tab.text("engine") == series.model
    tab.press("3")
    until(lambda: tab.page.locator("figure.chart").count() > 6, what="the charts are there")
    text = tab.page.inner_text(".panel")
    for quantity in ("photons", "sigma_lateral_nm"):
        median = next(each.median for each in counted.histograms if each.quantity == quantity)
        shown = f"{median:,.0f}".replace(",", "\u202f") if median >= 1000 else f"{median:.3g}"
        assert f"median {shown}" in text, f"{quantity}: {shown}"
    tab.keep("data")


def test_only_visible_tiles_are_asked_for(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    record(daemon)
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.lit() > 200, what="the picture")
    with Client(daemon.grpc) as client:
        about = client.call("Preview", "GetTiles", preview_pb2.GetTilesRequest())
    side_nm = about.tile_px * about.base_pixel_nm
    box = tab.canvas.bounding_box()
    for turns, place in ((0, (0.5, 0.5)), (5, (0.4, 0.6)), (8, (0.7, 0.3))):
        tab.page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
        for _ in range(turns):
            tab.page.mouse.wheel(0, -100)
        view = tab.view()
        seen = len(tab.tiles)
        until(lambda seen=seen: len(tab.tiles) > seen + 2, what="requests after the view has come to rest")
        asked = tab.tiles[-1]
        scale = side_nm * 2**asked.level
        x_from, y_from, x_to, y_to = view.region
        field = about.bounds
        wanted = {
            (x, y)
            for x in range(int(max(x_from, field.x_min_nm) // scale), int(-(-min(x_to, field.x_max_nm) // scale)))
            for y in range(int(max(y_from, field.y_min_nm) // scale), int(-(-min(y_to, field.y_max_nm) // scale)))
        }
        assert {(tile.x, tile.y) for tile in asked.tiles} == wanted
        assert len(asked.tiles) == len(wanted) > 0
        pixel_nm = about.base_pixel_nm * 2**asked.level
        assert asked.level == 0 or 0.7 < pixel_nm / view.nm_per_px < 1.42
    # Deep inside, a tile of which nothing changed is asked for with the version it came with.
    until(lambda: all(tile.version > 0 for tile in tab.tiles[-1].tiles), what="versions")
    tab.press("f")
    until(lambda: tab.view().width_nm > SIDE_PX * PIXEL_NM, what="F shows everything")


def test_a_killed_daemon_is_missed_and_found_again_with_the_same_view(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="killed", pixel_size_nm=(PIXEL_NM, PIXEL_NM)))
        send(publisher, STACK[:60])
        tab = tabs().open(daemon.ready["live_view"])
        until(lambda: tab.number("processed") == 60 and tab.lit() > 200, what="the picture")
        whole = tab.view()
        tab.press("ArrowRight", "+", "+")
        until(lambda: tab.view().nm_per_px < whole.nm_per_px / 2, what="it is zoomed")
        before = (tab.view().region, tab.number("localizations"))
        daemon.kill()
        banner = tab.page.locator(".banner")
        until(lambda: banner.count() == 1, what="a banner")
        assert "No connection to the daemon since" in banner.inner_text()
        assert tab.number("localizations") == before[1], "the last numbers stay"
        assert tab.page.locator(".app.stale").count() == 1, "and are greyed"
        tab.keep("no-connection")
        daemon.start()
        until(lambda: banner.count() == 0, what="the banner goes")
        until(lambda: tab.number("processed") == 60 and tab.lit() > 200, what="the picture is back")
        assert (tab.view().region, tab.number("localizations")) == before
        send(publisher, STACK[60:])
        until(lambda: tab.number("processed") == len(STACK), what="it goes on")


def test_two_tabs_show_the_same_and_look_at_their_own(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    both = [tabs().open(daemon.ready["live_view"]) for _ in range(2)]
    both[1].press("2", "m")
    record(daemon)
    for tab in both:
        until(lambda tab=tab: tab.lit() > 200, what="a picture in each")
    localizations = daemon.series()["localizations"]
    for tab in both:
        until(lambda tab=tab: tab.number("localizations") == localizations, what="the same number in each")
    assert ["GetFrame" in tab.asked for tab in both] == [False, True]
    both[1].press("f", "+", "+", "+")
    until(lambda: both[1].view().nm_per_px < both[0].view().nm_per_px, what="only one is zoomed")
    both[1].keep("side-by-side")


def test_the_camera_frame_is_shown_with_what_was_found(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    record(daemon)
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.lit() > 200, what="the picture")
    tab.press("m", "m")
    with Client(daemon.grpc) as client:
        frame = client.call("Preview", "GetFrame", preview_pb2.GetFrameRequest())
    assert len(frame.x_px) > 0
    place = tab.page.locator(".place")
    wanted = f"frame {frame.seq} · {len(frame.x_px)} found"
    until(lambda: wanted in place.inner_text(), what=f"'{wanted}' in '{place.inner_text()}'")
    tab.keep("blended")


def test_a_widefield_series_shows_its_camera_frame(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "fake").start()
    tab = tabs().open(daemon.ready["live_view"])
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="overview", pixel_size_nm=(PIXEL_NM, PIXEL_NM), widefield=True))
        send(publisher, STACK[:20])
        until(lambda: "widefield" in tab.page.inner_text(".mode"), what="the viewer says so")

        def next_frame_is_seen() -> bool:
            send(publisher, STACK[20:21])
            return tab.lit() > 200

        until(next_frame_is_seen, what="a frame")
        publisher.end()
    assert not tab.tiles, "there is no map of it"


def test_the_newest_series_is_followed_until_another_one_is_chosen(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "fake").start()
    record(daemon, STACK[:10])
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.number("received") == 10, what="the first series")
    record(daemon, STACK[:20])
    until(lambda: tab.number("received") == 20, what="the second series is followed")
    choice = tab.page.get_by_label("Series", exact=True)
    until(lambda: choice.locator("option").count() == 2, what="both are listed")
    choice.select_option(index=1)
    until(lambda: tab.number("received") == 10, what="the first one was chosen")
    record(daemon, STACK[:30])
    until(lambda: choice.locator("option").count() == 3, what="the third one is listed")
    assert tab.number("received") == 10
    tab.page.get_by_label("follow newest").check()
    until(lambda: tab.number("received") == 30, what="the newest is followed again")


def test_a_hidden_tab_asks_nothing_and_catches_up(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "fake").start()
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: "Waiting for frames" in tab.verdict, what="it is connected")
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    tab.page.evaluate(hide, True)
    tab.page.wait_for_load_state("networkidle")
    asked = len(tab.asked)
    record(daemon, STACK[:10])
    assert len(tab.asked) == asked
    tab.page.evaluate(hide, False)
    until(lambda: tab.number("received") == 10, what="it catches up")


def test_a_daemon_with_a_token_is_asked_with_it(daemons: Any, tabs: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    daemon = daemons("--model", "fake", serve__token_file=tmp_path / "token").start()
    tab = tabs().open(daemon.ready["live_view"])
    field = tab.page.get_by_role("textbox", name="Token")
    for token, then in (("wrong", "That was not the right one"), ("0123456789abcdef", "")):
        field.fill(token)
        field.press("Enter")
        if then:
            until(lambda then=then: then in tab.page.inner_text("dialog"), what=then)
    until(lambda: "Waiting for frames" in tab.verdict, what="it is connected")
    tab.page.reload()
    until(lambda: "Waiting for frames" in tab.verdict, what="the tab keeps its token")


def test_the_page_is_dark_before_anything_is_loaded(daemons: Any, chromium: Any) -> None:
    daemon = daemons("--model", "fake").start()
    page = screen(chromium)
    page.route("**/assets/*", lambda route: route.abort())
    page.goto(daemon.ready["live_view"])
    background = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(10, 13, 18)"
    assert page.evaluate("() => getComputedStyle(document.documentElement).colorScheme") == "dark"
    page.context.close()
