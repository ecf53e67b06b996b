"""The bounded queue between the acquisition and the sender thread, with the account of frames.

In: frames and control messages from the caller, never with a wait. Out: the head, to one sender thread. Full: the
newest frame is dropped and counted. Never: a socket, a copy of pixels.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

from blinkd.counts import Counts
from blinkd.envelope import Image
from blinkd.v1 import frames_pb2 as pb

CONTROLS = 256
"""Control messages that may wait besides the frames; one more is refused and counted."""


@dataclass(slots=True, kw_only=True)
class Item:
    """A message; its envelope is made when its turn has come."""

    make: Callable[[], pb.Envelope]
    image: Image | None = None


class Outbox:
    """A queue of at most `frames` frames and `bytes_` bytes of pixels; one frame always fits."""

    def __init__(self, *, frames: int, bytes_: int) -> None:
        """Limits: number of frames, and their bytes together."""
        self._frames_max, self._bytes_max = frames, bytes_
        self._items: deque[Item] = deque()
        self._frames = self._bytes = 0
        self._captured = self._sent = self._dropped = 0
        self._controls_lost = 0
        self._closed = False
        self._changed = Condition()

    def reset(self) -> None:
        """A new series begins: its account starts at zero. Frames that still wait are dropped."""
        with self._changed:
            self._discard()
            self._captured = self._sent = self._dropped = 0

    def counts(self) -> Counts:
        """The account of the series' frames, as one instant saw it."""
        with self._changed:
            return self._counts()

    @property
    def controls_lost(self) -> int:
        """Control messages that found no room or no daemon in time."""
        return self._controls_lost

    def has_room(self, *, nbytes: int = 0) -> bool:
        """Would a frame of so many bytes be taken now?"""
        with self._changed:
            return self._room(nbytes)

    def wait_for_room(self, *, timeout_s: float) -> bool:
        """Waits until a frame is taken again; False: it was not within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._room(0) or self._closed, timeout_s) and self._room(0)

    def offer(self, item: Item) -> bool:
        """Takes a frame, or drops and counts it. Returns at once."""
        nbytes = 0 if item.image is None else item.image.nbytes
        with self._changed:
            self._captured += 1
            if not self._room(nbytes):
                self._dropped += 1
                return False
            self._items.append(item)
            self._frames += 1
            self._bytes += nbytes
            self._changed.notify_all()
            return True

    def control(self, item: Item) -> bool:
        """Takes a control message, or refuses and counts it. Returns at once."""
        with self._changed:
            if self._closed or len(self._items) - self._frames >= CONTROLS:
                self._controls_lost += 1
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def head(self, *, timeout_s: float) -> Item | None:
        """The next message, which stays the head until `sent` or `give_up`; None: nothing came."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._items and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            return self._items[0] if self._items else None

    def sent(self, item: Item) -> None:
        """The head was handed to ZeroMQ."""
        self._take(item, lost=False)

    def give_up(self, item: Item) -> None:
        """The head could not be sent in time."""
        self._take(item, lost=True)

    def wait_until_empty(self, *, timeout_s: float) -> bool:
        """Waits until everything was handed to ZeroMQ; False: it was not within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._items, timeout_s)

    def discard(self) -> None:
        """Drops and counts what waits."""
        with self._changed:
            self._discard()

    def close(self) -> None:
        """Takes nothing from now on; what waits may still be sent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closed

    def _counts(self) -> Counts:
        return Counts(captured=self._captured, sent=self._sent, waiting=self._frames, dropped=self._dropped)

    def _room(self, nbytes: int) -> bool:
        fits = self._frames == 0 or self._bytes + nbytes <= self._bytes_max
        return not self._closed and self._frames < self._frames_max and fits

    def _take(self, item: Item, *, lost: bool) -> None:
        with self._changed:
            if not self._items or self._items[0] is not item:
                return  # discarded meanwhile, and counted there
            self._items.popleft()
            if item.image is None:
                self._controls_lost += lost
            else:
                self._frames -= 1
                self._bytes -= item.image.nbytes
                self._sent += not lost
                self._dropped += lost
            self._changed.notify_all()

    def _discard(self) -> None:
        self._dropped += self._frames
        self._controls_lost += len(self._items) - self._frames
        self._items.clear()
        self._frames = self._bytes = 0
        self._changed.notify_all()
