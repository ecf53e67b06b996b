"""Starts Micro-Manager's core in processes of their own and reads their one line. See `mm_process.py`."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from blinkd.v1 import acquisitions_pb2 as pb

from rigs import places
from rigs.clients import Client
from rigs.daemon import Daemon, environment

PROCESS = Path(__file__).with_name("mm_process.py")
PACKAGES = ("pymmcore_plus", "mm_test_adapters")


def require() -> None:
    """Skips the test where there is no Micro-Manager core."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            places.missing(package, "pip install './clients/python[micromanager-demo]'")


class Core:
    """A process with a core; ready when its configuration is loaded."""

    def __init__(self, **said: object) -> None:
        require()
        self._process = subprocess.Popen(
            [sys.executable, str(PROCESS), json.dumps(said, default=str)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            _, trouble = self._process.communicate(timeout=30)
            raise AssertionError(f"Micro-Manager's core did not start:\n{trouble}")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def result(self, *, timeout_s: float = 180.0) -> dict[str, Any]:
        """What the process says at its end."""
        out, trouble = self._process.communicate(timeout=timeout_s)
        assert self._process.returncode == 0, trouble[-8000:]
        said: dict[str, Any] = json.loads(out.splitlines()[-1])
        return said

    def __enter__(self) -> Core:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def acquisitions(daemon: Daemon) -> list[Any]:
    """Every series that the daemon knows, with all its tiles."""
    with Client(daemon.grpc) as client:
        listed = client.call("Acquisitions", "ListAcquisitions", pb.ListAcquisitionsRequest()).acquisitions
        return [
            client.call("Acquisitions", "GetAcquisition", pb.GetAcquisitionRequest(series_id=a.series_id))
            for a in listed
        ]
