"""The plain page in a real browser: the picture appears and grows, and the numbers are the daemon's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blinkd import FramePublisher, Series

from rigs import places
from rigs.microscope import blinking
from rigs.waiting import until

sync_api = pytest.importorskip("playwright.sync_api", reason="SKIPPED: playwright is not installed")

STACK = blinking(frames=120, side=96, spots=8.0, seed=41)


@pytest.fixture
def page() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(places.chromium()), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
        assert errors == []


def number(page: Any, table: str, name: str) -> int | None:
    """A number that the page shows."""
    shown = page.evaluate(
        """([table, name]) => {
            const row = [...document.querySelectorAll(`#${table} dt`)].find(dt => dt.textContent === name);
            return row ? row.nextElementSibling.textContent : null;
        }""",
        [table, name],
    )
    return None if shown is None or not shown[:1].isdigit() else int(shown.replace(",", ""))


def lit(page: Any) -> int:
    """Pixels of the shown picture that are not black; 0 while there is none."""
    count: int = page.evaluate(
        """() => {
            const image = document.getElementById("picture");
            if (!image.naturalWidth) return 0;
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            let lit = 0;
            for (let at = 0; at < data.length; at += 4) lit += Math.max(data[at], data[at + 1], data[at + 2]) > 32;
            return lit;
        }"""
    )
    return count


def test_the_picture_appears_and_grows_and_the_numbers_are_the_daemons(daemons: Any, page: Any, tmp_path: Path) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    page.goto(daemon.ready["live_view"])
    until(lambda: "waiting for frames" in page.inner_text("#state"), what="the page says that it waits for frames")
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="in the browser", pixel_size_nm=(100.0, 100.0)))
        sizes = []
        for part in range(3):
            for frame in STACK[part * 40 : (part + 1) * 40]:
                assert publisher.wait_for_room(timeout_s=10)
                publisher.send_frame(frame)
            least = sizes[-1] if sizes else 0
            sizes.append(until(lambda least=least: (now := lit(page)) > least and now, what=f"growth from {sizes}"))
        publisher.end()
    assert sizes == sorted(sizes)
    series = daemon.wait_series("done", lambda s: s["state"] == "done")

    def agrees() -> bool:
        account = series["account"]
        shown = [number(page, "frames", name) for name in ("received", "processed", "waiting", "lost")]
        return (
            shown
            == [
                account["received"],
                account["processed"],
                account["waiting"],
                sum(account["lost"].values()),
            ]
            and number(page, "found", "in all") == series["localizations"]
        )

    until(agrees, what=f"the page shows {series['account']} and {series['localizations']} localizations")
    assert series["account"]["processed"] == len(STACK)
    screenshot = Path(os.environ.get("BLINKD_HIL_SCREENSHOTS") or tmp_path) / "page.png"
    page.screenshot(path=str(screenshot))
    assert screenshot.stat().st_size > 10_000


def test_the_page_says_that_the_daemon_is_gone_and_finds_it_again(daemons: Any, page: Any) -> None:
    daemon = daemons("--model", "fake").start()
    page.goto(daemon.ready["live_view"])
    until(lambda: "waiting for frames" in page.inner_text("#state"), what="the page is connected")
    daemon.kill()
    until(lambda: "no connection" in page.inner_text("#state"), what="the page says so")
    daemon.start()
    until(lambda: "waiting for frames" in page.inner_text("#state"), what="the page is connected again")
