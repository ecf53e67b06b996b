"""A daemon's side of the socket, for tests: a PULL socket that reads messages with a deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import zmq

from blinkd.envelope import decode
from blinkd.v1 import frames_pb2 as pb

DEADLINE_S = 10.0


def until(holds: Callable[[], bool], *, what: str) -> None:
    """Waits for a condition, at most DEADLINE_S."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.002)  # polled, against the deadline above


@dataclass
class Receiver:
    """A PULL socket; `messages` in the order of arrival, heartbeats apart."""

    endpoint: str
    context: zmq.Context[zmq.Socket[bytes]]
    socket: zmq.Socket[bytes] | None = None
    messages: list[tuple[pb.Envelope, list[bytes]]] = field(default_factory=list)
    heartbeats: int = 0

    def bind(self, *, high_water: int = 1000) -> None:
        ours = self.socket = self.context.socket(zmq.PULL)
        ours.setsockopt(zmq.RCVHWM, high_water)

        def bound() -> bool:
            try:
                ours.bind(self.endpoint)
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE:  # ZeroMQ closes the one before in the background
                    raise
                return False
            return True

        until(bound, what=f"binding {self.endpoint}")

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close(linger=0)
            self.socket = None

    def take(self) -> None:
        """Reads what has arrived."""
        assert self.socket is not None
        while self.socket.poll(0):
            parts = self.socket.recv_multipart()
            envelope = decode(parts[0])
            if envelope.WhichOneof("kind") == "heartbeat":
                self.heartbeats += 1
            else:
                self.messages.append((envelope, parts))

    def wait_for(self, kind: str, *, count: int = 1) -> None:
        def arrived() -> bool:
            self.take()
            return self.kinds().count(kind) >= count

        until(arrived, what=f"{count} x {kind}")

    def kinds(self) -> list[str]:
        return [envelope.WhichOneof("kind") or "" for envelope, _ in self.messages]

    def frames(self) -> list[pb.FrameHeader]:
        return [envelope.frame for envelope, _ in self.messages if envelope.HasField("frame")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Not bound yet; the port was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    ours = Receiver(endpoint=f"tcp://127.0.0.1:{port}", context=context)
    yield ours
    ours.close()
    context.term()
