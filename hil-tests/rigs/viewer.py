"""The live viewer in a real browser, as a person uses it: what it shows, what it asks the daemon for.

In: a daemon. Out: numbers read off the page, pixels of the picture, decoded requests. Any error of the page fails the
test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blinkd.v1 import preview_pb2

from rigs import places
from rigs.waiting import until

SCREEN = (1400, 900)
PHONE = (390, 844)
OFFLINE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED")
"""What a browser says by itself of a daemon that is gone."""


def message(body: bytes) -> bytes:
    """The message in the body of a gRPC-Web request: one byte of flags, four of length."""
    length = int.from_bytes(body[1:5], "big")
    assert (body[0], len(body)) == (0, 5 + length)
    return body[5:]


class View:
    """Which part of the sample the picture shows, in nm."""

    def __init__(self, text: str, box: dict[str, float]) -> None:
        self.x_nm, self.y_nm, self.nm_per_px = (float(number) for number in text.split())
        self.width_nm, self.height_nm = box["width"] * self.nm_per_px, box["height"] * self.nm_per_px

    @property
    def region(self) -> tuple[float, float, float, float]:
        """x from, y from, x to, y to."""
        half = (self.width_nm / 2, self.height_nm / 2)
        return (self.x_nm - half[0], self.y_nm - half[1], self.x_nm + half[0], self.y_nm + half[1])


class Viewer:
    """One tab."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self.folder = page, folder
        self._asked: list[str] = []
        self._tiles: list[preview_pb2.GetTilesRequest] = []
        self.troubles: list[str] = []
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._said)
        page.on("request", self._requested)

    def _said(self, said: Any) -> None:
        if said.type == "error" and not any(known in said.text for known in OFFLINE):
            self.troubles.append(said.text)

    def _requested(self, request: Any) -> None:
        if "/blinkd.v1." not in request.url:
            return
        method = request.url.rsplit("/", 1)[1]
        self._asked.append(method)
        if method == "GetTiles":
            body = request.post_data_buffer
            self._tiles.append(preview_pb2.GetTilesRequest.FromString(message(body)))

    def open(self, address: str) -> Viewer:
        self.page.goto(address)
        return self

    def _hear(self) -> None:
        """Events are delivered while a call to the page is under way."""
        self.page.evaluate("() => 0")

    @property
    def asked(self) -> list[str]:
        """Names of the methods that were called, in order."""
        self._hear()
        return self._asked

    @property
    def tiles(self) -> list[preview_pb2.GetTilesRequest]:
        """Questions for tiles, in order."""
        self._hear()
        return self._tiles

    @property
    def canvas(self) -> Any:
        return self.page.locator("canvas.picture")

    @property
    def verdict(self) -> str:
        return str(self.page.inner_text("[data-role=verdict]"))

    def text(self, number: str) -> str | None:
        """What stands where a number is shown; None while it is not."""
        found = self.page.locator(f"[data-number={number}]")
        return str(found.first.inner_text()) if found.count() else None

    def number(self, name: str) -> int | None:
        """A whole number that the page shows."""
        shown = self.text(name)
        digits = "".join(letter for letter in shown or "" if letter.isdigit())
        return int(digits) if digits else None

    def view(self) -> View:
        text = until(lambda: self.canvas.get_attribute("data-view"), what="the picture is drawn")
        box = self.canvas.bounding_box()
        assert box is not None
        return View(text, box)

    def lit(self) -> int:
        """Pixels of the picture that are not black, without what lies over it."""
        count: int = self.page.evaluate(
            """() => {
                const canvas = document.querySelector("canvas.picture");
                const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                let lit = 0;
                for (let at = 0; at < data.length; at += 4) lit += Math.max(data[at], data[at + 1], data[at + 2]) > 96;
                return lit;
            }"""
        )
        return count

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def keep(self, name: str) -> Path:
        """A screenshot, where BLINKD_HIL_SCREENSHOTS says."""
        folder = Path(os.environ.get("BLINKD_HIL_SCREENSHOTS") or self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"viewer-{name}.png"
        self.page.screenshot(path=str(path))
        assert path.stat().st_size > 8_000, f"{path} shows next to nothing"
        return path


@contextmanager
def browser(playwright: Any) -> Iterator[Any]:
    """The system's Chromium."""
    running = playwright.chromium.launch(
        executable_path=str(places.chromium()), args=["--no-sandbox", "--disable-gpu", "--js-flags=--expose-gc"]
    )
    yield running
    running.close()


def phone(running: Any) -> Any:
    """A tab of a phone held upright."""
    width, height = PHONE
    context = running.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2, has_touch=True, is_mobile=True
    )
    return context.new_page()


def screen(running: Any) -> Any:
    """A tab on a desk."""
    width, height = SCREEN
    return running.new_context(viewport={"width": width, "height": height}, accept_downloads=True).new_page()
