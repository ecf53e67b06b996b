"""Bad input on the real socket, while a good publisher sends: counted by kind, and the good series loses nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from blinkd import Frame, FramePublisher, Series, Tile
from blinkd import envelope as messages
from blinkd.v1 import acquisitions_pb2
from blinkd.v1 import frames_pb2 as pb

from rigs.clients import Client
from rigs.daemon import nothing_lost
from rigs.microscope import blinking
from rigs.peers import GREETING, RawPeer, part
from rigs.waiting import until

IMAGE = messages.checked_copy(np.zeros((8, 8), np.uint16))
GOOD_PIXELS = IMAGE.tobytes()
GOOD = b"the-good-series-"
HOSTILE = Series(series_id=b"hostile-series-0")


def header(**changes: Any) -> bytes:
    envelope = messages.frame_header(
        IMAGE, series=HOSTILE, tile=Tile(), frame=Frame(), seq=0, frame_in_tile=0, dropped_total=0
    )
    for name, value in changes.items():
        setattr(envelope.frame, name, value)
    return messages.encode(envelope)


def message(part0: bytes, pixels: bytes | None = GOOD_PIXELS) -> bytes:
    if pixels is None:
        return part(part0)
    return part(part0, more=True) + part(pixels)


def version(number: int) -> bytes:
    envelope = messages.decode(header())
    envelope.schema_version = number
    return messages.encode(envelope)


BAD: dict[str, tuple[str, Callable[[RawPeer], None]]] = {
    "an absurd length of part 0": ("too_long", lambda p: p.send(b"\x03" + struct.pack(">Q", 2**62))),
    "a length with the sign bit": ("", lambda p: p.send(b"\x02" + struct.pack(">Q", 2**63 + 1))),
    "an absurd length of the pixels": (
        "",
        lambda p: p.send(part(header(), more=True) + b"\x02" + struct.pack(">Q", 2**40)),
    ),
    "an unknown version": ("unknown_version", lambda p: p.send(message(version(2)))),
    "too few pixels": ("wrong_pixel_count", lambda p: p.send(message(header(), GOOD_PIXELS[:-2]))),
    "too many pixels": ("wrong_pixel_count", lambda p: p.send(message(header(), GOOD_PIXELS + b"\0"))),
    "a truncated header": ("broken_protobuf", lambda p: p.send(message(header()[:-9]))),
    "an empty part 0": ("empty_message", lambda p: p.send(message(b""))),
    "JSON that stops": ("bad_json", lambda p: p.send(message(b'{"schemaVersion": 1, "frame": {'))),
    "a width of 0": ("absurd_shape", lambda p: p.send(message(header(width_px=0)))),
    "a huge width and height": (
        "absurd_shape",
        lambda p: p.send(message(header(width_px=2**32 - 1, height_px=2**32 - 1))),
    ),
    "a series id of 3 bytes": ("bad_series_id", lambda p: p.send(message(header(series_id=b"abc")))),
    "a number that is none": ("bad_number", lambda p: p.send(message(header(exposure_ms=float("nan"))))),
    "a frame without pixels": ("wrong_part_count", lambda p: p.send(message(header(), None))),
    "three parts": (
        "wrong_part_count",
        lambda p: p.send(part(header(), more=True) + part(GOOD_PIXELS, more=True) + part(b"x")),
    ),
    "a wrong checksum": ("bad_checksum", lambda p: p.send(message(header(pixels_crc32c=1)))),
    "a compression that is none": (
        "bad_compression",
        lambda p: p.send(message(header(compression=pb.COMPRESSION_ZSTD), b"no zstd at all")),
    ),
    "a peer that leaves in the middle of a message": (
        "peer_left_mid_message",
        lambda p: p.send(part(header(), more=True) + part(GOOD_PIXELS)[:40]),
    ),
}
FOREIGN: dict[str, tuple[str, bytes]] = {
    "an HTTP request": ("foreign_bytes", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 64),
    "noise": ("foreign_bytes", np.random.default_rng(7).integers(0, 255, 4096, np.uint8).tobytes()),
    "ZMTP 2": ("bad_handshake", GREETING[:10] + b"\x01" + bytes(53)),
    "another mechanism": ("unsupported_mechanism", GREETING[:12] + b"CURVE".ljust(20, b"\0") + bytes(32)),
    "a greeting that stops": ("", GREETING[:20]),
}


@pytest.fixture(scope="module")
def stack() -> Any:
    return blinking(frames=64, side=64, spots=4.0, seed=11)


def test_every_kind_of_bad_input_is_counted_and_the_good_series_loses_nothing(daemons: Any, stack: Any) -> None:
    daemon = daemons("--model", "fake").start()
    wrong, expected = [], 0
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="good", series_id=GOOD))

        def good_frames() -> int:
            for frame in stack:
                assert publisher.wait_for_room(timeout_s=10)
                publisher.send_frame(frame)
            return len(stack)

        def counted(kind: str) -> int:
            bad = daemon.status()["bad_messages"]
            return int(bad.get(kind, 0)) if kind else sum(bad.values())

        cases = [(name, kind, act, True) for name, (kind, act) in BAD.items()]
        cases += [(name, kind, lambda p, b=data: p.send(b), False) for name, (kind, data) in FOREIGN.items()]
        for name, kind, act, handshake in cases:
            expected += good_frames()
            before = counted(kind)
            with RawPeer(daemon.frames, handshake=handshake) as peer:
                act(peer)
            try:
                until(lambda k=kind, b=before: counted(k) > b, what=name, within_s=5)
            except AssertionError:
                wrong.append((name, kind, daemon.status()["bad_messages"]))
        expected += good_frames()
        publisher.end(wait_s=10)
    assert not wrong, wrong
    # By its id: a peer whose pixels were wrong may have left an empty series behind that is newer.
    ask = acquisitions_pb2.GetAcquisitionRequest(series_id=GOOD)
    with Client(daemon.grpc) as client:

        def done() -> Any:
            series = client.call("Acquisitions", "GetAcquisition", ask)
            return series if series.state == acquisitions_pb2.SERIES_STATE_DONE else None

        account = until(done, what="the good series is done").account
    assert account.received == account.processed == expected
    assert not dict(account.lost)
    assert sum(account.missing.values()) == 0


def test_a_peer_that_sent_a_bad_message_may_go_on_with_good_ones(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    with RawPeer(daemon.frames) as peer:
        for number in range(10):
            peer.send(message(header(seq=number)))
            peer.send(message(version(99)))
            peer.send(message(header(), GOOD_PIXELS[:-1]))
        series = daemon.wait_series("ten frames", lambda s: s["account"]["received"] == 10)
    assert nothing_lost(series)
    bad = daemon.status()["bad_messages"]
    assert (bad["unknown_version"], bad["wrong_pixel_count"]) == (10, 10)


def test_a_frame_that_comes_twice_is_counted_and_not_localized_twice(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    with RawPeer(daemon.frames) as peer:
        for number in (0, 1, 1, 0, 2):
            peer.send(message(header(seq=number)))
        series = daemon.wait_series("three frames", lambda s: s["account"]["received"] == 3)
        until(lambda: daemon.status()["bad_messages"].get("duplicate") == 2, what="two duplicates counted")
    assert nothing_lost(series)


def test_hundreds_of_peers_that_say_nothing_do_not_keep_a_publisher_out_for_good(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    silent = [RawPeer(daemon.frames, handshake=False) for _ in range(300)]
    until(lambda: daemon.status()["bad_messages"].get("too_many_peers", 0) > 0, what="the limit is counted")
    for peer in silent:
        peer.close()
    with FramePublisher(daemon.frames) as publisher:
        until(lambda: publisher.connected, what="a good publisher gets in", within_s=30)
        publisher.start(Series(name="after them"))
        publisher.send_frame(IMAGE)
        publisher.end()
    series = daemon.wait_series("its frame", lambda s: s["name"] == "after them" and s["account"]["received"] == 1)
    assert nothing_lost(series)
