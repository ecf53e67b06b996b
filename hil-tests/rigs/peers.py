"""Peers that speak raw bytes to the frame socket: well enough for a handshake, and then as badly as a test wants."""

from __future__ import annotations

import socket
import struct
from types import TracebackType

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)


def ready(kind: bytes = b"PUSH") -> bytes:
    """The READY command of a socket of this type."""
    body = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    return bytes([4, len(body)]) + body


def part(body: bytes, *, more: bool = False, says: int | None = None) -> bytes:
    """One part of a message; `says`: a length that is not true."""
    length = len(body) if says is None else says
    if length < 256:
        return bytes([1 if more else 0, length]) + body
    return bytes([3 if more else 2]) + struct.pack(">Q", length) + body


class RawPeer:
    """A TCP connection to the frame socket."""

    def __init__(self, endpoint: str, *, handshake: bool = True) -> None:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        if handshake:
            self.send(GREETING)
            self._read(64)
            self.send(ready())
            head = self._read(2)
            self._read(head[1])

    def _read(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            more = self._socket.recv(count - len(got))
            assert more, "the daemon hung up during a correct handshake"
            got += more
        return got

    def send(self, data: bytes) -> None:
        """Sends; a daemon that has hung up already is no error."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> RawPeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
