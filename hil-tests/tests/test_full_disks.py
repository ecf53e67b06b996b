"""Full disks: an alarm that clients see, nothing lost that was received, and on it goes once there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from blinkd import FramePublisher, Series

from rigs import places
from rigs.daemon import Daemon, nothing_lost, whole
from rigs.microscope import blinking
from rigs.waiting import until

STACK = blinking(frames=200, side=64, spots=30.0, seed=21)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts file systems of so many MiB."""
    mounted: list[Path] = []

    def mount(mib: int) -> Path:
        if os.geteuid() != 0 or shutil.which("mount") is None:
            places.missing("the right to mount a small file system", "run as root")
        at = tmp_path / f"disk-{len(mounted)}"
        at.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(at)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            places.missing("the right to mount a small file system", done.stderr.strip())
        mounted.append(at)
        return at

    yield mount
    for at in mounted:
        subprocess.run(["umount", "-l", str(at)], check=False)


@contextmanager
def filled(folder: Path, *, leave_kib: int = 0) -> Iterator[None]:
    """Fills what is free in the folder's file system, and frees it again. Others may write into it meanwhile."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for piece in (1 << 20, 1 << 16, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(piece))
        file.truncate(max(file.tell() - leave_kib * 1024, 0))
    try:
        yield
    finally:
        ballast.unlink()


def send(publisher: FramePublisher, count: int) -> None:
    for number in range(count):
        assert publisher.wait_for_room(timeout_s=30)
        assert publisher.send_frame(STACK[number % len(STACK)])


def done(daemon: Daemon) -> dict[str, Any]:
    def written(series: dict[str, Any]) -> bool:
        return series["state"] == "done" and any(name.endswith("summary.json") for name in series["files"])

    series = daemon.wait_series("done, with its files", written, within_s=90)
    assert whole(series)
    return series


def test_a_full_store_raises_an_alarm_loses_nothing_and_goes_on_when_there_is_room(
    daemons: Any, small_disk: Callable[[int], Path]
) -> None:
    store = small_disk(24)
    daemon = daemons("--model", "decode-2d-lite", ring__mib=64)
    daemon.store = store / "store"
    daemon.start()
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(pixel_size_nm=(100.0, 100.0)))
        send(publisher, 50)
        daemon.wait_series("the first frames are processed", lambda s: s["account"]["processed"] >= 40)
        with filled(store):
            # Until the journal's reserve is used up.
            def alarmed() -> bool:
                send(publisher, 100)
                return bool(daemon.status()["alarms"])

            until(alarmed, what="the alarm", within_s=60)
            series = daemon.series()
            assert series is not None
            assert whole(series)
            assert sum(series["account"]["lost"].values()) == 0, series
        sent = publisher.next_seq
        publisher.end(wait_s=30)
    series = done(daemon)
    assert series["account"]["processed"] == sent, series
    assert nothing_lost(series)
    assert daemon.status()["alarms"] == []
    path = next(name for name in series["files"] if name.endswith(".parquet"))
    assert pyarrow.parquet.read_table(path).num_rows == series["localizations"] > 0
    assert daemon.terminate() == 0, daemon.log()


def test_a_store_that_is_full_from_the_start_loses_nothing_either(
    daemons: Any, small_disk: Callable[[int], Path]
) -> None:
    store = small_disk(16)
    daemon = daemons("--model", "fake", ring__mib=64)
    daemon.store = store / "store"
    daemon.start()
    with FramePublisher(daemon.frames) as publisher:
        with filled(store):
            publisher.start(Series(pixel_size_nm=(100.0, 100.0)))
            send(publisher, 50)
            until(lambda: daemon.status()["alarms"], what="the alarm")
        send(publisher, 50)
        publisher.end(wait_s=30)
    series = done(daemon)
    assert series["account"]["processed"] == 100, series
    assert nothing_lost(series)


def test_a_full_spool_refuses_frames_that_are_counted_and_takes_them_again_when_there_is_room(
    daemons: Any, small_disk: Callable[[int], Path]
) -> None:
    spool = small_disk(16)
    daemon = daemons("--model", "fake", ring__dir=spool / "ring", ring__mib=8)
    with ExitStack() as stack:
        with filled(spool):
            daemon.start()
            publisher = stack.enter_context(FramePublisher(daemon.frames))
            publisher.start(Series())
            send(publisher, 20)
            series = daemon.wait_series("20 frames refused", lambda s: sum(s["account"]["lost"].values()) == 20)
            assert series["account"]["lost"] == {"no_ring": 20}
            assert whole(series)
            assert any("ring" in alarm for alarm in daemon.status()["alarms"])

        def taken() -> bool:
            send(publisher, 1)
            now = daemon.series()
            return now is not None and now["account"]["processed"] > 0

        until(taken, what="frames are taken again", within_s=20, every_s=0.1)
        sent = publisher.next_seq
        publisher.end(wait_s=10)
    series = done(daemon)
    account = series["account"]
    assert account["processed"] + account["lost"]["no_ring"] == sent
    assert daemon.status()["alarms"] == []


@pytest.mark.parametrize(("policy", "reason"), [("lossless", "ring_full"), ("live", "skipped_oldest")])
def test_a_network_that_is_too_slow_fills_the_ring_and_the_loss_is_counted(
    daemons: Any, policy: str, reason: str
) -> None:
    daemon = daemons("--model", "fake", ring__mib=1, ring__policy=policy, model__fake_delay_ms=20).start()
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series())
        send(publisher, 600)
        publisher.end(wait_s=30)
    series = done(daemon)
    account = series["account"]
    assert set(account["lost"]) == {reason}
    assert account["lost"][reason] > 0
    assert account["processed"] + account["lost"][reason] == 600
    assert account["missing"] == {"transport": 0, "camera": 0}
