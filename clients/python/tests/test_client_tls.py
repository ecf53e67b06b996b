"""A client and a daemon that do not agree about TLS: what is wrong is said, and not tried again."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from blinkd import AsyncClient, Client
from blinkd.client import UnauthenticatedError, UnreachableError, tls
from blinkd.v1 import acquisitions_pb2 as pb
from fake_daemon import FakeDaemon

Pair: TypeAlias = tuple[bytes, bytes]
"""Key and certificate."""


@dataclass(frozen=True)
class Mistake:
    """`root_certificates`: ours, another's or none."""

    daemon_has_tls: bool
    root_certificates: str | None
    host: str
    remedy: str


MISTAKES = {
    "no TLS for a daemon with TLS": Mistake(True, None, "localhost", "uses TLS: give root_certificates"),
    "TLS for a daemon without": Mistake(False, "ours", "localhost", "does not use TLS: leave root_certificates out"),
    "another certificate": Mistake(True, "other", "localhost", "another certificate.*serve.tls_certificate"),
    "another host name": Mistake(True, "ours", "127.0.0.1", "a host name that is in it"),
}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """Two certificates for localhost."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: nothing makes certificates")
    folder = tmp_path_factory.mktemp("certificates")

    def made(name: str) -> Pair:
        key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
        whose = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *whose, *files]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return key.read_bytes(), certificate.read_bytes()

    return {name: made(name) for name in ("ours", "other")}


def one_call(address: str, roots: bytes | None) -> object:
    with Client(address, root_certificates=roots) as client:
        return client.status().version


def one_stream(address: str, roots: bytes | None) -> object:
    with Client(address, root_certificates=roots) as client:
        return next(client.localizations(on_gap=no_gap))


def one_call_of_asyncio(address: str, roots: bytes | None) -> object:
    async def ask() -> object:
        async with AsyncClient(address, root_certificates=roots) as client:
            return (await client.status()).version

    return asyncio.run(ask())


def one_stream_of_asyncio(address: str, roots: bytes | None) -> object:
    async def ask() -> object:
        async with AsyncClient(address, root_certificates=roots) as client:
            async for batch in client.localizations(on_gap=no_gap):
                return batch
        return None

    return asyncio.run(ask())


def no_gap(gap: Any) -> None:
    raise AssertionError(f"it is tried again: {gap}")


WAYS = [one_call, one_stream, one_call_of_asyncio, one_stream_of_asyncio]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_tls_that_is_mixed_up_is_said_with_the_remedy_and_not_tried_again(
    mistake: Mistake, way: Callable[[str, bytes | None], object], pairs: dict[str, Pair]
) -> None:
    roots = pairs[mistake.root_certificates][1] if mistake.root_certificates else None
    with FakeDaemon(tls=pairs["ours"] if mistake.daemon_has_tls else None) as daemon:
        with pytest.raises(UnauthenticatedError, match=mistake.remedy):
            way(f"{mistake.host}:{daemon.port}", roots)


@pytest.mark.parametrize("way", [one_call, one_call_of_asyncio])
def test_with_the_daemons_own_certificate_it_answers(way: Any, pairs: dict[str, Pair]) -> None:
    with FakeDaemon(tls=pairs["ours"], GetStatus=lambda *_: pb.DaemonStatus(version="0.1.0")) as daemon:
        assert way(f"localhost:{daemon.port}", pairs["ours"][1]) == "0.1.0"


def test_a_tunnel_whose_other_end_is_gone_is_no_daemon_with_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as tunnel:

        def hang_up() -> None:
            try:
                while True:
                    tunnel.accept()[0].close()
            except OSError:  # the test is over
                return

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        address = f"127.0.0.1:{tunnel.getsockname()[1]}"
        for way in (one_call, one_call_of_asyncio):
            with pytest.raises(UnreachableError, match="blinkd serve"):
                way(address, None)
        tunnel.shutdown(socket.SHUT_RDWR)
        hanging_up.join(10)


def test_who_says_nothing_is_asked_for_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert not tls.is_spoken(address)
        assert not asyncio.run(tls.is_spoken_aio(address))


def test_what_is_no_certificate_is_refused_at_once(tmp_path: Path) -> None:
    for wrong in (b"rubbish", b"\xff\xfe", b""):
        (tmp_path / "roots.pem").write_bytes(wrong)
        for given in (wrong, tmp_path / "roots.pem"):
            with pytest.raises(ValueError, match="root_certificates: no certificate in PEM"):
                Client("localhost:5767", root_certificates=given)
