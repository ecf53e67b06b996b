"""Whether TLS is spoken where a client without it found no daemon.

In: an address. Out: yes or no, within a second. Never: more sent than a greeting, a certificate believed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

PATIENCE_S = 1.0
"""Together for connecting and greeting; then the answer is no."""


def is_spoken(address: str) -> bool:
    """Waits for the answer."""
    host, port = _parts(address)
    try:
        plain = socket.create_connection((host, port), timeout=PATIENCE_S)
        with plain, _anybody().wrap_socket(plain, server_hostname=host):
            return True
    except (OSError, ValueError):  # nobody there, something else there, a name that none can have
        return False


async def is_spoken_aio(address: str) -> bool:
    """Awaits the answer."""
    host, port = _parts(address)
    greeting = asyncio.open_connection(host, port, ssl=_anybody(), server_hostname=host)
    try:
        _, writer = await asyncio.wait_for(greeting, PATIENCE_S)
    except (OSError, ValueError, asyncio.TimeoutError):
        return False
    writer.transport.abort()
    return True


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _anybody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # asked is whether, not who
    return context
