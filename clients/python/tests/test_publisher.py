"""What an acquisition may rely on, against a real ZeroMQ PULL socket."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from blinkd import Camera, Counts, EndReason, Frame, FramePublisher, Series, Tile
from blinkd.v1 import frames_pb2 as pb
from conftest import Receiver, until

SMALL = np.arange(48, dtype=np.uint16).reshape(6, 8)


@contextmanager
def connected(receiver: Receiver) -> Iterator[FramePublisher]:
    publisher = FramePublisher(receiver.endpoint)
    try:
        until(lambda: publisher.connected, what="the publisher connects")
        yield publisher
    finally:
        publisher.close(wait_s=0)


def whole(counts: Counts) -> bool:
    return counts.captured == counts.sent + counts.waiting + counts.dropped


def test_messages_of_a_scan_arrive_in_order_and_describe_the_series_at_each_tile(receiver: Receiver) -> None:
    receiver.bind()
    series = Series(name="scan", camera="Andor", calibration=Camera(offset_adu=100, e_per_adu=0.45), grid_columns=2)
    with connected(receiver) as publisher:
        publisher.start(series)
        for column in range(2):
            publisher.begin_tile(Tile(index=column, column=column, frames=3))
            for number in range(3):
                publisher.send_frame(SMALL + number, Frame(camera_image_number=number))
        counts = publisher.end()
        receiver.wait_for("series_end")
    kinds = [kind for at, kind in enumerate(receiver.kinds()) if at == 0 or kind != receiver.kinds()[at - 1]]
    tile = ["series_start", "frame", "tile_end"]
    assert kinds == [*tile, *tile, "series_end"]
    assert counts == Counts(captured=6, sent=6)
    headers = receiver.frames()
    assert [h.seq for h in headers] == [0, 1, 2, 3, 4, 5]
    assert [(h.tile_index, h.frame_in_tile) for h in headers] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert {(h.width_px, h.height_px, h.pixel_type, h.camera) for h in headers} == {(8, 6, pb.PIXEL_TYPE_U16, "Andor")}
    assert all(h.series_id == series.series_id and h.send_unix_ns >= h.capture_unix_ns > 0 for h in headers)
    assert receiver.messages[0][0].series_start.camera.e_per_adu == 0.45
    end = receiver.messages[-1][0].series_end
    assert (end.frames_captured, end.frames_sent, end.frames_dropped, end.last_seq) == (6, 6, 0, 5)
    ends = [envelope.tile_end for envelope, _ in receiver.messages if envelope.HasField("tile_end")]
    assert [(e.tile_index, e.frames_captured, e.frames_dropped) for e in ends] == [(0, 3, 0), (1, 3, 0)]


def test_pixels_arrive_little_endian_row_major_and_as_they_were_at_the_call(receiver: Receiver) -> None:
    receiver.bind()
    whole_sensor = np.arange(400, dtype=np.uint16).reshape(20, 20)
    views = [SMALL.astype(">u2"), whole_sensor[2:8, 3:11], SMALL.T, np.asfortranarray(SMALL), SMALL.astype(np.uint8)]
    want = [view.astype("<u2" if view.dtype.itemsize == 2 else "u1").tobytes(order="C") for view in views]
    with connected(receiver) as publisher:
        publisher.start(Series())
        for view in views:
            publisher.send_frame(view)
            view[:] = 0  # the caller's memory is the caller's again
        publisher.end()
        receiver.wait_for("series_end")
    got = [parts[1] for envelope, parts in receiver.messages if envelope.HasField("frame")]
    assert got == want
    assert [(h.height_px, h.width_px) for h in receiver.frames()] == [view.shape for view in views]


def test_without_a_daemon_the_queue_is_bounded_and_every_frame_is_accounted_for(receiver: Receiver) -> None:
    publisher = FramePublisher(receiver.endpoint, queue_frames=8)
    publisher.start(Series())
    taken = [publisher.send_frame(SMALL) for _ in range(100)]
    assert taken == [True] * 8 + [False] * 92
    assert publisher.counts == Counts(captured=100, waiting=8, dropped=92)
    assert not publisher.connected
    assert publisher.end(wait_s=0.1) == Counts(captured=100, dropped=100)
    publisher.close(wait_s=0.1)


def test_the_queue_is_bounded_in_bytes_too_and_one_frame_always_fits(receiver: Receiver) -> None:
    publisher = FramePublisher(receiver.endpoint, queue_frames=8, queue_bytes=SMALL.nbytes * 2)
    publisher.start(Series())
    assert [publisher.send_frame(SMALL) for _ in range(3)] == [True, True, False]
    publisher.start(Series())
    assert publisher.send_frame(np.zeros((64, 64), np.uint16))
    publisher.close(wait_s=0)


def test_without_a_daemon_no_call_of_the_acquisition_takes_long(receiver: Receiver) -> None:
    frame = np.zeros((512, 512), np.uint16)
    publisher = FramePublisher(receiver.endpoint, queue_frames=4)
    slowest = 0.0
    publisher.start(Series())
    for number in range(200):
        began = time.perf_counter()
        if number % 50 == 0:
            publisher.begin_tile(Tile(index=number // 50))
        publisher.send_frame(frame)
        slowest = max(slowest, time.perf_counter() - began)
    publisher.close(wait_s=0)
    # Half a megabyte is copied in a fraction of a millisecond; the rest is room for a busy machine.
    assert slowest < 0.25


def test_a_daemon_that_does_not_read_costs_frames_that_are_counted_and_not_time(receiver: Receiver) -> None:
    receiver.bind(high_water=1)
    frame = np.zeros((1024, 1024), np.uint16)
    with connected(receiver) as publisher:
        publisher.start(Series())
        began = time.perf_counter()
        for _ in range(150):
            publisher.send_frame(frame)
        took = time.perf_counter() - began
        counts = publisher.counts
        assert whole(counts)
        assert counts.captured == 150
        assert counts.dropped > 0
        assert took < 10.0, "150 copies of 2 MiB"
        # Whatever was dropped shows as a jump of the numbers, and the header says how many are gone.
        receiver.wait_for("frame", count=20)
        for header in receiver.frames():
            assert header.dropped_total <= counts.dropped


def test_numbers_go_on_over_drops_and_headers_say_how_many_are_gone(receiver: Receiver) -> None:
    publisher = FramePublisher(receiver.endpoint, queue_frames=4)
    publisher.start(Series())
    for _ in range(10):
        publisher.send_frame(SMALL)
    receiver.bind()
    until(lambda: publisher.counts.waiting == 0, what="the queue empties")
    for _ in range(3):
        publisher.send_frame(SMALL)
        until(lambda: publisher.counts.waiting == 0, what="the queue empties")
    assert publisher.end() == Counts(captured=13, sent=7, dropped=6)
    receiver.wait_for("series_end")
    publisher.close()
    assert [h.seq for h in receiver.frames()] == [0, 1, 2, 3, 10, 11, 12]
    assert [h.dropped_total for h in receiver.frames()] == [0, 0, 0, 0, 6, 6, 6]
    end = receiver.messages[-1][0].series_end
    assert (end.frames_captured, end.frames_sent, end.frames_dropped, end.last_seq) == (13, 7, 6, 12)


def test_after_the_daemon_was_gone_frames_go_on_by_themselves_and_the_series_is_described_again(
    receiver: Receiver,
) -> None:
    receiver.bind()
    with connected(receiver) as publisher:
        publisher.start(Series(name="goes on"))
        for _ in range(5):
            publisher.send_frame(SMALL)
        receiver.wait_for("frame", count=5)
        receiver.close()
        until(lambda: not publisher.connected, what="the publisher notices")
        for _ in range(530):
            publisher.send_frame(SMALL)
        before = len(receiver.messages)
        receiver.bind()
        receiver.wait_for("frame", count=6)
        until(lambda: publisher.counts.waiting == 0, what="the queue empties")
        publisher.send_frame(SMALL)
        counts = publisher.end()
        receiver.wait_for("series_end")
        assert whole(counts)
        assert counts.captured == 536
        assert counts.dropped == 530 - 512
        after = receiver.messages[before:]
        assert after[0][0].WhichOneof("kind") == "series_start"
        seqs = [h.seq for h in receiver.frames()]
        assert seqs == sorted(set(seqs))
        assert seqs[-1] == 535


def test_a_daemon_that_comes_back_hears_of_the_series_before_any_frame(receiver: Receiver) -> None:
    publisher = FramePublisher(receiver.endpoint, queue_frames=4)
    publisher.start(Series(name="goes on"))
    for _ in range(12):
        for _ in range(4):
            publisher.send_frame(SMALL)
        receiver.messages.clear()
        receiver.bind()
        receiver.wait_for("frame")
        assert receiver.kinds()[0] == "series_start"
        receiver.close()
        until(lambda: not publisher.connected, what="the publisher notices")
    publisher.close(wait_s=0)
    assert publisher.error is None


def test_large_frames_go_on_after_many_small_ones(receiver: Receiver) -> None:
    """A region of interest that is opened again."""
    receiver.bind()
    large = np.zeros((512, 512), np.uint16)
    with connected(receiver) as publisher:
        for pixels, frames in ((SMALL, 300), (large, 40), (SMALL, 90), (large, 40)):
            publisher.start(Series())
            for _ in range(frames):
                until(lambda: publisher.wait_for_room(timeout_s=0.0), what="room")
                publisher.send_frame(pixels)
                receiver.take()
            until(lambda: (receiver.take(), publisher.counts.waiting)[1] == 0, what="the queue empties")
            assert publisher.end() == Counts(captured=frames, sent=frames)


def test_each_publisher_has_one_sender_thread_from_its_making_to_its_end(receiver: Receiver) -> None:
    def senders() -> int:
        return [thread.name for thread in threading.enumerate()].count("blinkd-sender")

    before = senders()
    publisher = FramePublisher(receiver.endpoint)
    for _ in range(3):
        publisher.start(Series())
        publisher.send_frame(SMALL)
        assert senders() == before + 1
    publisher.close(wait_s=0)
    assert senders() == before


def test_heartbeats_come_while_no_frame_does(receiver: Receiver) -> None:
    receiver.bind()
    publisher = FramePublisher(receiver.endpoint, heartbeat_s=0.05)
    publisher.start(Series())

    def two() -> bool:
        receiver.take()
        return receiver.heartbeats >= 2

    until(two, what="two heartbeats")
    publisher.close()


@pytest.mark.parametrize(
    "pixels",
    [
        [[1, 2], [3, 4]],
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.int16),
        np.zeros((4, 4), np.uint32),
        np.zeros((4, 4, 1), np.uint16),
        np.zeros(16, np.uint16),
        np.zeros((0, 4), np.uint16),
        np.zeros((1, 16_385), np.uint8),
    ],
    ids=["list", "float", "signed", "32 bits", "3 axes", "1 axis", "empty", "too wide"],
)
def test_what_is_no_frame_is_an_error_at_once_and_takes_no_number(receiver: Receiver, pixels: object) -> None:
    publisher = FramePublisher(receiver.endpoint)
    publisher.start(Series())
    with pytest.raises(ValueError, match="a frame"):
        publisher.send_frame(pixels)
    assert publisher.next_seq == 0
    assert publisher.counts == Counts()
    publisher.close(wait_s=0)


def test_wrong_arguments_are_errors_that_say_what_to_do(receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="as tcp://"):
        FramePublisher("nonsense")
    with pytest.raises(ValueError, match="choose protobuf or json"):
        FramePublisher(receiver.endpoint, form="xml")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        FramePublisher(receiver.endpoint, queue_frames=0)
    with pytest.raises(ValueError, match="16"):
        Series(series_id=b"short")
    publisher = FramePublisher(receiver.endpoint)
    with pytest.raises(ValueError, match="call start first"):
        publisher.send_frame(SMALL)
    publisher.close()
    with pytest.raises(ValueError, match="closed"):
        publisher.start(Series())
    publisher.close()


def test_a_publisher_may_be_closed_before_its_block_ends(receiver: Receiver) -> None:
    with FramePublisher(receiver.endpoint) as publisher:
        publisher.start(Series())
        publisher.send_frame(SMALL)
        publisher.close(wait_s=0)
    assert publisher.counts == Counts(captured=1, dropped=1)


def test_a_publisher_that_goes_on_begins_with_the_number_it_was_told(receiver: Receiver) -> None:
    receiver.bind()
    with connected(receiver) as publisher:
        publisher.start(Series(), first_seq=1234)
        publisher.send_frame(SMALL)
        publisher.send_frame(SMALL)
        publisher.begin_tile(Tile(index=1), first_frame=17)
        publisher.send_frame(SMALL)
        publisher.end()
        receiver.wait_for("series_end")
    numbers = [(h.seq, h.tile_index, h.frame_in_tile) for h in receiver.frames()]
    assert numbers == [(1234, 0, 1234), (1235, 0, 1235), (1236, 1, 17)]


def test_a_recording_played_back_waits_for_room_and_loses_nothing(receiver: Receiver) -> None:
    receiver.bind(high_water=2)
    stop = threading.Event()

    def slow_daemon() -> None:
        while not stop.wait(0.0005):
            receiver.take()

    thread = threading.Thread(target=slow_daemon)
    with connected(receiver) as publisher:
        thread.start()
        publisher.start(Series())
        for _ in range(500):
            assert publisher.wait_for_room(timeout_s=10)
            assert publisher.send_frame(SMALL)
        assert publisher.end(wait_s=10) == Counts(captured=500, sent=500)
        until(lambda: "series_end" in receiver.kinds(), what="the end arrives")
    stop.set()
    thread.join()
    assert [h.seq for h in receiver.frames()] == list(range(500))


def test_the_json_form_says_the_same(receiver: Receiver) -> None:
    receiver.bind()
    publisher = FramePublisher(receiver.endpoint, form="json")
    publisher.start(Series(name="by a script"))
    publisher.send_frame(SMALL)
    publisher.end(reason=EndReason.ABORTED)
    receiver.wait_for("series_end")
    publisher.close()
    assert all(parts[0].startswith(b"{") for _, parts in receiver.messages)
    assert receiver.frames()[0].width_px == 8
    assert receiver.messages[-1][0].series_end.reason == pb.END_REASON_ABORTED


def test_random_acquisitions_never_break_the_account(receiver: Receiver) -> None:
    """Daemons come and go while frames are sent: whatever happens, no frame is counted twice or not at all."""
    rng = random.Random(5)
    publisher = FramePublisher(receiver.endpoint, queue_frames=3)
    publisher.start(Series())
    for _ in range(400):
        action = rng.random()
        if action < 0.03 and receiver.socket is None:
            receiver.bind()
        elif action < 0.05:
            receiver.close()
        elif receiver.socket is not None and action < 0.4:
            receiver.take()
        publisher.send_frame(SMALL)
        assert whole(publisher.counts)
    final = publisher.end(wait_s=0.2)
    assert whole(final)
    assert (final.captured, final.waiting) == (400, 0)
    publisher.close(wait_s=0)
    assert publisher.error is None
