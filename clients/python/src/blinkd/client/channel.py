"""How a daemon is reached: address, token, certificates.

In: what the user says. Out: options and credentials for gRPC, refused where they make no sense. Never: a connection.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

PICTURE_MAX_BYTES = 512 << 20
"""The largest answer that is taken: a picture of 8192 x 8192 values is 256 MiB."""
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", PICTURE_MAX_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A machine that lost its power or its cable says no goodbye: a stream that waits asks for a sign of life.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A daemon's address and what it wants to see."""

    address: str
    token: str | None
    certificates: bytes | None
    """PEM; None: no TLS."""
    timeout_s: float

    @staticmethod
    def of(address: str, token: str | None, root_certificates: str | Path | bytes | None, timeout_s: float) -> Reach:
        """Checks all of it."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"address: '{address}' must be host:port, as 127.0.0.1:5767")
        if timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0 s, not {timeout_s}")
        pem = root_certificates
        if isinstance(pem, str | Path):
            pem = Path(pem).read_bytes()
        if pem is not None:
            _check(pem)
        if token is not None and pem is None and not is_loopback(host):
            raise ValueError("token: it would go over the network in the clear; give root_certificates, too (PEM)")
        return Reach(address=address, token=token, certificates=pem, timeout_s=timeout_s)

    @property
    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Sent with every call."""
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """None: no TLS."""
        return None if self.certificates is None else grpc.ssl_channel_credentials(self.certificates)


def _check(pem: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"root_certificates: no certificate in PEM ({error})") from None


def is_loopback(host: str) -> bool:
    """Whether nothing of it leaves the machine."""
    return host in ("localhost", "[::1]") or host.startswith("127.")
