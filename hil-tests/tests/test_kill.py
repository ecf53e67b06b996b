"""`kill -9` at random moments: the final table is that of a run that nobody disturbed.

The publisher can rewind: after each restart it asks the daemon for `next_seq` and goes on from there, without loss.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet
import pytest
from blinkd import EndReason, FramePublisher, Series

from rigs.daemon import Daemon, whole
from rigs.microscope import blinking
from rigs.results import record
from rigs.waiting import until

FRAMES, SIDE, KILLS = 3000, 64, 20
ID = b"kill-nine-series"


@pytest.fixture(scope="module")
def stack() -> npt.NDArray[np.uint16]:
    return blinking(frames=FRAMES, side=SIDE, spots=4.0, seed=9)


def publisher_for(daemon: Daemon) -> FramePublisher:
    publisher = FramePublisher(daemon.frames, queue_frames=8)
    until(lambda: publisher.connected, what="the publisher connects")
    series = Series(name="killed", series_id=ID, pixel_size_nm=(100.0, 100.0), expected_frames=FRAMES)
    state = daemon.series()
    publisher.start(series, first_seq=0 if state is None else state["next_seq"])
    return publisher


def send(publisher: FramePublisher, stack: npt.NDArray[np.uint16], *, until_seq: int = FRAMES) -> None:
    """Sends frames up to this number, waiting for room and never dropping one."""
    while publisher.next_seq < until_seq:
        assert publisher.wait_for_room(timeout_s=30)
        assert publisher.send_frame(stack[publisher.next_seq])


def finish(daemon: Daemon, publisher: FramePublisher) -> dict[str, Any]:
    counts = publisher.end(reason=EndReason.COMPLETED, wait_s=30)
    assert counts.dropped == 0
    publisher.close()

    def written(series: dict[str, Any]) -> bool:
        return series["state"] == "done" and any(name.endswith("summary.json") for name in series["files"])

    series = daemon.wait_series("the series is done and its files written", written, within_s=120)
    assert daemon.terminate() == 0, daemon.log()
    return series


def table(daemon: Daemon) -> dict[str, npt.NDArray[Any]]:
    path = daemon.store / ID.hex() / "localizations.parquet"
    read = pyarrow.parquet.read_table(path)
    return {name: read.column(name).to_numpy() for name in read.column_names}


def undisturbed(daemons: Any, stack: npt.NDArray[np.uint16], engine: str) -> dict[str, npt.NDArray[Any]]:
    daemon = daemons("--model", engine).start()
    publisher = publisher_for(daemon)
    send(publisher, stack)
    series = finish(daemon, publisher)
    assert series["account"]["processed"] == FRAMES, series
    return table(daemon)


def timed_start(daemon: Daemon) -> float:
    began = time.monotonic()
    daemon.start()
    return time.monotonic() - began


@pytest.mark.parametrize("engine", ["fake", "decode-2d-lite"])
def test_20_kills_at_random_moments_change_no_localization(
    daemons: Any, stack: npt.NDArray[np.uint16], engine: str
) -> None:
    want = undisturbed(daemons, stack, engine)
    assert len(want["frame"]) > FRAMES / 2
    rng = random.Random(20)
    daemon = daemons("--model", engine)
    restarted_s, progress = [], []
    for _ in range(KILLS):
        restarted_s.append(timed_start(daemon))
        publisher = publisher_for(daemon)
        # On average all kills together see the whole run; the last frames before a kill are at any stage of the path.
        send(publisher, stack, until_seq=min(FRAMES - 1, publisher.next_seq + rng.randrange(2 * FRAMES // KILLS)))
        moment = time.monotonic() + rng.uniform(0.0, 0.05)
        until(lambda at=moment: time.monotonic() >= at, what="the moment of the kill", every_s=0.001)
        daemon.kill()
        publisher.close(wait_s=0)
        progress.append(publisher.next_seq)
    restarted_s.append(timed_start(daemon))
    publisher = publisher_for(daemon)
    send(publisher, stack)
    series = finish(daemon, publisher)
    record(f"kill_{engine}", {"kills_before_frame": progress, "slowest_start_s": max(restarted_s)})
    assert series["account"]["processed"] == FRAMES, series
    assert whole(series)
    assert sum(series["account"]["lost"].values()) + sum(series["account"]["missing"].values()) == 0, series
    got = table(daemon)
    assert got.keys() == want.keys()
    per_frame = [np.bincount(rows["frame"], minlength=FRAMES) for rows in (got, want)]
    differ = np.flatnonzero(per_frame[0] != per_frame[1])
    assert not differ.size, f"frames {differ} have another number of localizations; kills before {progress}"
    np.testing.assert_array_equal(got["frame"], want["frame"])
    for name in want:
        # 1e-4 px and nm alike; what is no position agrees to the same relative measure.
        np.testing.assert_allclose(got[name], want[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_kill_between_two_series_leaves_the_first_as_it_was(daemons: Any, stack: npt.NDArray[np.uint16]) -> None:
    daemon = daemons("--model", "fake").start()
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(series_id=b"first-of-the-two"))
        for frame in stack[:50]:
            assert publisher.wait_for_room(timeout_s=10)
            publisher.send_frame(frame)
        publisher.end()
    first = daemon.wait_series("done", lambda s: s["state"] == "done" and len(s["files"]) >= 3)
    path = Path(next(name for name in first["files"] if name.endswith(".parquet")))
    rows = pyarrow.parquet.read_table(path).num_rows
    daemon.kill()
    daemon.start()
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(series_id=b"second-of-the-tw"))
        publisher.send_frame(stack[0])
        publisher.end()
    daemon.wait_series("the second", lambda s: s["id"] == b"second-of-the-tw".hex() and s["state"] == "done")
    assert pyarrow.parquet.read_table(path).num_rows == rows > 0
