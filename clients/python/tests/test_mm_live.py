"""The live preview: every frame, other exposures and regions, a core whose buffer overflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from blinkd.micromanager import BurstLive, MicroscopeError, WidefieldPass
from blinkd.micromanager.sequence import Sequence
from blinkd.micromanager.snap import snap_widefield
from blinkd.v1 import frames_pb2 as pb
from conftest import Receiver, until
from fake_core import FakeCore


class PacedCore(FakeCore):
    """Gives images only as far as it is allowed, so that a test decides when the camera is where."""

    allowed = 0

    def getRemainingImageCount(self) -> int:
        taken = getattr(self, "taken", 0)
        return super().getRemainingImageCount() if self.limit is not None or taken < self.allowed else 0

    def popNextImageAndMD(self) -> tuple[Any, dict[str, str]]:
        self.taken = getattr(self, "taken", 0) + 1
        return super().popNextImageAndMD()


@pytest.fixture
def core() -> PacedCore:
    return PacedCore()


@pytest.fixture
def live(core: PacedCore, receiver: Receiver) -> Iterator[BurstLive]:
    receiver.bind()
    ours = BurstLive(core, endpoint=receiver.endpoint)
    yield ours
    ours.close()


def test_every_frame_arrives_as_one_burst(core: PacedCore, live: BurstLive, receiver: Receiver) -> None:
    core.allowed = 20
    live.start()
    receiver.wait_for("frame", count=20)
    assert live.running
    assert live.stop().captured == 20
    receiver.wait_for("series_end")
    frames = receiver.frames()
    assert [f.camera_image_number for f in frames] == list(range(20))
    assert {f.continuity for f in frames} == {pb.CONTINUITY_BURST}
    assert not core.running


def test_another_region_begins_another_series_and_the_preview_goes_on(
    core: PacedCore, live: BurstLive, receiver: Receiver
) -> None:
    core.allowed = 5
    live.start()
    receiver.wait_for("frame", count=5)
    live.set_roi(2, 3, 8, 4)
    core.allowed = 8
    receiver.wait_for("frame", count=8)
    frames = receiver.frames()
    assert {(f.width_px, f.height_px, f.roi_x_px, f.roi_y_px) for f in frames[5:]} == {(8, 4, 2, 3)}
    assert frames[5].series_id != frames[4].series_id
    assert live.counts.captured == 8


def test_another_exposure_is_in_the_frames(core: PacedCore, live: BurstLive, receiver: Receiver) -> None:
    live.set_exposure(25.0)
    assert not live.running  # nothing ran before
    core.allowed = 1
    live.start()
    receiver.wait_for("frame")
    assert receiver.frames()[0].exposure_ms == 25.0


def test_after_an_overflow_it_goes_on_and_says_so(receiver: Receiver) -> None:
    told: list[int] = []
    core = FakeCore(burst_limits=[4, 2])
    core.limits.append(10**9)  # the third burst runs until it is stopped
    receiver.bind()
    live = BurstLive(core, endpoint=receiver.endpoint, on_overflow=told.append)
    live.start()
    receiver.wait_for("frame", count=7)
    live.close()
    assert (live.overflows, told, live.error) == (2, [1, 2], None)
    # The image numbers start anew, so that the daemon makes no window across the hole.
    assert [f.camera_image_number for f in receiver.frames()[:7]] == [0, 1, 2, 3, 0, 1, 0]


def test_a_camera_that_stops_or_fails_ends_the_preview_and_is_reported(receiver: Receiver) -> None:
    class Failing(FakeCore):
        def popNextImageAndMD(self) -> tuple[Any, dict[str, str]]:
            raise RuntimeError("camera unplugged")

    live = BurstLive(Failing(), endpoint=receiver.endpoint)
    live.start()
    until(lambda: not live.running, what="the preview ends")
    live.close()
    assert "unplugged" in str(live.error)


def test_who_fails_when_told_of_an_overflow_does_not_end_the_preview(receiver: Receiver) -> None:
    def told(_: int) -> None:
        raise RuntimeError("the window was closed")

    receiver.bind()
    with BurstLive(FakeCore(burst_limits=[1]), endpoint=receiver.endpoint, on_overflow=told) as live:
        receiver.wait_for("frame", count=3)
        assert (live.running, live.overflows) == (True, 1)
    assert live.error is None


def test_a_camera_that_falls_silent_ends_the_preview_and_a_new_one_keeps_the_account(
    core: PacedCore, receiver: Receiver
) -> None:
    receiver.bind()
    live = BurstLive(core, endpoint=receiver.endpoint, silence_s=0.0)
    core.allowed = 3
    live.start()
    until(lambda: not live.running, what="the preview ends")
    assert "gave no image" in str(live.error)
    live.start()
    assert live.error is None or "gave no image" in str(live.error)
    live.close()
    assert live.counts.captured == 3
    receiver.wait_for("series_end", count=2)
    assert receiver.messages[-1][0].series_end.frames_captured == 0


def test_the_wait_for_an_image_ends_by_the_clock_and_not_before(core: PacedCore) -> None:
    now = 0.0

    def pause(_: float) -> None:
        nonlocal now
        now += 1.0

    burst = Sequence(core=core, frames=2, silence_s=30.0, pause=pause, clock_s=lambda: now)
    with pytest.raises(MicroscopeError, match="for 30 s"):
        list(burst.run())
    assert now == 31.0
    assert not core.running


def test_a_camera_that_runs_already_is_not_started_again(core: PacedCore, live: BurstLive) -> None:
    core.running = True
    with pytest.raises(MicroscopeError, match="already runs"):
        live.start()


def test_what_is_no_exposure_or_region_is_refused(live: BurstLive) -> None:
    with pytest.raises(ValueError, match="exposure_ms"):
        live.set_exposure(0)
    with pytest.raises(ValueError, match="ROI"):
        live.set_roi(0, 0, 0, 10)


def test_a_widefield_picture_leaves_out_the_first_frames(receiver: Receiver) -> None:
    receiver.bind()
    counts = snap_widefield(FakeCore(), WidefieldPass(), endpoint=receiver.endpoint)
    receiver.wait_for("series_end")
    assert counts.captured == 3
    assert [f.camera_image_number for f in receiver.frames()] == [2, 3, 4]
    assert receiver.messages[0][0].series_start.channel == pb.CHANNEL_KIND_WIDEFIELD


def test_a_camera_that_gives_too_few_widefield_frames_is_an_error(receiver: Receiver) -> None:
    receiver.bind()
    with pytest.raises(MicroscopeError, match="3 of 5"):
        snap_widefield(FakeCore(burst_limits=[3]), WidefieldPass(), endpoint=receiver.endpoint)
