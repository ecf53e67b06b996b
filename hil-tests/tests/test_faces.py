"""One recording, four faces: browser, Python, napari and terminal tell the same of it, after a night on the disk.

With BLINKD_HIL_SCREENSHOTS=docs the pictures of the README are made anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blinkd import Client, ColourBy, Look

from rigs import screenshot
from rigs.daemon import environment, run
from rigs.napari_process import NapariProcess
from rigs.terminal import Terminal
from rigs.viewer_tabs import chromium, tabs
from rigs.waiting import until

__all__ = ["chromium", "tabs"]  # fixtures

ROWS, COLUMNS, FRAMES = 2, 3, 150
TILES = ROWS * COLUMNS
SERIES = bytes(range(32, 48))


@pytest.fixture
def night(daemons: Any, binary: Path) -> Any:
    """A scan that was recorded, and the daemon that was started the morning after: all it has is the journal."""
    daemon = daemons("--model", "decode-astig-lite").start()
    command = ["simulate", "--connect", daemon.frames, "--series", SERIES.hex(), "--psf", "astigmatic"]
    command += ["--rows", str(ROWS), "--columns", str(COLUMNS), "--frames-per-tile", str(FRAMES)]
    command += ["--width", "96", "--height", "96", "--density-per-um2", "1.5", "--fps", "0", "--seconds", "0"]
    subprocess.run([str(binary), *command], env=environment(), check=True, timeout=120, stdout=subprocess.DEVNULL)
    daemon.wait_series("the scan is processed", lambda s: s["state"] == "done", within_s=240)
    assert daemon.terminate() == 0
    return daemon.start()


@pytest.fixture
def shots(tmp_path: Path) -> Callable[[str], Path]:
    folder = Path(os.environ.get("BLINKD_HIL_SCREENSHOTS") or tmp_path)
    return lambda name: folder / f"face-{name}.png"


def test_one_recording_has_the_same_counts_in_every_face(
    night: Any, binary: Path, tabs: Any, tmp_path: Path, shots: Callable[[str], Path]
) -> None:
    python = in_python(night, shots("python"))
    assert python["received"] == python["processed"] == TILES * FRAMES
    assert python["localizations"] > 5000
    assert python["tiles"] == {"done": TILES}
    assert in_the_terminal(night, binary, shots("terminal")) == python
    assert in_the_browser(night, tabs, python, shots("viewer")) == python
    assert in_napari(night, tmp_path, python, shots("napari")) == python


def in_python(daemon: Any, shot: Path) -> dict[str, Any]:
    with Client(daemon.grpc) as client:
        series = until(lambda: next(iter(client.acquisitions.list()), None), what="the recording is listed")
        assert series.series_id == SERIES
        scan = client.scans.get(series)
        assert len(client.query(series)) == series.localizations
        client.save_picture(shot, series, look=Look(colour_by=ColourBy.Z, gamma=0.6))
        return {
            "received": series.account.received,
            "processed": series.account.processed,
            "localizations": series.localizations,
            "tiles": dict(scan.tiles_by_state),
        }


def in_the_terminal(daemon: Any, binary: Path, shot: Path) -> dict[str, Any]:
    said = run(binary, "watch", "--address", daemon.grpc, "--once", "--json")
    seen = json.loads(said.stdout)
    account = seen["series"]["account"]
    with Terminal(binary, "watch", "--address", daemon.grpc, columns=160, rows=40) as terminal:
        digits = str(seen["series"]["localizations"])
        terminal.wait("the same number", lambda text: digits in "".join(c for c in text if c.isdigit()), within_s=30)
        terminal.wait("the picture", lambda text: text.count("▀") > 300 and "6 done" in text, within_s=30)
        screenshot.save(terminal.screen, shot)
        terminal.press("q")
        assert terminal.ended() == 0
    return {
        "received": account["received"],
        "processed": account["processed"],
        "localizations": seen["series"]["localizations"],
        "tiles": seen["scan"]["tiles"],
    }


def in_the_browser(daemon: Any, tabs: Any, wanted: dict[str, Any], shot: Path) -> dict[str, Any]:
    tab = tabs().open(daemon.ready["live_view"])
    until(lambda: tab.number("localizations") == wanted["localizations"], what="the strip shows the recording")
    until(lambda: tab.lit() > 500, what="the picture")
    numbers = {name: tab.number(name) for name in ("received", "processed", "localizations")}
    tab.press("4")
    until(lambda: tab.page.locator(".panel").inner_text(), what="the scan's panel")
    counts = until(lambda: states(tab.page.inner_text(".panel")) or None, what="tiles by state")
    until(lambda: tab.page.evaluate(GRID_IS_DRAWN), what="the grid of tiles")
    tab.page.screenshot(path=str(shot))
    return {**numbers, "tiles": counts}


GRID_IS_DRAWN = """() => {
    const canvas = document.querySelector(".panel canvas");
    if (!canvas || !canvas.width) return false;
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return data.some((value, at) => at % 4 === 1 && value > 100);
}"""


def states(panel: str) -> dict[str, int]:
    """Tiles by state, from the legend of the panel."""
    found = re.findall(r"\b(planned|acquiring|processing|done|failed|to be\s+retaken)\s+(\d+)\b", panel)
    return {name: int(count) for name, count in found if count != "0"}


def in_napari(daemon: Any, tmp_path: Path, wanted: dict[str, Any], shot: Path) -> dict[str, Any]:
    with NapariProcess(daemon.grpc, tmp_path) as napari:
        napari.do("connect")
        napari.do("whole", wanted["localizations"])
        said = napari.do("tiles")
        points = napari.do("points", tmp_path)["count"]
        napari.do("picture", shot)
        assert napari.do("close")["threads"] == []
    counts = re.fullmatch(r"([\d,]+) localizations, ([\d,]+) of ([\d,]+) frames\..*", said["counts"])
    assert counts is not None, said["counts"]
    localizations, processed, received = (int(number.replace(",", "")) for number in counts.groups())
    assert points == localizations
    tiles = re.findall(r"(\d+) ([a-z]+)(?=,|$)", said["tiles_note"].split(": ")[1])
    return {
        "received": received,
        "processed": processed,
        "localizations": localizations,
        "tiles": {state: int(count) for count, state in tiles},
    }
