"""A scan on a microscope that answers at once: what moves when, what is sent, what is taken again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from blinkd import Series
from blinkd.micromanager import (
    MicroscopeError,
    Preset,
    Scan,
    ScanError,
    ScanPlan,
    Stop,
    TileReport,
    WidefieldPass,
)
from blinkd.micromanager.core import Core
from blinkd.v1 import frames_pb2 as pb
from blinkd.v1 import scans_pb2 as pb_s
from conftest import Receiver
from fake_core import FakeCore
from fake_daemon import FakeDaemon

PLAN = ScanPlan(rows=2, columns=2, frames=3, field_um=(10.0, 10.0), overlap_um=(1.0, 1.0))


def run(core: FakeCore, receiver: Receiver, plan: ScanPlan = PLAN, first_tile: int = 0, **how: object) -> Scan:
    receiver.bind()
    scan = Scan(core, plan, endpoint=receiver.endpoint, **how)  # type: ignore[arg-type]
    scan.report = scan.run(first_tile=first_tile)  # type: ignore[attr-defined]
    receiver.wait_for("series_end", count=2 if plan.widefield else 1)
    return scan


def tiles_of(frames: list[pb.FrameHeader]) -> list[tuple[int, int, int, int]]:
    return [(f.tile_index, f.tile_row, f.tile_column, f.frame_in_tile) for f in frames]


def test_every_frame_is_in_its_tile_with_the_stage_position_that_the_stage_told(receiver: Receiver) -> None:
    run(FakeCore(), receiver)
    frames = receiver.frames()
    places = [(0, 0, 0), (1, 0, 1), (2, 1, 1), (3, 1, 0)]
    assert tiles_of(frames) == [(*place, frame) for place in places for frame in range(3)]
    assert [f.seq for f in frames] == list(range(12))
    assert all(f.frames_per_tile == 3 for f in frames)
    assert {(f.stage_x_um, f.stage_y_um, f.stage_z_um) for f in frames[3:6]} == {(4.5, 4.5, 1.5)}
    assert {f.position_source for f in frames} == {pb.POSITION_SOURCE_MEASURED}
    assert [f.camera_image_number for f in frames[:4]] == [0, 1, 2, 0]


def test_the_stage_has_arrived_before_the_camera_starts(receiver: Receiver) -> None:
    core = FakeCore()
    run(core, receiver)
    assert core.calls[:6] == ["move -4.5 4.5", "wait XY", "burst 3", "move 4.5 4.5", "wait XY", "burst 3"]


def test_the_series_says_the_grid_and_the_overlap_in_um(receiver: Receiver) -> None:
    run(FakeCore(), receiver)
    starts = [m.series_start for m, _ in receiver.messages if m.HasField("series_start")]
    assert len(starts) >= 4  # at each tile, and whenever a daemon connects
    start = starts[0]
    assert (start.grid_rows, start.grid_columns, start.snake, start.expected_tiles) == (2, 2, True, 4)
    assert (start.overlap_x, start.overlap_unit) == (1.0, pb.OVERLAP_UNIT_UM)
    assert (start.pixel_size_x_nm, start.affine[0]) == (108.0, 0.108)
    assert start.bit_depth == 12


def test_focus_is_sought_at_every_tile_after_the_stage_arrived(receiver: Receiver) -> None:
    core = FakeCore()

    def focus(_: Core, stop: Stop) -> None:
        core.calls.append(f"focus {stop.tile.index}")

    run(core, receiver, focus=focus)
    assert core.calls[:4] == ["move -4.5 4.5", "wait XY", "focus 0", "burst 3"]
    assert [call for call in core.calls if call.startswith("focus")] == ["focus 0", "focus 1", "focus 2", "focus 3"]


def test_widefield_frames_come_first_are_a_series_of_their_own_and_the_ignored_ones_are_not_sent(
    receiver: Receiver,
) -> None:
    core, dapi = FakeCore(), Preset(group="Channel", name="DAPI")
    widefield = WidefieldPass(frames=5, ignored=2, preset=dapi, exposure_ms=50.0)
    plan = dataclasses.replace(PLAN, widefield=widefield, preset=Preset(group="Channel", name="Cy5"), exposure_ms=10.0)
    scan = run(core, receiver, plan)
    kinds = {
        m.series_start.series_id: m.series_start.channel for m, _ in receiver.messages if m.HasField("series_start")
    }
    said = next(
        m.series_start
        for m, _ in receiver.messages
        if m.HasField("series_start") and m.series_start.channel == pb.CHANNEL_KIND_WIDEFIELD
    )
    assert said.widefield_of == scan.series_id  # type: ignore[attr-defined]
    assert said.HasField("widefield_skip_frames")
    assert said.widefield_skip_frames == 0
    wide = [f for f in receiver.frames() if kinds[f.series_id] == pb.CHANNEL_KIND_WIDEFIELD]
    bursts = [f for f in receiver.frames() if kinds[f.series_id] == pb.CHANNEL_KIND_LOCALIZATION]
    assert (len(wide), len(bursts)) == (12, 12)
    assert [f.camera_image_number for f in wide[:3]] == [2, 3, 4]
    assert [f.frame_in_tile for f in wide[:3]] == [0, 1, 2]
    assert {f.exposure_ms for f in wide} == {50.0}
    assert {f.exposure_ms for f in bursts} == {10.0}
    order = core.calls[core.calls.index("move -4.5 4.5") :]
    assert order[2:8] == [
        "set Channel=DAPI",
        "wait Channel=DAPI",
        "exposure 50",
        "burst 5",
        "set Channel=Cy5",
        "wait Channel=Cy5",
    ]
    assert scan.report.widefield_counts.captured == 12  # type: ignore[attr-defined]


def test_a_tile_that_the_core_cut_short_is_reported_and_taken_again_after_the_others(receiver: Receiver) -> None:
    core = FakeCore(burst_limits=[None, 1, None, None, None])
    report = run(core, receiver).report  # type: ignore[attr-defined]
    assert [(t.index, t.visit, t.frames, t.overflowed) for t in report.tiles] == [
        (0, 0, 3, False),
        (1, 0, 1, True),
        (2, 0, 3, False),
        (3, 0, 3, False),
        (1, 1, 3, False),
    ]
    assert report.not_whole() == set()
    assert report.summary()["taken_again"] == [1]


def test_a_tile_that_never_comes_whole_is_not_tried_without_end(receiver: Receiver) -> None:
    core = FakeCore(burst_limits=[None, 1, None, None, 1, 1])
    report = run(core, receiver, most_repeats=2).report  # type: ignore[attr-defined]
    assert [t.visit for t in report.tiles if t.index == 1] == [0, 1, 2]
    assert report.not_whole() == {1}


def test_the_daemon_may_ask_for_tiles_again(receiver: Receiver) -> None:
    asked: list[int] = []

    def again(tile: TileReport) -> list[int]:
        asked.append(tile.index)
        return [0, 2] if tile.index == 2 else []

    report = run(FakeCore(), receiver, again=again).report  # type: ignore[attr-defined]
    assert asked == [0, 1, 2, 3, 0, 2]
    assert [t.index for t in report.tiles] == [0, 1, 2, 3, 0, 2]
    assert report.summary()["taken_again"] == [0, 2]


def test_a_scan_goes_on_at_a_tile(receiver: Receiver) -> None:
    series = Series(series_id=b"the-same-series!")
    run(FakeCore(), receiver, first_tile=2, series=series, first_seq=6)
    assert [f.seq for f in receiver.frames()] == list(range(6, 12))
    assert {f.tile_index for f in receiver.frames()} == {2, 3}
    assert {f.series_id for f in receiver.frames()} == {b"the-same-series!"}


def test_an_abort_stops_the_camera_ends_the_series_and_says_where_to_go_on(receiver: Receiver) -> None:
    core = FakeCore()
    receiver.bind()
    scan = Scan(core, PLAN, endpoint=receiver.endpoint, focus=lambda _, stop: stop.tile.index == 2 and scan.abort())
    report = scan.run()
    receiver.wait_for("series_end")
    end = receiver.messages[-1][0].series_end
    assert (end.reason, end.frames_captured) == (pb.END_REASON_ABORTED, 6)
    assert (report.aborted, report.next_tile, core.running) == (True, 2, False)


def test_a_tile_of_which_there_is_enough_ends_early_and_is_not_taken_again(receiver: Receiver) -> None:
    core = FakeCore()

    def enough(_: Core, stop: Stop) -> None:
        if stop.tile.index == 1:
            core.on_image = lambda: scan.end_tile(1)  # with its first image
        if stop.tile.index == 2:
            core.on_image = lambda: scan.end_tile(1)  # too late

    receiver.bind()
    scan = Scan(core, PLAN, endpoint=receiver.endpoint, focus=enough)
    report = scan.run()
    receiver.wait_for("series_end")
    assert [(tile.index, tile.frames, tile.enough, tile.whole) for tile in report.tiles] == [
        (0, 3, False, True),
        (1, 1, True, True),
        (2, 3, False, True),
        (3, 3, False, True),
    ]
    assert [f.seq for f in receiver.frames()] == list(range(10)), "nothing is missing between the tiles"
    assert not core.running


class Paced(FakeCore):
    """A camera that is still taking a tile when the daemon has answered."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self.begun: list[int] = []

    def startSequenceAcquisition(self, frames: int, interval_ms: float, stop_on_overflow: bool, /) -> None:
        self.begun.append(self.taken)
        super().startSequenceAcquisition(frames, interval_ms, stop_on_overflow)

    def popNextImageAndMD(self) -> tuple[Any, dict[str, str]]:
        time.sleep(0.005)
        self.taken += 1
        return super().popNextImageAndMD()


Watch = Callable[[pb_s.WatchScanRequest, grpc.ServicerContext], Iterator[pb_s.Scan]]


def enough_of(core: Paced, *, tiles: int, target: bool = True) -> Watch:
    """A daemon that has enough of each tile with the tenth frame of its first visit."""

    def watch(request: pb_s.WatchScanRequest, context: grpc.ServicerContext) -> Iterator[pb_s.Scan]:
        while context.is_active():
            told = pb_s.Scan(series_id=request.series_id, early_stop=target)
            for index, first in enumerate(core.begun[:tiles] if target else []):
                if core.taken >= first + 10:
                    told.tiles.add(enough=pb_s.Enough(seq=first + 9, frames=10)).tile.tile_index = index
            yield told
            time.sleep(0.01)

    return watch


LONG = dataclasses.replace(PLAN, frames=400)


def test_tiles_end_early_when_the_daemon_has_enough_and_the_time_saved_is_told(receiver: Receiver) -> None:
    core = Paced()
    with FakeDaemon(WatchScan=enough_of(core, tiles=4)) as daemon:
        report = run(core, receiver, LONG, early_stop=daemon.address).report  # type: ignore[attr-defined]
    assert [tile.index for tile in report.tiles] == [0, 1, 2, 3]
    assert all(tile.enough and tile.whole and 10 <= tile.frames < 400 for tile in report.tiles)
    said = report.summary()
    assert said["frames_saved"] == sum(400 - tile.frames for tile in report.tiles)
    assert said["seconds_saved"] == pytest.approx(sum(tile.frames_saved / tile.fps for tile in report.tiles))
    assert (said["ended_early"], said["early_stop_error"]) == ([0, 1, 2, 3], "")


def test_what_was_enough_of_an_earlier_visit_does_not_end_the_next_one(receiver: Receiver) -> None:
    core, plan = Paced(), dataclasses.replace(PLAN, rows=1, columns=1, frames=200)
    with FakeDaemon(WatchScan=enough_of(core, tiles=1)) as daemon:
        again = {"early_stop": daemon.address, "again": lambda tile: [0] if tile.visit == 0 else []}
        report = run(core, receiver, plan, **again).report  # type: ignore[attr-defined]
    assert [(tile.visit, tile.enough) for tile in report.tiles] == [(0, True), (1, False)]
    assert report.tiles[1].frames == 200


@pytest.mark.parametrize(("target", "said"), [(False, "has no target"), (None, "")])
def test_a_daemon_that_cannot_say_when_there_is_enough_is_reported_and_no_tile_ends_early(
    receiver: Receiver, target: bool | None, said: str
) -> None:
    core, plan = Paced(), dataclasses.replace(PLAN, frames=40)
    answers = {} if target is None else {"WatchScan": enough_of(core, tiles=4, target=target)}
    with FakeDaemon(**answers) as daemon:
        report = run(core, receiver, plan, early_stop=daemon.address).report  # type: ignore[attr-defined]
    assert {tile.frames for tile in report.tiles} == {40}
    assert report.early_stop_error != ""
    assert said in report.early_stop_error


def test_without_a_daemon_the_scan_goes_on_and_every_frame_is_counted_as_dropped(receiver: Receiver) -> None:
    plan = dataclasses.replace(PLAN, frames=50)
    report = Scan(FakeCore(), plan, endpoint=receiver.endpoint).run()
    assert (report.counts.captured, report.counts.sent, report.counts.dropped) == (200, 0, 200)
    assert all(tile.whole for tile in report.tiles)


def test_the_deepest_queue_of_the_core_is_reported(receiver: Receiver) -> None:
    core = FakeCore()
    core.waiting = 4
    report = run(core, receiver).report  # type: ignore[attr-defined]
    assert report.summary()["deepest_queue"] == 4
    assert {f.core_queue_depth for f in receiver.frames()} == {4}


DAPI = Preset(group="Channel", name="DAPI")


def widefield_calls(core: FakeCore, plan: ScanPlan, receiver: Receiver) -> list[str]:
    """What happens at the first tile after the stage has arrived, and then once more at the end."""
    run(core, receiver, plan)
    begin = core.calls.index("wait XY") + 1
    return core.calls[begin : core.calls.index("burst 3")]


def test_bursts_go_back_to_the_preset_and_exposure_they_had_where_the_plan_names_none(receiver: Receiver) -> None:
    core = FakeCore()
    core.presets["Channel"] = "Cy5"
    plan = dataclasses.replace(PLAN, widefield=WidefieldPass(preset=DAPI, exposure_ms=50.0))
    calls = widefield_calls(core, plan, receiver)
    back = calls[calls.index("burst 5") + 1 :]
    assert back == ["set Channel=Cy5", "wait Channel=Cy5", "exposure 10"]
    assert (core.presets["Channel"], core.exposure_ms) == ("Cy5", 10.0)


def test_without_a_way_back_from_the_widefield_filter_no_burst_is_taken() -> None:
    core = FakeCore()
    with pytest.raises(MicroscopeError, match="no way back from 'DAPI'"):
        Scan(core, dataclasses.replace(PLAN, widefield=WidefieldPass(preset=DAPI))).run()
    assert "burst 3" not in core.calls


def test_widefield_frames_may_come_from_another_camera_with_pixels_of_its_own(receiver: Receiver) -> None:
    core = FakeCore()
    wide = WidefieldPass(camera="Overview", exposure_ms=10.0, pixel_size_nm=(216.0, 216.0))
    calls = widefield_calls(core, dataclasses.replace(PLAN, widefield=wide, exposure_ms=10.0), receiver)
    assert calls == ["camera Overview", "exposure 10", "burst 5", "camera Camera", "exposure 10"]
    starts = {m.series_start.series_id: m.series_start for m, _ in receiver.messages if m.HasField("series_start")}
    sizes = {s.channel: s.pixel_size_x_nm for s in starts.values()}
    assert sizes == {pb.CHANNEL_KIND_WIDEFIELD: 216.0, pb.CHANNEL_KIND_LOCALIZATION: 108.0}
    cameras = {starts[f.series_id].channel: f.camera for f in receiver.frames()}
    assert cameras == {pb.CHANNEL_KIND_WIDEFIELD: "Overview", pb.CHANNEL_KIND_LOCALIZATION: "Camera"}
    assert core.camera == "Camera"


def test_widefield_frames_that_the_core_cut_short_make_the_tile_be_taken_again(receiver: Receiver) -> None:
    plan = dataclasses.replace(PLAN, rows=1, columns=1, widefield=WidefieldPass())
    report = run(FakeCore(burst_limits=[2]), receiver, plan).report  # type: ignore[attr-defined]
    assert [(t.widefield_frames, t.frames, t.whole) for t in report.tiles] == [(2, 3, False), (5, 3, True)]


def test_overflows_are_counted_and_are_the_reason_for_the_end_where_a_tile_stayed_short(receiver: Receiver) -> None:
    core = FakeCore(burst_limits=[None, 1, None, None, 1])
    report = run(core, receiver).report  # type: ignore[attr-defined]
    said = report.summary()
    assert (said["core_buffer_overflows"], said["not_whole"]) == (2, [1])
    assert receiver.messages[-1][0].series_end.reason == pb.END_REASON_OVERFLOW


def test_images_that_the_core_counted_and_never_gave_are_reported_and_the_tile_is_taken_again(
    receiver: Receiver,
) -> None:
    class Losing(FakeCore):
        def popNextImageAndMD(self) -> tuple[Any, dict[str, str]]:
            image, metadata = super().popNextImageAndMD()
            if self.calls.count("burst 3") == 1 and self.number == 2:
                metadata["ImageNumber"] = "5"
            return image, metadata

    report = run(Losing(), receiver).report  # type: ignore[attr-defined]
    assert [(t.index, t.lost_in_core) for t in report.tiles] == [(0, 4), (1, 0), (2, 0), (3, 0), (0, 0)]


def test_a_focus_that_fails_ends_the_scan_with_the_report_and_the_tile_to_go_on_with(receiver: Receiver) -> None:
    core = FakeCore()
    receiver.bind()

    def focus(_: Core, stop: Stop) -> None:
        if stop.tile.index == 2:
            raise RuntimeError("no reflection found")

    with pytest.raises(ScanError, match=r"tile 2 \(row 1, column 1, .*no reflection found; go on with first tile 2"):
        Scan(core, PLAN, endpoint=receiver.endpoint, focus=focus).run()
    receiver.wait_for("series_end")
    end = receiver.messages[-1][0].series_end
    assert (end.reason, end.frames_captured) == (pb.END_REASON_ERROR, 6)


def test_a_scan_that_failed_has_the_account_of_what_was_taken(receiver: Receiver) -> None:
    class Stuck(FakeCore):
        def waitForDevice(self, label: str, /) -> None:
            if self.calls.count("burst 3") == 3:
                raise RuntimeError(f"Wait for device '{label}' timed out")

    with pytest.raises(ScanError) as failed:
        Scan(Stuck(), PLAN, endpoint=receiver.endpoint).run()
    report = failed.value.report
    assert (report.next_tile, report.counts.captured, len(report.tiles)) == (3, 9, 3)


def test_a_camera_that_falls_silent_ends_the_scan_and_says_where_to_look(receiver: Receiver) -> None:
    class Silent(FakeCore):
        def getRemainingImageCount(self) -> int:
            return 0

    core = Silent()
    with pytest.raises(ScanError, match=r"gave no image .*trigger"):
        Scan(core, PLAN, endpoint=receiver.endpoint, silence_s=0.0).run()
    assert not core.running


def test_a_callback_that_fails_or_names_no_tile_is_counted_and_the_scan_goes_on(receiver: Receiver) -> None:
    def again(tile: TileReport) -> list[int]:
        if tile.index == 0:
            raise ConnectionError("the daemon is away")
        return [99] if tile.index == 1 else []

    report = run(FakeCore(), receiver, again=again).report  # type: ignore[attr-defined]
    assert [t.index for t in report.tiles] == [0, 1, 2, 3]
    assert (report.again_failures, report.again_error) == (2, "ConnectionError: the daemon is away")


def test_a_tile_that_waits_to_be_taken_again_is_not_put_there_twice(receiver: Receiver) -> None:
    report = run(FakeCore(), receiver, again=lambda _: [0], most_repeats=2).report  # type: ignore[attr-defined]
    assert [t.index for t in report.tiles] == [0, 1, 2, 3, 0, 0]


def test_a_scan_that_goes_on_announces_the_tiles_that_are_left(receiver: Receiver) -> None:
    scan = run(FakeCore(), receiver, first_tile=3)
    start = next(m.series_start for m, _ in receiver.messages if m.HasField("series_start"))
    assert (start.expected_tiles, start.expected_frames, start.grid_rows, start.grid_columns) == (1, 3, 2, 2)
    assert start.series_id == scan.series_id == scan.report.series_id  # type: ignore[attr-defined]


def test_a_preset_or_camera_that_is_not_there_is_named_before_anything_moves() -> None:
    core = FakeCore()
    for wrong, said in (
        ({"preset": Preset(group="Channel", name="Cy9")}, "no preset 'Cy9' in the group 'Channel': it has Cy3, Cy5"),
        ({"preset": Preset(group="Filter", name="Cy5")}, "there is no such group"),
        ({"widefield": WidefieldPass(camera="Andor")}, "no camera 'Andor': the configuration has Camera, Overview"),
    ):
        with pytest.raises(MicroscopeError, match=said):
            Scan(core, dataclasses.replace(PLAN, **wrong)).run()
    assert not [call for call in core.calls if call.startswith(("move", "burst"))]


def test_a_camera_that_is_busy_is_not_started_again() -> None:
    core = FakeCore()
    core.running = True
    with pytest.raises(MicroscopeError, match="already runs a sequence"):
        Scan(core, PLAN).run()


def test_a_microscope_that_cannot_scan_is_refused_with_the_remedy() -> None:
    with pytest.raises(MicroscopeError, match="Core-XYStage"):
        Scan(FakeCore(stage=""), PLAN)
    with pytest.raises(MicroscopeError, match="2 channels"):
        Scan(FakeCore(cameras=2), PLAN)
