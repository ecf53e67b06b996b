"""Fixtures of the viewer's tests: one browser per module, tabs without complaints, recordings to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blinkd import FramePublisher, Series

from rigs import viewer as viewers
from rigs.microscope import blinking
from rigs.viewer import Viewer

sync_api = pytest.importorskip("playwright.sync_api", reason="SKIPPED: playwright is not installed")

SIDE_PX = 96
PIXEL_NM = 100.0
STACK = blinking(frames=120, side=SIDE_PX, spots=8.0, seed=41)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's Chromium."""
    with sync_api.sync_playwright() as playwright, viewers.browser(playwright) as running:
        yield running


@pytest.fixture
def tabs(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Viewer]]:
    """Opens tabs; at the end no page may have complained."""
    opened: list[Viewer] = []

    def make(kind: Callable[[Any], Any] = viewers.screen) -> Viewer:
        opened.append(Viewer(kind(chromium), tmp_path))
        return opened[-1]

    yield make
    for tab in opened:
        tab.page.context.close()
    troubles = [trouble for tab in opened for trouble in tab.troubles]
    assert not troubles, troubles


def send(publisher: FramePublisher, frames: Any) -> None:
    """All of them, waiting for room."""
    for frame in frames:
        assert publisher.wait_for_room(timeout_s=10)
        publisher.send_frame(frame)


def record(daemon: Any, frames: Any = STACK, **about: Any) -> dict[str, Any]:
    """A whole series; its state when it is done."""
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="in the browser", pixel_size_nm=(PIXEL_NM, PIXEL_NM), **about))
        send(publisher, frames)
        publisher.end()
    wanted = len(frames)
    done: dict[str, Any] = daemon.wait_series(
        "done", lambda series: series["state"] == "done" and series["account"]["received"] == wanted
    )
    return done
