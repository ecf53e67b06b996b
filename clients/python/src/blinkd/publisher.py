"""The publisher that an acquisition talks to.

In: a series, its tiles, frames as numpy arrays. Out: the frame stream of blinkd.v1 through one sender thread. Never:
a wait of the acquisition for the daemon (only `end`, `close` and `wait_for_room` wait, each with a limit), an
exception for anything but a wrong argument.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from types import TracebackType

from blinkd import envelope as messages
from blinkd.counts import Counts
from blinkd.envelope import Form
from blinkd.link import Link
from blinkd.outbox import Item, Outbox
from blinkd.series import EndReason, Frame, Series, Tile
from blinkd.v1 import frames_pb2 as pb

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5766"


class FramePublisher:
    """Sends frames to a daemon that may start later, leave and come back.

    All methods are for one thread, the acquisition's; `counts` and `connected` for any.

        with FramePublisher() as publisher:
            publisher.start(Series(name="cell 3", pixel_size_nm=(108.0, 108.0)))
            for pixels in camera:
                publisher.send_frame(pixels)
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        queue_frames: int = 512,
        queue_bytes: int = 256 << 20,
        heartbeat_s: float = 1.0,
        form: Form = "protobuf",
    ) -> None:
        """Begins to connect and returns at once.

        `queue_frames`, `queue_bytes`: what may wait; a frame more is dropped and counted. `heartbeat_s`: a sign of
        life while no frame comes. `form`: of part 0. Raises ValueError for a wrong argument.
        """
        if queue_frames < 1 or queue_bytes < 1:
            raise ValueError("queue_frames and queue_bytes must be at least 1")
        if heartbeat_s <= 0:
            raise ValueError("heartbeat_s must be above 0")
        if form not in ("protobuf", "json"):
            raise ValueError(f"form '{form}': choose protobuf or json")
        self._outbox = Outbox(frames=queue_frames, bytes_=queue_bytes)
        self._link = Link(endpoint, form=form, heartbeat_s=heartbeat_s)
        self._series: Series | None = None
        self._tile: Tile | None = None
        self._tile_counts = Counts()
        self._next_seq = self._frame_in_tile = 0
        self._thread = threading.Thread(target=self._link.run, args=(self._outbox,), name="blinkd-sender", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """The account of this series' frames: `captured == sent + waiting + dropped`."""
        return self._outbox.counts()

    @property
    def connected(self) -> bool:
        """Whether a daemon is there."""
        return self._link.connected

    @property
    def controls_lost(self) -> int:
        """Messages about series and tiles that no daemon took in time."""
        return self._outbox.controls_lost

    @property
    def error(self) -> Exception | None:
        """Why the sender thread gave up; None: it did not. Frames are dropped and counted after that."""
        return self._link.error

    @property
    def next_seq(self) -> int:
        """The number that the next frame will have."""
        return self._next_seq

    def start(self, series: Series, *, first_seq: int = 0) -> None:
        """Begins a series; one that is still open ends as aborted.

        `first_seq`: for a publisher that goes on where a daemon stopped (the `next_seq` of its status). Within a scan
        say in `begin_tile`, too, where the tile goes on.
        """
        self._require_open()
        if self._series is not None:
            self.end(reason=EndReason.ABORTED)
        self._outbox.reset()
        began = time.time_ns()
        self._series, self._tile, self._next_seq, self._frame_in_tile = series, None, first_seq, first_seq
        self._link.series_start = lambda: messages.series_start(series, start_unix_ns=began)
        self._link.heartbeat = lambda: messages.heartbeat(series, send_unix_ns=time.time_ns())
        self._outbox.control(Item(make=self._link.series_start))

    def begin_tile(self, tile: Tile, *, first_frame: int = 0) -> None:
        """Begins a tile; one that is still open ends. The series is described again, for a daemon that came late.

        `first_frame`: the number in the tile of the next frame, for a publisher that goes on within a tile: frames are
        neighbours in time only when these numbers are consecutive.
        """
        self._require_series()
        first = self._tile is None and self._next_seq == 0
        self.end_tile()
        self._tile, self._tile_counts, self._frame_in_tile = tile, Counts(), first_frame
        if not first and self._link.series_start is not None:
            self._outbox.control(Item(make=self._link.series_start))

    def send_frame(self, pixels: object, frame: Frame | None = None) -> bool:
        """Takes a copy of a frame and returns at once; it gets its number here, whatever becomes of it.

        `pixels`: numpy array of shape (height, width), uint8 or uint16. Returns False when the frame found no room
        and was dropped and counted. Raises ValueError when `pixels` is no such array, or no series was started.
        """
        series = self._require_series()
        image = messages.checked_copy(pixels)
        if self._tile is None:
            self._tile, self._tile_counts = (
                Tile(frames=series.expected_frames if series.expected_tiles == 1 else 0),
                Counts(),
            )
        frame = frame or Frame()
        if frame.capture_unix_ns == 0:
            frame = dataclasses.replace(frame, capture_unix_ns=time.time_ns())
        header = messages.frame_header(
            image,
            series=series,
            tile=self._tile,
            frame=frame,
            seq=self._next_seq,
            frame_in_tile=self._frame_in_tile,
            dropped_total=self._outbox.counts().dropped,
        )
        self._next_seq += 1
        self._frame_in_tile += 1
        taken = self._outbox.offer(Item(make=lambda: header, image=image))
        tile = self._tile_counts
        self._tile_counts = Counts(captured=tile.captured + 1, dropped=tile.dropped + (not taken))
        return taken

    def wait_for_room(self, *, timeout_s: float) -> bool:
        """Waits until a frame would be taken. For recordings that are played back, never for a camera."""
        return self._outbox.wait_for_room(timeout_s=timeout_s)

    def end_tile(self) -> None:
        """Ends the tile that is open, if one is."""
        series = self._require_series()
        if self._tile is None:
            return
        end = messages.tile_end(series=series, tile=self._tile, counts=self._tile_counts)
        self._tile = None
        self._outbox.control(Item(make=lambda: end))

    def end(self, *, reason: EndReason = EndReason.COMPLETED, wait_s: float = 2.0) -> Counts:
        """Ends the series and waits at most `wait_s` until everything is handed to ZeroMQ.

        What is left then is dropped and counted. Returns the account, in which nothing waits any more.
        """
        series = self._require_series()
        self.end_tile()
        last_seq = max(self._next_seq - 1, 0)
        self._link.heartbeat = None
        self._outbox.control(Item(make=lambda: self._series_end(series, reason, last_seq)))
        if not self._outbox.wait_until_empty(timeout_s=wait_s):
            self._outbox.discard()
        self._link.series_start = None
        self._series = self._tile = None
        return self.counts

    def close(self, *, wait_s: float = 2.0) -> None:
        """Ends the series if one is open, and lets go of the socket. `wait_s=0`: at once, dropping what waits."""
        if self._outbox.closed and not self._thread.is_alive():
            return
        if self._series is not None and wait_s > 0:
            self.end(reason=EndReason.ABORTED, wait_s=wait_s)
        self._outbox.close()
        if wait_s <= 0:
            self._outbox.discard()
        self._link.linger_ms = min(self._link.linger_ms, int(wait_s * 1000))
        self._thread.join()
        self._series = self._tile = None

    def __enter__(self) -> FramePublisher:
        """Nothing more: the publisher works from its making on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends an open series, as an error where there was one, and closes."""
        if self._series is not None:
            self.end(reason=EndReason.COMPLETED if kind is None else EndReason.ERROR)
        self.close()

    def _series_end(self, series: Series, reason: EndReason, last_seq: int) -> pb.Envelope:
        return messages.series_end(series=series, reason=reason, counts=self._outbox.counts(), last_seq=last_seq)

    def _require_open(self) -> None:
        if self._outbox.closed and not self._thread.is_alive() and self._link.error is None:
            raise ValueError("the publisher is closed: make a new one")

    def _require_series(self) -> Series:
        self._require_open()
        if self._series is None:
            raise ValueError("no series is open: call start first")
        return self._series
