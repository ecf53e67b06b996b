"""The package agrees with the daemon on every message of clients/conformance/vectors.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError

from blinkd import Camera, Counts, EndReason, Frame, Series, Tile
from blinkd import envelope as messages
from blinkd.v1 import frames_pb2 as pb

VECTORS = Path(__file__).resolve().parents[2] / "conformance" / "vectors.json"
ALL: list[dict[str, Any]] = json.loads(VECTORS.read_text())["vectors"]
GOOD = [v for v in ALL if "bad" not in v["expect"] and v.get("part0_json")]
FRAMES = [v for v in GOOD if "frame" in v["expect"] and "COMPRESSION_RAW" in json.dumps(v["part0_json"])]
STARTS = [v for v in GOOD if v["name"].startswith("series_start")]


def named(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    assert vectors, "vectors.json holds none of this kind"
    return pytest.mark.parametrize("vector", vectors, ids=[v["name"] for v in vectors])


def golden(vector: dict[str, Any]) -> pb.Envelope:
    return messages.decode(bytes.fromhex(vector["part0_hex"]))


@named(GOOD)
def test_protobuf_and_json_are_read_as_the_same_message(vector: dict[str, Any]) -> None:
    message = golden(vector)
    assert message == ParseDict(vector["part0_json"], pb.Envelope())
    assert message == messages.decode(json.dumps(vector["part0_json"]).encode())


@named(GOOD)
@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_message_written_again_is_the_same_message(vector: dict[str, Any], form: messages.Form) -> None:
    message = golden(vector)
    part0 = messages.encode(message, form=form)
    assert part0.startswith(b"{") == (form == "json")
    assert messages.decode(part0) == message
    if form == "json":
        assert json.loads(part0) == vector["part0_json"]


@named(FRAMES)
def test_a_frame_made_from_plain_values_is_the_golden_message(vector: dict[str, Any]) -> None:
    want, expect = golden(vector), vector["expect"]["frame"]
    raw = bytes.fromhex(expect["pixels_hex"])
    dtype = np.uint8 if expect["bits"] == 8 else np.dtype("<u2")
    pixels = np.frombuffer(raw, dtype=dtype).reshape(expect["height_px"], expect["width_px"])
    image = messages.checked_copy(pixels)
    assert image.tobytes().hex() == vector["part1_hex"]
    tile = Tile(
        index=expect["tile"][0], row=expect["tile"][1], column=expect["tile"][2], frames=expect["frames_per_tile"]
    )
    series = Series(
        series_id=bytes.fromhex(expect["series_id"]), camera=want.frame.camera, live_sampled=expect["live_sampled"]
    )
    stage = expect["stage_um"]
    frame = Frame(
        camera_image_number=expect["camera_image_number"],
        capture_unix_ns=expect["capture_unix_ns"],
        exposure_ms=expect["exposure_ms"],
        roi_px=(expect["roi_px"][0], expect["roi_px"][1]),
        binning=expect["binning"],
        stage_um=None if stage is None else tuple(stage),
        stage_measured=bool(expect["stage_measured"]),
        core_queue_depth=expect["core_queue_depth"],
    )
    made = messages.frame_header(
        image,
        series=series,
        tile=tile,
        frame=frame,
        seq=expect["seq"],
        frame_in_tile=expect["frame_in_tile"],
        dropped_total=expect["dropped_total"],
    )
    made.frame.send_unix_ns = expect["send_unix_ns"]
    want.frame.ClearField("pixels_crc32c")  # optional; this publisher sends none
    assert made == want


@named(STARTS)
def test_a_series_made_from_plain_values_is_the_golden_message(vector: dict[str, Any]) -> None:
    want, expect = golden(vector), vector["expect"]["control"]
    rows, columns = expect["grid"] or (0, 0)
    calibration = None
    if expect["camera"]:
        offset, e_per_adu, em_gain, spurious, qe = expect["camera"]
        calibration = Camera(offset_adu=offset, e_per_adu=e_per_adu, em_gain=em_gain, spurious_e=spurious, qe=qe)
    overlap = expect["overlap"] or [0.0, 0.0, "percent"]
    assert overlap[2] == "percent"
    series = Series(
        series_id=bytes.fromhex(expect["series_id"]),
        name=expect["name"],
        source=expect["source"],
        calibration=calibration,
        pixel_size_nm=None if expect["pixel_size_nm"] is None else tuple(expect["pixel_size_nm"]),
        exposure_ms=expect["exposure_ms"],
        grid_rows=rows,
        grid_columns=columns,
        overlap_percent=(overlap[0], overlap[1]),
        snake=expect["snake"],
        expected_tiles=expect["expected_tiles"],
        expected_frames=expect["expected_frames"],
        affine_um=tuple(expect["affine"] or ()),
        widefield=expect["widefield"],
        widefield_of=bytes.fromhex(expect["widefield_of"] or ""),
        widefield_skip_frames=expect["widefield_skip_frames"],
        metadata_json=expect["metadata_json"],
    )
    assert messages.series_start(series, start_unix_ns=expect["start_unix_ns"]) == want


def test_ends_and_heartbeats_made_from_plain_values_are_the_golden_messages() -> None:
    by_name = {v["name"]: v for v in GOOD}
    series = Series(series_id=bytes.fromhex(by_name["tile_end"]["expect"]["control"]["series_id"]))
    counts = Counts(captured=1000, sent=990, dropped=10)
    tile = messages.tile_end(series=series, tile=Tile(index=34), counts=counts)
    assert tile == golden(by_name["tile_end"])
    for name, reason in (("series_end", EndReason.COMPLETED), ("series_end_by_abort", EndReason.ABORTED)):
        end = messages.series_end(series=series, reason=reason, counts=counts, last_seq=999)
        assert end == golden(by_name[name])
    sent = by_name["heartbeat"]["expect"]["control"]["send_unix_ns"]
    assert messages.heartbeat(series, send_unix_ns=sent) == golden(by_name["heartbeat"])


def test_a_field_of_a_later_version_is_ignored() -> None:
    later = next(v for v in ALL if v["name"] == "frame_with_a_field_of_a_later_version")
    assert golden(later).frame.width_px == later["expect"]["frame"]["width_px"]


@named([v for v in ALL if v["expect"].get("bad") in ("broken_protobuf", "bad_json")])
def test_bytes_that_are_no_message_are_an_error_and_not_an_empty_message(vector: dict[str, Any]) -> None:
    with pytest.raises((DecodeError, ParseError)):
        golden(vector)
