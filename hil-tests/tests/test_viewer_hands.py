"""The viewer in a person's hands: keyboard alone, a phone, controls with their limits, a scan, pictures to keep."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blinkd import FramePublisher, Series
from blinkd.v1 import acquisitions_pb2, scans_pb2

from rigs.clients import Client
from rigs.daemon import environment
from rigs.viewer import PHONE, phone
from rigs.viewer_tabs import PIXEL_NM, STACK, chromium, record, send, tabs
from rigs.waiting import until

__all__ = ["chromium", "tabs"]  # fixtures

ROWS, COLUMNS, FRAMES_PER_TILE = 3, 4, 12


@contextmanager
def recording(daemon: Any) -> Iterator[FramePublisher]:
    """A series that stays open."""
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="under control", pixel_size_nm=(PIXEL_NM, PIXEL_NM)))
        send(publisher, STACK[:20])
        yield publisher


def acquisition(daemon: Any) -> Any:
    with Client(daemon.grpc) as client:
        return client.call("Acquisitions", "GetAcquisition", acquisitions_pb2.GetAcquisitionRequest())


def test_everything_can_be_reached_with_the_keyboard_alone(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    record(daemon)
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.lit() > 200, what="the picture")
    before = tab.view()
    tab.press("ArrowRight", "ArrowDown")
    until(lambda: tab.view().x_nm > before.x_nm and tab.view().y_nm > before.y_nm, what="arrows move")
    tab.press("+")
    until(lambda: tab.view().nm_per_px < before.nm_per_px, what="plus zooms")
    tab.press("Home")
    until(lambda: tab.view().region == before.region, what="Home shows everything")
    panel = tab.page.locator(".panel")
    for key, name in zip("12345", ("Status", "Look", "Data", "Scan", "Controls"), strict=True):
        if not (panel.count() and name in panel.get_attribute("aria-label")):
            tab.press(key)
        until(lambda name=name: panel.get_attribute("aria-label") == name, what=name)
    tab.press("?")
    help_text = tab.page.inner_text("dialog")
    for word in ("Arrow keys", "snapshot", "hide everything"):
        assert word in help_text
    tab.keep("help")
    tab.press("Escape")
    until(lambda: tab.page.locator("dialog").count() == 0, what="Escape closes the help")
    tab.press("h")
    until(lambda: tab.page.locator(".strip, .panel, .tabs").count() == 0, what="H hides all but the picture")
    assert [tab.page.locator(kept).is_visible() for kept in (".scale-bar", ".legend")] == [True, True]
    tab.keep("bare")
    tab.press("h")
    until(lambda: tab.page.locator(".strip").count() == 1, what="H brings it back")


def test_the_focus_is_seen_wherever_tab_leads(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "fake").start()
    record(daemon, STACK[:10])
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.number("received") == 10, what="the series")
    seen = """() => {
        const at = document.activeElement;
        const outlined = (element) => getComputedStyle(element).outlineStyle !== "none";
        return [at.tagName, at.getAttribute("aria-label") || at.textContent.trim().slice(0, 30),
                outlined(at) || outlined(at.closest("label") || at)];
    }"""
    places = []
    for _ in range(24):
        tab.press("Tab")
        places.append(tab.page.evaluate(seen))
    focused = [place for place in places if place[0] != "BODY"]
    assert [place for place in focused if not place[2]] == []
    assert len({place[1] for place in focused}) > 12, focused
    assert any(place[0] == "CANVAS" for place in focused), "the picture, too"


def test_a_phone_held_upright_shows_picture_and_panels(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    record(daemon)
    tab = tabs(phone).open(daemon.ready["live_view"])
    until(lambda: tab.lit() > 200, what="the picture")
    width, height = PHONE
    assert tab.canvas.bounding_box()["height"] > 0.6 * height, "the picture has the room"
    tab.keep("phone")
    before = tab.view()
    devtools = tab.page.context.new_cdp_session(tab.page)
    y = tab.canvas.bounding_box()["y"] + 250

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": x, "y": y, "id": number} for number, x in enumerate(xs)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 170, 220)
    for spread in range(10, 110, 20):
        touch("touchMove", 170 - spread, 220 + spread)
    touch("touchEnd")
    until(lambda: tab.view().nm_per_px < 0.5 * before.nm_per_px, what="two fingers zoom")
    for name in ("Status", "Data", "Controls"):
        tab.page.locator(".tabs").get_by_text(name).tap()
        until(lambda name=name: tab.page.locator(".panel").get_attribute("aria-label") == name, what=name)
        assert tab.canvas.bounding_box()["height"] > 0.2 * height, "the picture stays in sight"
        assert tab.page.evaluate("() => document.documentElement.scrollWidth") <= width
        tab.keep(f"phone-{name.lower()}")
    tab.page.get_by_label("Close the panel").tap()
    until(lambda: tab.page.locator(".panel").count() == 0, what="the panel is closed")


def test_dangerous_controls_ask_and_then_do_it(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "fake").start()
    tab = tabs().open(daemon.ready["live_view"])
    with recording(daemon):
        until(lambda: tab.number("received") == 20, what="the series")
        tab.press("5")
        tab.page.get_by_text("Pause processing").click()
        assert not acquisition(daemon).paused, "it asks first"
        tab.page.locator("dialog").get_by_role("button", name="Pause", exact=True).click()
        until(lambda: acquisition(daemon).paused, what="paused")
        until(lambda: "paused" in tab.verdict, what="the viewer says so")
        tab.page.get_by_text("Resume processing").click()
        until(lambda: not acquisition(daemon).paused, what="resumed")
        tab.page.get_by_text("Stop the series").click()
        tab.page.keyboard.press("Escape")
        until(lambda: tab.page.locator("dialog").count() == 0, what="Escape is no")
        assert acquisition(daemon).state == acquisitions_pb2.SERIES_STATE_RECEIVING
        tab.page.get_by_text("Stop the series").click()
        tab.page.locator("dialog").get_by_role("button", name="Stop the series").click()
        until(lambda: acquisition(daemon).state == acquisitions_pb2.SERIES_STATE_DONE, what="stopped")


def test_controls_refuse_what_makes_no_sense_and_apply_what_does(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    tab = tabs().open(daemon.ready["live_view"])
    with recording(daemon):
        until(lambda: tab.number("processed") == 20, what="the series")
        tab.press("5")
        least = tab.page.get_by_label("Photons at least")
        apply = tab.page.locator("section", has_text="Filter of localizations").get_by_text("Apply from now on")
        least.fill("-3")
        assert "must be 0 to 10000000 photons" in tab.page.inner_text(".panel")
        assert apply.is_disabled()
        least.fill("400")
        apply.click()
        until(lambda: acquisition(daemon).filter.photons_min == 400, what="the filter is the daemon's")
        camera = tab.page.locator("section", has_text="Camera calibration")
        camera.get_by_label("Offset").fill("120")
        camera.get_by_text("To make it permanent").click()
        assert "offset_adu = 120.0" in camera.locator("pre").inner_text()
        camera.get_by_text("Apply from the next frame").click()
        until(lambda: acquisition(daemon).camera.offset_adu == 120, what="the calibration is the daemon's")
        tab.page.locator("section", has_text="Thresholds").get_by_label("Accept").fill("0.65")
        tab.page.locator("section", has_text="Thresholds").get_by_text("Apply from now on").click()
        until(lambda: abs(acquisition(daemon).thresholds.accept - 0.65) < 1e-9, what="the threshold is the daemon's")
        tab.keep("controls")


def test_a_network_is_not_changed_while_a_series_is_open_and_the_daemon_says_why(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    tab = tabs().open(daemon.ready["live_view"])
    with recording(daemon):
        until(lambda: tab.number("received") == 20, what="the series")
        tab.press("5")
        row = tab.page.locator(".models li", has_text="decode-astig-lite")
        row.get_by_text("Card").click()
        card = tab.page.locator("dialog")
        until(lambda: "pixel" in card.inner_text() and "card.toml" in card.inner_text(), what="the card")
        tab.keep("card")
        tab.press("Escape")
        row.get_by_text("Use").click()
        tab.page.locator("dialog").get_by_role("button", name="Change").click()
        until(lambda: "stop them first" in tab.page.inner_text(".panel"), what="the daemon's words")
    assert acquisition(daemon).model.startswith("decode-2d-lite")


def simulate(binary: Path, daemon: Any, *options: object) -> None:
    command = [binary, "simulate", "--connect", daemon.frames, "--fps", 0, "--seconds", 0, *options]
    subprocess.run([str(part) for part in command], env=environment(), check=True, timeout=120, capture_output=True)


def test_a_scan_is_a_grid_to_look_at_and_to_ask_tiles_again(daemons: Any, binary: Path, tabs: Any) -> None:
    daemon = daemons("--model", "fake").start()
    tab = tabs().open(daemon.ready["live_view"])
    layout = ("--rows", ROWS, "--columns", COLUMNS, "--frames-per-tile", FRAMES_PER_TILE, "--width", 64, "--height", 64)
    simulate(binary, daemon, *layout)
    until(lambda: tab.number("processed") == ROWS * COLUMNS * FRAMES_PER_TILE, what="all frames")
    tab.press("4")
    until(lambda: tab.number("tiles_done") == ROWS * COLUMNS, what="all tiles")
    with Client(daemon.grpc) as client:
        scan = client.call("Scans", "GetScan", scans_pb2.GetScanRequest())
    grid = tab.page.locator(".grid-box canvas")
    box = grid.bounding_box()
    tile = next(each.tile for each in scan.tiles if (each.tile.row, each.tile.column) == (1, 2))
    place = {"x": box["width"] * 2.5 / COLUMNS, "y": box["height"] * 1.5 / ROWS}
    grid.hover(position=place)
    says = f"Tile {tile.tile_index} (row 1, column 2): done"
    until(lambda: says in tab.page.inner_text(".hover"), what=says)
    tab.page.get_by_label("Colour by").select_option("localizations")
    until(lambda: tab.page.locator(".ramp").count() == 1, what="a legend with numbers")
    tab.keep("scan")
    grid.click(position=place)
    middle = (tile.corner_x_nm + scan.tile_width_nm / 2, tile.corner_y_nm + scan.tile_height_nm / 2)
    until(lambda: abs(tab.view().x_nm - middle[0]) < 1 and abs(tab.view().y_nm - middle[1]) < 1, what="it is opened")
    grid.click(position=place, modifiers=["Shift"])
    tab.page.get_by_text("Take selected again (1)").click()
    assert not wanted_again(daemon), "it asks first"
    tab.page.locator("dialog").get_by_role("button", name="Take again").click()
    until(lambda: wanted_again(daemon) == [tile.tile_index], what="the daemon's list")
    tab.page.get_by_text("Withdraw all").click()
    until(lambda: wanted_again(daemon) == [], what="the list is empty again")


def wanted_again(daemon: Any) -> list[int]:
    with Client(daemon.grpc) as client:
        return list(client.call("Scans", "GetScan", scans_pb2.GetScanRequest()).retake)


def test_a_snapshot_is_kept_as_png_and_as_ome_tiff(daemons: Any, tabs: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    record(daemon)
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.lit() > 200, what="the picture")
    for kind, magic, ending in (("PNG", b"\x89PNG", ".png"), ("OME-TIFF", b"II", ".ome.tif")):
        tab.press("s")
        tab.page.get_by_role("radio", name="everything").check()
        tab.page.get_by_role("radio", name=kind).check()
        finest = tab.page.get_by_label("Pixel").locator("option").first.inner_text()
        assert finest.startswith("10 nm: 960 "), finest
        if kind == "PNG":
            tab.keep("snapshot")
        with tab.page.expect_download() as started:
            tab.page.get_by_role("button", name="Save").click()
        assert started.value.suggested_filename.startswith("in-the-browser_")
        assert started.value.suggested_filename.endswith(ending)
        assert Path(started.value.path()).read_bytes().startswith(magic)
        until(lambda: tab.page.locator("dialog").count() == 0, what="the dialog is closed")
