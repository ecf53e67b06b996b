"""Stopping follows the data: what was received is processed, and the process ends with 0."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from blinkd import FramePublisher, Series

from rigs.clients import Client
from rigs.daemon import nothing_lost
from rigs.microscope import blinking

from blinkd.v1 import preview_pb2  # isort: skip

STACK = blinking(frames=100, side=64, spots=4.0, seed=31)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_processes_what_was_received_and_ends_with_0(daemons: Any, how: signal.Signals) -> None:
    daemon = daemons("--model", "fake", model__fake_delay_ms=10).start()
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(series_id=b"stopped-midway--"))
        for frame in STACK:
            assert publisher.wait_for_room(timeout_s=10)
            publisher.send_frame(frame)
        series = daemon.wait_series("all received", lambda s: s["account"]["received"] == len(STACK))
        assert series["account"]["waiting"] > 0, "nothing waits: the engine is too fast for this test"
        assert daemon.process is not None
        daemon.process.send_signal(how)
        assert daemon.process.wait(timeout=30) == 0, daemon.log()
        publisher.close(wait_s=0)
    daemon.kill()
    # The series is not over: the next daemon has it, with nothing left to do.
    daemon.start()
    series = daemon.wait_series("the series is there again", lambda s: s["id"] == b"stopped-midway--".hex())
    assert series["account"]["processed"] == len(STACK), series
    assert nothing_lost(series)
    assert daemon.terminate() == 0


def test_files_of_a_series_that_goes_on_are_there_after_a_stop(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    publisher = FramePublisher(daemon.frames)
    publisher.start(Series(series_id=b"files-after-stop"))
    for frame in STACK:
        assert publisher.wait_for_room(timeout_s=10)
        publisher.send_frame(frame)
    daemon.wait_series("all received", lambda s: s["account"]["received"] == len(STACK))
    assert daemon.terminate() == 0
    publisher.close(wait_s=0)
    folder: Path = daemon.store / b"files-after-stop".hex()
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["account"]["processed"] == len(STACK)
    assert pyarrow.parquet.read_table(folder / "localizations.parquet").num_rows == summary["localizations"] > 0


def test_a_client_with_an_open_stream_does_not_hold_up_the_stop(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    with Client(daemon.grpc) as client:
        stream = client.stream("Preview", "SubscribePreview", preview_pb2.SubscribePreviewRequest())
        with FramePublisher(daemon.frames) as publisher:
            publisher.start(Series())
            publisher.send_frame(STACK[0])
            publisher.end()
        assert next(stream) is not None
        assert daemon.terminate() == 0


def test_a_daemon_stopped_the_moment_it_is_ready_ends_with_0(daemons: Any) -> None:
    for _ in range(5):
        assert daemons("--model", "fake").start().terminate() == 0
