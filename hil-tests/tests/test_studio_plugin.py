"""The Micro-Manager Studio plugin's jar, driven as a Studio would, against the daemon.

The Studio is a stub (`clients/micromanager/plugin/src/test`): a pipeline that starts, feeds and ends a processor. Jar,
plugin, sockets and daemon are the real ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from rigs import places
from rigs.daemon import Daemon, environment, nothing_lost, whole
from rigs.micromanager import acquisitions
from rigs.results import record

GRID, FRAMES, SIDE = 3, 40, 64
TILES = GRID * GRID
SNAKE = [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0), (2, 0), (2, 1), (2, 2)]
STEP_UM = 6.2208
ROOMY = 1024
"""A queue that takes the whole acquisition: what is lost then is not lost there."""


def built() -> Path:
    """The folder with the jar, as `cargo xtask test java` leaves it."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or places.REPOSITORY / "target")
    folder = target / "java"
    for part in ("blinkd-micromanager.jar", "test-classpath.txt", "plugin/test-classes"):
        if not (folder / part).exists():
            places.missing(str(folder / part), "cargo xtask test java")
    if shutil.which("java") is None:
        places.missing("java", "apt-get install openjdk-17-jdk-headless")
    return folder


def java(main: str, *arguments: object) -> list[str]:
    folder = built()
    jar = folder / "blinkd-micromanager.jar"
    parts = [str(folder / "plugin" / "test-classes"), (folder / "test-classpath.txt").read_text().strip()]
    if main == "JeromqDriver":  # the other one loads the jar itself
        parts.append(str(jar))
    command = ["java", "-Djava.awt.headless=true", "-cp", os.pathsep.join(parts), f"blinkd.driver.{main}"]
    return [*command, *(str(argument) for argument in arguments)]


class Studio:
    """A process that acts as a Studio with the plugin in its pipeline."""

    def __init__(self, endpoint: str, *, queue_frames: int = ROOMY, frames: int = FRAMES, side: int = SIDE) -> None:
        self._frames = frames
        jar = built() / "blinkd-micromanager.jar"
        self._process = subprocess.Popen(
            java("StudioDriver", jar, endpoint, queue_frames, frames, side, GRID),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._line() == "ready"

    def acquire(self, tiles: range) -> None:
        """Takes these tiles; returns when all their images were passed on."""
        self._say(f"tiles {tiles.start} {tiles.stop}")
        assert self._line() == f"passed {tiles.stop * self._frames}"

    def acquire_paced(self, tiles: range, *, fps: float) -> dict[str, int]:
        """The same at a camera's rate; returns how long an image was in the plugin."""
        self._say(f"paced {tiles.start} {tiles.stop} {fps}")
        words = self._line().split()
        return {name: int(value) for name, value in zip(words[::2], words[1::2], strict=True)}

    def end(self) -> list[str]:
        """Ends the acquisition; returns Micro-Manager's log."""
        self._say("end")
        out, trouble = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, trouble[-8000:]
        first, *log = out.splitlines()
        assert first == "ended", out
        return log

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            self._process.kill()
            _, trouble = self._process.communicate(timeout=30)
            raise AssertionError(f"the Studio ended:\n{trouble[-8000:]}")
        return line

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._process.wait(timeout=30)


@pytest.fixture
def daemon(daemons: Any) -> Daemon:
    built()
    started: Daemon = daemons("--model", "fake").start()
    return started


def done(daemon: Daemon) -> dict[str, Any]:
    series = daemon.wait_series("the series is done", lambda s: s["state"] == "done")
    assert whole(series)
    return series


def in_their_tiles(daemon: Daemon) -> None:
    """Nine tiles, each with its row, column and all its frames."""
    (acquisition,) = acquisitions(daemon)
    tiles = acquisition.tiles
    assert [(t.tile_index, t.row, t.column) for t in tiles] == [(i, *place) for i, place in enumerate(SNAKE)]
    assert [t.account.received for t in tiles] == [FRAMES] * TILES


def test_every_frame_of_a_3_x_3_position_list_arrives_in_its_tile(daemon: Daemon) -> None:
    with Studio(daemon.frames) as studio:
        studio.acquire(range(TILES))
        log = studio.end()
    series = done(daemon)
    assert series["account"]["received"] == TILES * FRAMES, series
    assert nothing_lost(series), series
    in_their_tiles(daemon)
    (acquisition,) = acquisitions(daemon)
    assert acquisition.name == "studio"
    assert re.fullmatch(r"Micro-Manager plugin \d+\.\d+\.\d+, Micro-Manager 2\.0\.3 \(a stub\)", acquisition.source)
    assert acquisition.closed_because == "completed"
    assert acquisition.pixel_size_x_nm == pytest.approx(108.0)
    assert not acquisition.live_sampled
    positions = [(t.stage_x_um, t.stage_y_um, t.stage_z_um) for t in acquisition.tiles]
    assert positions == [(c * STEP_UM, -r * STEP_UM, 1.5) for r, c in SNAKE]
    assert not any(t.stage_measured for t in acquisition.tiles)  # they are the list's
    assert [line for line in log if line.startswith("error")] == []


def test_an_acquisition_goes_on_by_itself_after_the_daemon_was_killed_and_started_again(daemon: Daemon) -> None:
    with Studio(daemon.frames) as studio:
        studio.acquire(range(4))
        daemon.wait_series("four tiles are there", lambda s: s["account"]["received"] == 4 * FRAMES)
        daemon.kill()
        studio.acquire(range(4, 6))  # while there is none: they wait in the plugin's queue
        daemon.start()
        studio.acquire(range(6, TILES))
        log = studio.end()
    series = done(daemon)
    assert series["account"]["received"] == TILES * FRAMES, (series, log)
    assert nothing_lost(series), series
    in_their_tiles(daemon)
    assert sum("has gone" in line for line in log) == 1, log  # not once for each frame


def test_frames_beyond_the_queue_are_dropped_and_the_daemon_counts_the_same(daemon: Daemon) -> None:
    queue_frames = 8
    with Studio(daemon.frames, queue_frames=queue_frames) as studio:
        studio.acquire(range(1))
        daemon.wait_series("the last frame of the tile is there", lambda s: s["next_seq"] >= 1)
        daemon.kill()
        studio.acquire(range(1, 2))
        daemon.start()
        studio.acquire(range(2, TILES))
        studio.end()
    series = done(daemon)
    account = series["account"]
    missing = sum(account["missing"].values())
    assert missing >= FRAMES - queue_frames  # of the tile that was taken without a daemon
    assert account["received"] + missing == TILES * FRAMES, series
    assert series["dropped_by_publisher"] <= missing


def test_a_camera_of_100_frames_per_second_is_never_held_up(daemons: Any, memory_folder: Path) -> None:
    built()
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    with Studio(daemon.frames, queue_frames=32, frames=300, side=512) as studio:
        took = studio.acquire_paced(range(2), fps=100)
        studio.end()
    series = done(daemon)
    record("studio_plugin_512_at_100_fps", dict(took))
    assert series["account"]["received"] == took["passed"] == 600, series
    assert nothing_lost(series), series
    # Half an exposure. The median, as on a busy machine some images meet a thread that has to wait for its core.
    assert took["median_us"] < 5000, took


def test_what_jeromq_sends_is_understood_too(daemon: Daemon) -> None:
    frames = 50
    subprocess.run(java("JeromqDriver", daemon.frames, frames, SIDE), check=True, timeout=60, env=environment())
    series = done(daemon)
    assert series["account"]["received"] == frames, series
    assert nothing_lost(series), series
