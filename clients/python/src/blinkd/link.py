"""The sender thread's side: one ZeroMQ PUSH socket that connects, leaves and comes back by itself.

In: the head of the outbox. Out: messages, each tried without waiting until there is room. Never: an exception beyond
this thread, an unbounded queue inside ZeroMQ, a frame thrown away while a daemon may still come, a frame to a daemon
that was not told of its series first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from blinkd.envelope import Form, encode
from blinkd.outbox import Item, Outbox
from blinkd.v1 import frames_pb2 as pb

LINGER_MS = 2000
RECONNECT_MS = 100
CONTROL_S = 2.0
"""A control message at the head of the queue waits so long for a daemon."""
POLL_MS = 50
ON_THE_WAY = 4
"""Messages that ZeroMQ may hold besides the bounded queue. Never changed while connected: a mark that is lowered can
leave libzmq waiting for ever for a reader that has nothing more to read."""

log = logging.getLogger("blinkd")


class Link:
    """Owns the socket. `run` is the sender thread."""

    def __init__(self, endpoint: str, *, form: Form, heartbeat_s: float) -> None:
        """Begins to connect. Raises ValueError for an endpoint that is none."""
        self._form, self._heartbeat_s = form, heartbeat_s
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)  # without a daemon nothing queues inside ZeroMQ
        self._socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        self._socket.setsockopt(zmq.SNDHWM, ON_THE_WAY)
        events = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
        self._monitor = self._socket.get_monitor_socket(events)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self._close(linger_ms=0)
            raise ValueError(f"'{endpoint}' is no ZeroMQ endpoint, as tcp://127.0.0.1:5766: {error}") from error
        self.connected = False
        self.linger_ms = LINGER_MS
        self.error: Exception | None = None
        self.series_start: Callable[[], pb.Envelope] | None = None
        """Of the series that is open: told again to each daemon that comes."""
        self.heartbeat: Callable[[], pb.Envelope] | None = None
        self._untold = False
        """A daemon came while a series was open, and has not been told of it."""

    def run(self, outbox: Outbox) -> None:
        """Sends until the outbox is closed and empty."""
        try:
            self._loop(outbox)
        except Exception as error:  # nothing may reach the acquisition: it shows in `error` and in the counts
            self.error = error
            log.exception("blinkd: the sender has failed; frames are dropped and counted from now on")
        finally:
            outbox.close()
            outbox.discard()
            self._close(linger_ms=self.linger_ms)

    def _loop(self, outbox: Outbox) -> None:
        head: Item | None = None
        since = last_sent = time.monotonic()
        while True:
            self._follow_connection()
            item = outbox.head(timeout_s=0.0 if outbox.closed else min(POLL_MS / 1000, self._heartbeat_s))
            now = time.monotonic()
            if item is None:
                if outbox.closed:
                    return
                if self._ready() and self.heartbeat is not None and now - last_sent >= self._heartbeat_s:
                    last_sent = now
                    self._try_send(self.heartbeat())
                continue
            if item is not head:
                head, since = item, now
            if self._ready() and self._try_item(item):
                outbox.sent(item)
                last_sent = now
            elif item.image is None and now - since > CONTROL_S:
                outbox.give_up(item)
            elif self.connected:
                self._socket.poll(POLL_MS, zmq.POLLOUT)
            else:
                self._monitor.poll(POLL_MS)

    def _ready(self) -> bool:
        """Whether a daemon is there that knows of the series; tells it, if it does not."""
        if self.connected and self._untold:
            start = self.series_start
            self._untold = start is not None and not self._try_send(start())
        return self.connected and not self._untold

    def _try_item(self, item: Item) -> bool:
        if item.image is None:
            return self._try_send(item.make())
        envelope = item.make()
        envelope.frame.send_unix_ns = time.time_ns()
        try:
            parts: list[Any] = [encode(envelope, form=self._form), item.image]  # the array is its own buffer: no copy
            self._socket.send_multipart(parts, flags=zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        return True

    def _try_send(self, envelope: pb.Envelope) -> bool:
        try:
            self._socket.send(encode(envelope, form=self._form), flags=zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def _follow_connection(self) -> None:
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            came = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self._untold = came and self.series_start is not None
            self.connected = came

    def _close(self, *, linger_ms: int) -> None:
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=linger_ms)
        self._context.term()
