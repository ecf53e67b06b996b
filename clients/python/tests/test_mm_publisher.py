"""What the MDA engine's signals become, and that nothing gets back to the engine."""

from __future__ import annotations

import datetime
import gc
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blinkd.micromanager import Publisher
from blinkd.micromanager.acquired import METADATA_LIMIT, describe
from blinkd.micromanager.layout import read_layout
from blinkd.v1 import frames_pb2 as pb
from conftest import Receiver, until
from fake_core import FakeCore

PLACES = [(0, 0), (0, 1), (1, 1), (1, 0)]


def grid() -> SimpleNamespace:
    places = [SimpleNamespace(grid_row=row, grid_col=column) for row, column in PLACES]
    return SimpleNamespace(
        overlap=(10.0, 12.5), mode="OrderMode.row_wise_snake", iter_grid_positions=lambda *_: iter(places)
    )


def sequence(**more: object) -> SimpleNamespace:
    plain: dict[str, Any] = {
        "grid_plan": grid(),
        "stage_positions": (),
        "sizes": {"g": 4, "t": 2},
        "time_plan": SimpleNamespace(interval=datetime.timedelta(0)),
        "metadata": {},
        "model_dump": lambda **_: {"axis_order": "gtc"},
    }
    return SimpleNamespace(**(plain | more))


def frame(core: FakeCore, *, g: int, t: int, camera: str = "Camera", channel: str = "Cy5", **meta: object) -> None:
    event = SimpleNamespace(
        index={"g": g, "t": t}, x_pos=10.0 * g, y_pos=-5.0, z_pos=None, channel=SimpleNamespace(config=channel)
    )
    plain = {
        "camera_device": camera,
        "exposure_ms": 10.0,
        "images_remaining_in_buffer": 2,
        "camera_metadata": {"Camera": camera, "ImageNumber": str(t), "ROI-X-start": "4", "Binning": "2x2"},
    }
    core.mda.events.frameReady.emit(np.zeros((12, 16), np.uint16), event, plain | meta)


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
def attached(core: FakeCore, receiver: Receiver) -> Iterator[Publisher]:
    receiver.bind()
    with Publisher(core, endpoint=receiver.endpoint, widefield=["DAPI"]).attach() as publisher:
        yield publisher


def acquire(core: FakeCore) -> None:
    core.mda.events.sequenceStarted.emit(sequence(), {"devices": ["Camera"]})
    for g in range(4):
        for t in range(2):
            frame(core, g=g, t=t)
    core.mda.events.sequenceFinished.emit(None)


def test_rows_columns_and_overlap_come_from_the_grid_plan(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    acquire(core)
    receiver.wait_for("series_end")
    start = next(m.series_start for m, _ in receiver.messages if m.HasField("series_start"))
    assert (start.grid_rows, start.grid_columns, start.expected_tiles, start.expected_frames) == (2, 2, 4, 8)
    assert (start.overlap_x, start.overlap_y, start.overlap_unit) == (10.0, 12.5, pb.OVERLAP_UNIT_PERCENT)
    assert start.snake
    assert '"useq"' in start.metadata_json
    assert '"devices"' in start.metadata_json
    frames = receiver.frames()
    assert [(f.tile_index, f.tile_row, f.tile_column) for f in frames[::2]] == [
        (index, *place) for index, place in enumerate(PLACES)
    ]
    assert [f.frame_in_tile for f in frames] == [0, 1] * 4
    assert attached.error is None


def test_all_that_mmcore_says_of_an_image_is_in_its_header(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    received = datetime.datetime.now() - datetime.timedelta(seconds=1)
    said = {"ImageNumber": "7", "ROI-X-start": "4", "ROI-Y-start": "6", "Binning": "2", "Camera": "Camera"}
    frame(core, g=0, t=0, camera_metadata=said | {"TimeReceivedByCore": received.isoformat(" ")})
    receiver.wait_for("frame")
    header = receiver.frames()[0]
    assert (header.camera, header.camera_image_number, header.exposure_ms) == ("Camera", 7, 10.0)
    assert (header.roi_x_px, header.roi_y_px, header.binning, header.core_queue_depth) == (4, 6, 2, 2)
    assert abs(header.capture_unix_ns - int(received.timestamp() * 1e9)) < 1_000_000
    assert attached.error is None


def test_a_position_the_engine_asked_for_is_measured_and_one_it_only_ordered_is_intended(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    frame(core, g=1, t=0)
    frame(core, g=1, t=1, position={"x": 10.2, "y": -4.9, "z": 0.5})
    receiver.wait_for("frame", count=2)
    ordered, measured = receiver.frames()
    assert (ordered.stage_x_um, ordered.position_source) == (10.0, pb.POSITION_SOURCE_INTENDED)
    assert not ordered.HasField("stage_z_um")
    assert (measured.stage_x_um, measured.stage_z_um) == (10.2, 0.5)
    assert measured.position_source == pb.POSITION_SOURCE_MEASURED
    assert attached.error is None


def test_each_camera_and_the_widefield_channel_are_series_of_their_own(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    core.cameras = 2
    core.mda.events.sequenceStarted.emit(sequence(), {})
    for camera, channel in (("Left", "Cy5"), ("Right", "Cy5"), ("Left", "DAPI")):
        frame(core, g=0, t=0, camera=camera, channel=channel)
    core.mda.events.sequenceFinished.emit(None)
    receiver.wait_for("series_end", count=3)
    assert len({f.series_id for f in receiver.frames()}) == 3
    wide = {
        m.series_start.series_id for m, _ in receiver.messages if m.series_start.channel == pb.CHANNEL_KIND_WIDEFIELD
    }
    assert len(wide) == 1
    starts = {m.series_start.name: m.series_start for m, _ in receiver.messages if m.HasField("series_start")}
    assert starts["MDA, Left, widefield"].widefield_of == starts["MDA, Left"].series_id
    assert set(attached.counts) == {"Left", "Right", "Left, widefield"}
    names = {m.series_start.name for m, _ in receiver.messages if m.HasField("series_start")}
    assert names == {"MDA, Left", "MDA, Right", "MDA, Left, widefield"}


def test_a_canceled_sequence_is_aborted_and_an_overflow_is_an_overflow(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    for canceled, overflowed in ((True, False), (False, True)):
        core.overflowed = overflowed
        core.mda.events.sequenceStarted.emit(sequence(), {})
        frame(core, g=0, t=0)
        if canceled:
            core.mda.events.sequenceCanceled.emit(None)
        core.mda.events.sequenceFinished.emit(None)
    receiver.wait_for("series_end", count=2)
    reasons = [m.series_end.reason for m, _ in receiver.messages if m.HasField("series_end")]
    assert sorted(reasons) == [pb.END_REASON_ABORTED, pb.END_REASON_OVERFLOW]
    assert attached.error is None


def test_frames_with_pauses_between_them_are_no_neighbours(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    lapse = sequence(time_plan=SimpleNamespace(interval=datetime.timedelta(seconds=5)))
    core.mda.events.sequenceStarted.emit(lapse, {})
    frame(core, g=0, t=0)
    receiver.wait_for("frame")
    assert receiver.frames()[0].continuity == pb.CONTINUITY_LIVE_SAMPLED
    assert attached.error is None


def test_an_exception_never_reaches_the_engine_and_is_logged_once(
    core: FakeCore, attached: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        core.mda.events.sequenceStarted.emit(sequence(), {})
        for t in range(50):
            core.mda.events.frameReady.emit(np.zeros((2, 2, 3), np.uint8), SimpleNamespace(index={"t": t}), {})
    assert attached.errors == 50
    assert "shape" in str(attached.error)
    assert len(caplog.records) == 1


def test_a_publisher_that_nobody_keeps_still_listens(core: FakeCore, receiver: Receiver) -> None:
    receiver.bind()
    Publisher(core, endpoint=receiver.endpoint).attach()
    gc.collect()
    acquire(core)
    receiver.wait_for("series_end")
    assert len(receiver.frames()) == 8


def test_an_endpoint_that_is_none_is_said_before_anything_is_acquired(core: FakeCore) -> None:
    with pytest.raises(ValueError, match="as tcp://"):
        Publisher(core, endpoint="nonsense").attach()


def test_the_engine_s_failure_is_the_reason_that_the_series_ended(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    core.mda.status.finish_reason = "errored"
    acquire(core)
    receiver.wait_for("series_end")
    assert receiver.messages[-1][0].series_end.reason == pb.END_REASON_ERROR
    assert attached.error is None


def test_several_channels_are_several_series_with_their_own_numbers_of_frames(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    channels = [SimpleNamespace(config="Cy5"), SimpleNamespace(config="Cy3", acquire_every=2)]
    core.mda.events.sequenceStarted.emit(sequence(channels=channels), {})
    for t, channel in ((0, "Cy5"), (0, "Cy3"), (1, "Cy5")):
        frame(core, g=0, t=t, channel=channel)
    core.mda.events.sequenceFinished.emit(None)
    receiver.wait_for("series_end", count=2)
    assert {label: counts.captured for label, counts in attached.counts.items()} == {
        "Camera, Cy5": 2,
        "Camera, Cy3": 1,
    }
    assert {f.frames_per_tile for f in receiver.frames()} == {2, 1}
    starts = {m.series_start.series_id: m.series_start.name for m, _ in receiver.messages if m.HasField("series_start")}
    assert sorted(starts.values()) == ["MDA, Cy3", "MDA, Cy5"]
    assert attached.error is None


def test_the_series_quotes_the_sequence_the_summary_and_all_that_came_with_its_first_frame(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    core.mda.events.sequenceStarted.emit(sequence(), {"devices": ["Camera"], (1, 2): "no key of JSON"})
    own = {"Camera": "Camera", "ImageNumber": "0", "ElapsedTime-ms": "11.5", "Temperature": "-70"}
    frame(core, g=0, t=0, camera_metadata=own)
    receiver.wait_for("frame")
    said = json.loads(receiver.messages[0][0].series_start.metadata_json)
    assert said["first_frame"]["camera_metadata"] == own
    assert (said["useq"], said["summary"]) == ({"axis_order": "gtc"}, {"devices": ["Camera"]})
    assert attached.error is None


def test_what_is_too_long_for_a_series_is_left_out_and_that_is_said() -> None:
    said = json.loads(describe(None, {"property": "x" * METADATA_LIMIT}, {"camera_metadata": {"Camera": "Left"}}))
    assert said["summary"].startswith("left out:")
    assert said["first_frame"]["camera_metadata"] == {"Camera": "Left"}


def test_a_tile_that_comes_again_goes_on_counting(core: FakeCore, attached: Publisher, receiver: Receiver) -> None:
    core.mda.events.sequenceStarted.emit(sequence(), {})
    for t in range(2):
        for g in range(3):
            frame(core, g=g, t=t)
    core.mda.events.sequenceFinished.emit(None)
    receiver.wait_for("series_end")
    numbers = [(f.tile_index, f.frame_in_tile) for f in receiver.frames()]
    assert numbers == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    assert attached.error is None


def test_who_detaches_in_the_middle_ends_the_series_and_gets_its_account(core: FakeCore, receiver: Receiver) -> None:
    receiver.bind()
    publisher = Publisher(core, endpoint=receiver.endpoint).attach()
    core.mda.events.sequenceStarted.emit(sequence(), {})
    frame(core, g=0, t=0)
    publisher.detach()
    receiver.wait_for("series_end")
    assert receiver.messages[-1][0].series_end.reason == pb.END_REASON_ABORTED
    assert publisher.counts["Camera"].sent == 1


@pytest.mark.parametrize(
    ("axes", "sizes", "sampled"),
    [
        ("gtc", {"t": 9, "c": 1}, False),
        ("gct", {"t": 9, "c": 2}, False),
        ("gtc", {"t": 9, "c": 2}, True),
        ("tz", {"t": 9, "z": 3}, True),
        ("z", {"z": 3}, True),
    ],
)
def test_frames_with_other_channels_or_planes_between_them_are_no_neighbours(
    axes: str, sizes: dict[str, int], sampled: bool
) -> None:
    assert read_layout(sequence(axis_order=axes, sizes=sizes), field_um=(1.0, 1.0)).sampled == sampled


def test_a_real_sequence_is_read_like_the_one_of_these_tests() -> None:
    useq = pytest.importorskip("useq")
    real = useq.MDASequence(
        axis_order="gtc",
        grid_plan=useq.GridRowsColumns(rows=2, columns=2, fov_width=50, fov_height=40, overlap=(10, 12.5)),
        time_plan={"interval": 0, "loops": 3},
        channels=[{"config": "DAPI", "acquire_every": 2}, "Cy5"],
    )
    layout = read_layout(real, field_um=(1.0, 1.0))
    assert (layout.rows, layout.columns, layout.tiles, layout.snake) == (2, 2, 4, True)
    assert (layout.overlap_percent, layout.sampled) == ((10.0, 12.5), True)
    assert layout.channels == {"DAPI": 2, "Cy5": 3}
    events = list(real.iter_events())
    tiles = [layout.tile(dict(event.index), channel=event.channel.config) for event in events]
    assert list(dict.fromkeys((t.row, t.column) for t in tiles)) == PLACES


def test_without_a_daemon_no_call_waits_and_each_frame_is_counted(core: FakeCore, receiver: Receiver) -> None:
    with Publisher(core, endpoint=receiver.endpoint).attach() as publisher:
        core.mda.events.sequenceStarted.emit(sequence(), {})
        for t in range(600):
            frame(core, g=0, t=t)
        counts = publisher.counts["Camera"]
        assert (counts.captured, counts.sent, counts.waiting, counts.dropped) == (600, 0, 512, 88)


def test_what_was_detached_hears_nothing(core: FakeCore, receiver: Receiver) -> None:
    publisher = Publisher(core, endpoint=receiver.endpoint).attach()
    publisher.detach()
    acquire(core)
    assert publisher.counts == {}
    events = core.mda.events
    assert not events.frameReady.slots + events.sequenceStarted.slots + events.sequenceFinished.slots


def test_a_series_ends_in_the_background_with_all_its_frames(
    core: FakeCore, attached: Publisher, receiver: Receiver
) -> None:
    acquire(core)
    receiver.wait_for("series_end")
    until(lambda: attached.counts["Camera"].sent == 8, what="the account is whole")
    assert attached.counts["Camera"].waiting == 0


def test_a_sequence_that_is_laid_out_in_another_way_has_tiles_in_the_order_of_its_positions() -> None:
    layout = read_layout(SimpleNamespace(stage_positions=[1, 2, 3], sizes={"p": 3, "t": 5}), field_um=(1.0, 1.0))
    assert (layout.tiles, layout.frames_per_tile, layout.rows) == (3, 5, 1)
    assert [layout.tile({"p": p}).index for p in (2, 2, 0)] == [0, 0, 1]
    assert read_layout(None, field_um=(1.0, 1.0)).tile({}).index == 0
