"""`blinkd watch` in a pseudo-terminal: what is on the screen is what the API says, and the terminal is given back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blinkd.v1 import acquisitions_pb2

from rigs.clients import Client
from rigs.daemon import Daemon, environment, run
from rigs.terminal import Terminal
from rigs.waiting import until

FRAMES = 120
BY = "\u00d7"
"""The sign between two sides."""


@pytest.fixture
def watching(binary: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals in which `blinkd watch` runs; all are closed at the end."""
    opened: list[Terminal] = []

    def watch(daemon: Daemon, *options: object, **window: Any) -> Terminal:
        opened.append(Terminal(binary, "watch", "--address", daemon.grpc, "--interval-ms", 100, *options, **window))
        return opened[-1]

    yield watch
    for terminal in opened:
        terminal.close()


def simulate(daemon: Daemon, *options: object, frames: int = FRAMES) -> None:
    """The virtual microscope at its own pace, to its end, in the real sizes of a small region."""
    size = ("--width", 64, "--height", 64, "--fps", 60, "--seconds", frames / 60)
    done = run(daemon.binary, "simulate", "--connect", daemon.frames, "--json", *size, *options)
    assert done.returncode == 0, done.stderr


def acquisition(daemon: Daemon) -> acquisitions_pb2.Acquisition:
    with Client(daemon.grpc) as client:
        answer = client.call("Acquisitions", "GetAcquisition", acquisitions_pb2.GetAcquisitionRequest())
        assert isinstance(answer, acquisitions_pb2.Acquisition)
        return answer


def finished(daemon: Daemon) -> acquisitions_pb2.Acquisition:
    daemon.wait_series("the series is done", lambda series: series["state"] == "done" and series["files"])
    return acquisition(daemon)


def shown(text: str, name: str) -> int:
    """A number on the screen, by its name at the beginning of a row."""
    found = re.search(rf"^{re.escape(name)} +(\d[\d ]*?)(?:  | ?$)", text, re.MULTILINE)
    assert found, f"{name} is not shown:\n{text}"
    return int(found[1].replace(" ", ""))


def lit(terminal: Terminal) -> int:
    """Dots of the picture that are not black."""
    dots = (half for row in terminal.cells() for cell in row if cell.text == "▀" for half in (cell.fg, cell.bg))
    return sum(half is not None and max(half) > 40 for half in dots)


def test_the_numbers_on_the_screen_are_those_of_the_api(daemons: Any, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    terminal = watching(daemon)
    terminal.shows("○ Waiting for frames on", daemon.frames)
    simulate(daemon)
    series = finished(daemon)
    text = terminal.shows(f"● Series complete: all {FRAMES} frames processed")
    assert series.account.received == FRAMES
    assert shown(text, "received") == series.account.received
    assert shown(text, "= processed") == series.account.processed
    assert (shown(text, "+ waiting"), shown(text, "+ lost"), shown(text, "missing")) == (0, 0, 0)
    terminal.wait("all are found", lambda text: shown(text, "found") == series.localizations)


def test_the_picture_appears_and_grows_while_frames_arrive(daemons: Any, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    terminal = watching(daemon, columns=100, rows=40)
    sizes = [0]
    for part in range(2):
        simulate(daemon, "--structure", "uniform", "--density-per-um2", 0.05, "--resume-at", 0, "--seed", part + 1)
        finished(daemon)
        dots = until(lambda: lit(terminal) or None, what=lambda: f"a picture; now\n{terminal.text()}")
        sizes.append(dots)
        terminal.shows("µm", "┤", "density", "Density over time")
    assert all(size > 20 for size in sizes[1:]), sizes
    before = terminal.cells()
    terminal.press("v")
    terminal.shows("v colour: z")
    until(lambda: terminal.cells() != before, what="the colours are others")


def test_a_window_of_another_size_is_filled_anew(daemons: Any, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "fake").start()
    simulate(daemon)
    finished(daemon)
    terminal = watching(daemon)
    terminal.shows("q quit", "Picture", "received")
    for columns, rows, words in (
        (160, 50, ("Picture", "Density over time", "In each of the last")),
        (40, 15, ("received", "lost 0", "camera")),
        (30, 8, (f"36 {BY} 10 or larger",)),
        (80, 24, ("Picture", "= processed", "q quit")),
    ):
        terminal.resize(columns, rows)
        terminal.shows(*words)
        if columns >= 36:
            terminal.wait("the keys are in the last row", lambda _: "q quit" in terminal.last_row())
    terminal.press("?")
    terminal.shows("next and previous series")
    terminal.press("\x1b")
    terminal.wait("help is gone", lambda text: "next and previous series" not in text)


def test_a_killed_daemon_is_missed_with_its_last_numbers_and_found_again(
    daemons: Any, watching: Callable[..., Terminal]
) -> None:
    daemon = daemons("--model", "fake").start()
    simulate(daemon)
    finished(daemon)
    terminal = watching(daemon)
    terminal.shows(f"all {FRAMES} frames processed")
    daemon.kill()
    text = terminal.shows("✖ No connection to", daemon.grpc, "blinkd serve")
    assert shown(text, "received") == FRAMES
    terminal.shows("for 1 s")
    daemon.start()
    terminal.shows(f"● Series complete: all {FRAMES} frames processed")


@pytest.mark.parametrize("how", ["q", "\x03", signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_as_it_was(how: str | int, daemons: Any, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "fake").start()
    terminal = watching(daemon)
    terminal.shows("Waiting for frames")
    assert not terminal.restored(), "while it runs the screen is its own"
    if isinstance(how, str):
        terminal.press(how)
    else:
        terminal.process.send_signal(how)
    assert terminal.ended() == 0
    until(lambda: terminal.restored() or None, what="the terminal is as it was")
    assert terminal.text().strip() == "", "nothing of it stays on the screen"


def test_an_unchanged_screen_costs_a_slow_line_almost_nothing(daemons: Any, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "fake").start()
    simulate(daemon)
    finished(daemon)
    terminal = watching(daemon, columns=160, rows=50)
    terminal.shows("Picture", "Density over time")
    until(lambda: lit(terminal) or None, what="the picture")
    uptime = re.compile(r"up (\d+) s")

    def up() -> int:
        found = uptime.search(terminal.text())
        return int(found[1]) if found else 0

    begin, before = up(), terminal.bytes_read
    until(lambda: up() >= begin + 3 or None, what="three seconds pass")
    assert terminal.bytes_read - before < 3 * 1500, "only what changed is written"


def test_series_are_stepped_through_and_the_newest_is_followed(daemons: Any, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "fake").start()
    simulate(daemon, frames=60)
    finished(daemon)
    terminal = watching(daemon, columns=120, rows=30)
    terminal.shows("all 60 frames processed", "series 1 of 1, newest")
    simulate(daemon, frames=90)
    finished(daemon)
    terminal.shows("all 90 frames processed", "series 2 of 2, newest")
    terminal.press("p")
    text = terminal.shows("all 60 frames processed", "series 1 of 2")
    assert "newest ·" not in text
    terminal.press(" ")
    terminal.shows("held for")
    terminal.press(" f")
    terminal.shows("all 90 frames processed", "series 2 of 2, newest")


def test_a_scan_shows_its_tiles(daemons: Any, binary: Path, watching: Callable[..., Terminal]) -> None:
    daemon = daemons("--model", "fake").start()
    terminal = watching(daemon)
    simulate(daemon, "--rows", 3, "--columns", 4, "--frames-per-tile", 10, "--fault-drop", 0.05, "--seed", 3)
    series = finished(daemon)
    missing = sum(series.account.missing.values())
    assert missing > 0
    text = terminal.shows(f"3 {BY} 4 tiles", f"✖ {missing} frames missing", "failed", "done")
    assert shown(text, "missing") == missing
    once = run(binary, "watch", "--address", daemon.grpc, "--once", "--json")
    assert once.returncode == 3, "frames are missing, and a script is told"
    assert f"{missing} frames" in once.stderr
    tiles = json.loads(once.stdout)["scan"]["tiles"]
    assert sum(tiles.values()) == 12
    assert text.count("✕") > tiles["failed"], "each failed tile has a sign, and so has their count"


def test_once_as_json_is_what_the_api_says(daemons: Any, binary: Path) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    empty = run(binary, "watch", "--address", daemon.grpc, "--once", "--json")
    assert (empty.returncode, json.loads(empty.stdout)["series"]) == (0, None)
    simulate(daemon)
    series = finished(daemon)
    once = run(binary, "watch", "--address", daemon.grpc, "--once", "--json")
    assert (once.returncode, once.stderr) == (0, "")
    said = json.loads(once.stdout)
    told = said["series"]
    account = series.account
    assert told["account"] == {
        "received": account.received,
        "processed": account.processed,
        "waiting": account.waiting,
        "lost": dict(account.lost),
        "missing": dict(account.missing),
    }
    assert (told["id"], told["localizations"]) == (series.series_id.hex(), series.localizations)
    assert told["latency_ms"]["p99"] == series.latency.p99_ms
    assert said["statistics"]["localizations"] == series.localizations
    assert said["daemon"]["frame_endpoint"] == daemon.frames
    text = run(binary, "watch", "--address", daemon.grpc, "--once")
    assert text.returncode == 0
    assert f"received {FRAMES} = processed {FRAMES} + waiting 0 + lost 0" in text.stdout


def test_json_goes_on_line_by_line_also_without_a_daemon_until_nobody_reads(daemons: Any, binary: Path) -> None:
    daemon = daemons("--model", "fake").start()
    command = [binary, "watch", "--address", daemon.grpc, "--json", "--interval-ms", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["connected"] is True
        daemon.kill()
        gone = next(line for line in map(json.loads, process.stdout) if not line["connected"])
        assert "blinkd serve" in gone["why"]
        process.stdout.close()
        assert process.wait(timeout=20) == 0


def test_what_cannot_be_shown_is_refused_with_the_remedy(binary: Path) -> None:
    away = run(binary, "watch", "--address", "127.0.0.1:1", "--once")
    assert away.returncode == 1
    assert "127.0.0.1:1" in away.stderr
    assert "blinkd serve" in away.stderr
    piped = run(binary, "watch", "--address", "127.0.0.1:1")
    assert piped.returncode == 2
    assert "--once --json" in piped.stderr
    wrong = run(binary, "watch", "--address", "nowhere", "--once")
    assert (wrong.returncode, "HOST:PORT" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(("choice", "most"), [("256", 256), ("none", 0)])
def test_a_terminal_of_few_colours_gets_no_others(
    choice: str, most: int, daemons: Any, watching: Callable[..., Terminal]
) -> None:
    daemon = daemons("--model", "fake").start()
    simulate(daemon)
    finished(daemon)
    terminal = watching(daemon, "--colour", choice, columns=100, rows=30)
    terminal.shows("Picture", "Density over time", "┤")
    colours = {colour for row in terminal.cells() for cell in row for colour in (cell.fg, cell.bg)} - {None}
    assert len(colours) <= most
    assert terminal.true_colours == 0


def test_a_screenshot_for_whoever_wants_one(daemons: Any, watching: Callable[..., Terminal]) -> None:
    """With BLINKD_HIL_SCREENSHOTS: `watch.png` of a simulated sample, as in the README."""
    folder = os.environ.get("BLINKD_HIL_SCREENSHOTS")
    if not folder:
        pytest.skip("BLINKD_HIL_SCREENSHOTS is not set")
    screenshot = pytest.importorskip("rigs.screenshot", reason="SKIPPED: Pillow is not installed")
    daemon = daemons("--model", "decode-2d-lite").start()
    run(daemon.binary, "simulate", "--connect", daemon.frames, "--fps", 25, "--seconds", 60, timeout_s=180)
    finished(daemon)
    terminal = watching(daemon, columns=132, rows=40)
    terminal.shows("Series complete", "Density over time")
    until(lambda: lit(terminal) > 500 or None, what="the picture")
    Path(folder).mkdir(parents=True, exist_ok=True)
    screenshot.save(terminal.screen, Path(folder) / "watch.png")
    assert (Path(folder) / "watch.png").stat().st_size > 10_000
