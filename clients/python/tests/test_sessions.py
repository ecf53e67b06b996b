"""The publisher sends what is recorded in clients/conformance/sessions.json, message by message."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from blinkd import EndReason, Frame, FramePublisher, Series, Tile
from blinkd import envelope as messages
from blinkd.v1 import frames_pb2 as pb
from conftest import Receiver, until

SESSIONS = Path(__file__).resolve().parents[2] / "conformance" / "sessions.json"
ALL: list[dict[str, Any]] = json.loads(SESSIONS.read_text())["sessions"]


def series_of(said: dict[str, Any], camera: str) -> Series:
    overlap = said["overlap"] or [0.0, 0.0, "percent"]
    rows, columns = said["grid"] or (0, 0)
    return Series(
        series_id=bytes.fromhex(said["series_id"]),
        name=said["name"],
        source=said["source"],
        camera=camera,
        exposure_ms=said["exposure_ms"],
        widefield=said["widefield"],
        expected_tiles=said["expected_tiles"],
        expected_frames=said["expected_frames"],
        grid_rows=rows,
        grid_columns=columns,
        overlap_percent=tuple(overlap[:2]) if overlap[2] == "percent" else (0.0, 0.0),
        overlap_um=tuple(overlap[:2]) if overlap[2] == "um" else None,
        snake=said["snake"],
        pixel_size_nm=None if said["pixel_size_nm"] is None else tuple(said["pixel_size_nm"]),
    )


def send(publisher: FramePublisher, said: dict[str, Any]) -> None:
    dtype = np.uint8 if said["bits"] == 8 else np.dtype("<u2")
    pixels = np.frombuffer(bytes.fromhex(said["pixels_hex"]), dtype).reshape(said["height_px"], said["width_px"])
    stage = said["stage_um"]
    frame = Frame(
        camera_image_number=said["camera_image_number"],
        capture_unix_ns=said["capture_unix_ns"],
        exposure_ms=said["exposure_ms"],
        binning=said["binning"],
        stage_um=None if stage is None else tuple(stage),
        stage_measured=said["stage_measured"],
        core_queue_depth=said["core_queue_depth"],
    )
    if said["taken"]:
        assert publisher.send_frame(pixels, frame)
        return
    with mock.patch.object(publisher._outbox, "_frames_max", 0):
        assert not publisher.send_frame(pixels, frame)


def play(publisher: FramePublisher, session: dict[str, Any]) -> None:
    camera = next(call["camera"] for call in session["calls"] if call["call"] == "frame")
    calls: dict[str, Callable[[dict[str, Any]], object]] = {
        "start": lambda said: publisher.start(series_of(said["series"], camera)),
        "begin_tile": lambda said: publisher.begin_tile(
            Tile(index=said["index"], row=said["row"], column=said["column"], frames=said["frames"])
        ),
        "frame": lambda said: send(publisher, said),
        "end": lambda said: publisher.end(reason=EndReason[said["reason"].upper()]),
    }
    for said in session["calls"]:
        calls[said["call"]](said)


def timeless(message: pb.Envelope) -> pb.Envelope:
    """Without the times of starting and sending, which are 0 in the file."""
    if message.HasField("series_start"):
        message.series_start.start_unix_ns = 0
    if message.HasField("frame"):
        message.frame.send_unix_ns = 0
    return message


@pytest.mark.parametrize("session", ALL, ids=[session["name"] for session in ALL])
def test_the_recorded_calls_make_the_recorded_messages(session: dict[str, Any], receiver: Receiver) -> None:
    receiver.bind()
    with FramePublisher(receiver.endpoint) as publisher:
        until(lambda: publisher.connected, what="the publisher connects")
        play(publisher, session)
        receiver.wait_for("series_end")
    want = [messages.decode(bytes.fromhex(recorded["part0_hex"])) for recorded in session["messages"]]
    assert [timeless(got) for got, _ in receiver.messages] == want
    pixels = [parts[1].hex() if len(parts) > 1 else None for _, parts in receiver.messages]
    assert pixels == [recorded["part1_hex"] for recorded in session["messages"]]


@pytest.mark.parametrize("session", ALL, ids=[session["name"] for session in ALL])
def test_recorded_messages_written_again_are_the_same_messages(session: dict[str, Any]) -> None:
    for recorded in session["messages"]:
        message = messages.decode(bytes.fromhex(recorded["part0_hex"]))
        assert messages.decode(messages.encode(message, form="json")) == message
