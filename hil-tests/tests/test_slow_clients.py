"""Clients that stop reading: the frames do not notice, and the client is told what it missed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from blinkd import FramePublisher, Series
from blinkd.v1 import localizations_pb2, preview_pb2

from rigs.clients import Client
from rigs.daemon import Daemon, nothing_lost, whole
from rigs.microscope import blinking
from rigs.results import record
from rigs.waiting import until

FRAMES, SIDE = 240, 64
STACK = blinking(frames=50, side=SIDE, spots=40.0, seed=3)


def publish(daemon: Daemon) -> dict[str, Any]:
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(pixel_size_nm=(100.0, 100.0)))
        for number in range(FRAMES):
            assert publisher.wait_for_room(timeout_s=30)
            publisher.send_frame(STACK[number % len(STACK)])
        publisher.end(wait_s=30)
    return daemon.wait_series("all processed", lambda s: s["state"] == "done", within_s=120)


def first_lag(stream: Iterator[Any]) -> tuple[int, int]:
    """Localizations read before the client is told how many it missed, and how many those are."""
    got = 0
    for batch in stream:
        if batch.lagged:
            return got, batch.lagged
        got += len(batch.frame)
    raise AssertionError(f"the stream ended after {got} localizations")


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
        total = watched["localizations"]
        with Client(daemon.grpc) as late:
            query = localizations_pb2.QueryLocalizationsRequest()
            assert sum(len(b.frame) for b in late.stream("Localizations", "QueryLocalizations", query)) == total
        # Now it reads on, while a further series comes whose batches carry the count of what was missed.
        with ThreadPoolExecutor(1) as reader:
            told = reader.submit(first_lag, everything)
            until(lambda: told.running() or told.done(), what="it reads on")
            nudge = publish(daemon)
            until(told.done, what="the client is told that it lagged")
        assert nothing_lost(nudge)
        got, missed = told.result()
        assert 0 < got < total
        assert 0 < missed <= total + nudge["localizations"]
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


def test_viewers_that_leave_give_their_places_back(daemons: Any) -> None:
    daemon = daemons("--model", "fake", serve__max_clients=3).start()
    request = localizations_pb2.StreamLocalizationsRequest()

    def full() -> bool:
        with Client(daemon.grpc) as client, pytest.raises(grpc.RpcError) as refused:
            next(client.stream("Localizations", "StreamLocalizations", request))
        return bool(refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED)

    with ExitStack() as viewers:
        for _ in range(3):
            client = viewers.enter_context(Client(daemon.grpc))
            stream = client.stream("Localizations", "StreamLocalizations", request)
            viewers.callback(stream.cancel)
            stream.initial_metadata()  # the daemon has answered: the place is taken
        assert full()
    # The places are free again once the daemon has seen them leave: a fourth viewer gets everything.
    with Client(daemon.grpc) as client:

        def place() -> Any:
            stream = client.stream("Localizations", "StreamLocalizations", request)
            stream.initial_metadata()
            return stream if stream.is_active() else None

        stream = until(place, what="a free place")
        done = publish(daemon)
        assert nothing_lost(done)
        got = 0
        while got < done["localizations"]:
            batch = next(stream)
            got += len(batch.frame) + batch.lagged
