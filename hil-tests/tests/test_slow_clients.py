"""Clients that stop reading: the frames do not notice, and the client is told what it missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blinkd import FramePublisher, Series
from blinkd.v1 import localizations_pb2, preview_pb2

from rigs.clients import Client
from rigs.daemon import Daemon, nothing_lost, whole
from rigs.microscope import blinking
from rigs.results import record

FRAMES, SIDE = 600, 96
# Spots lie on pixel centres for the fake engine: what matters here is that there are many.
STACK = blinking(frames=50, side=SIDE, spots=60.0, seed=3)


def publish(daemon: Daemon) -> dict[str, Any]:
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(pixel_size_nm=(100.0, 100.0)))
        for number in range(FRAMES):
            assert publisher.wait_for_room(timeout_s=30)
            publisher.send_frame(STACK[number % len(STACK)])
        publisher.end(wait_s=30)
    return daemon.wait_series("all processed", lambda s: s["state"] == "done", within_s=120)


def test_clients_that_stop_reading_do_not_change_the_account_and_are_told_that_they_lag(daemons: Any) -> None:
    quiet = publish(daemons("--model", "decode-2d-lite").start())
    daemon = daemons("--model", "decode-2d-lite", serve__client_queue=2).start()
    with Client(daemon.grpc) as client:
        pictures = client.stream("Preview", "SubscribePreview", preview_pb2.SubscribePreviewRequest(interval_ms=10))
        everything = client.stream(
            "Localizations", "StreamLocalizations", localizations_pb2.StreamLocalizationsRequest()
        )
        watched = publish(daemon)
        record(
            "clients_that_stop_reading",
            {"without": quiet["processed_fps"], "with": watched["processed_fps"], "frames": FRAMES},
        )
        assert whole(watched)
        assert nothing_lost(watched)
        assert watched["account"] == quiet["account"]
        assert watched["localizations"] == quiet["localizations"]
        # Now it reads on: what it got and what it is told it missed is everything.
        got = missed = 0
        total = watched["localizations"]
        with Client(daemon.grpc) as late:
            query = localizations_pb2.QueryLocalizationsRequest()
            assert sum(len(b.frame) for b in late.stream("Localizations", "QueryLocalizations", query)) == total
        nudge = publish(daemon)  # a further series, whose batches carry the count
        assert nothing_lost(nudge)
        for batch in everything:
            got += len(batch.frame)
            missed += batch.lagged
            if missed:
                break
        assert missed > 0, f"{got} localizations read, and never told of the rest of {total}"
        assert next(pictures).localizations > 0


def test_the_account_of_a_stream_that_is_read_is_complete(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    with Client(daemon.grpc) as client:
        stream = client.stream("Localizations", "StreamLocalizations", localizations_pb2.StreamLocalizationsRequest())
        done = publish(daemon)
        got = 0
        for batch in stream:
            got += len(batch.frame) + batch.lagged
            if got >= done["localizations"]:
                break
        assert got == done["localizations"] > 0


def test_a_viewer_that_leaves_is_forgotten(daemons: Any, tmp_path: Path) -> None:
    daemon = daemons("--model", "fake", serve__max_clients=3).start()
    for _ in range(20):  # more than there are places: each leaves before the next comes
        with Client(daemon.grpc) as client:
            request = preview_pb2.RenderPictureRequest()
            stream = client.stream("Preview", "SubscribePreview", preview_pb2.SubscribePreviewRequest())
            assert stream is not None
            del request
    done = publish(daemon)
    assert nothing_lost(done)
    assert tmp_path.is_dir()
