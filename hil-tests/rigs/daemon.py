"""The real daemon as a process of its own, on free ports, in a folder of its own.

Ready means that its `--json` line came. Its log is kept beside its store and shown when a test fails.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rigs.waiting import until

READY_S = 30.0
STOP_S = 60.0


def environment(**more: str) -> dict[str, str]:
    """The process's environment: nothing of ours configures the daemon but what a test says."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BLINKD")}
    return {**kept, "ORT_DISABLE_TELEMETRY": "1", "NO_COLOR": "1", **more}


def run(binary: Path, *arguments: object, timeout_s: float = 120.0, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs a verb to its end."""
    command = [str(binary), *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, env=environment(**env), capture_output=True, text=True, timeout=timeout_s, check=False
    )


class Daemon:
    """`blinkd serve`. May be started, killed and started again on the same ports, store and rings."""

    def __init__(self, binary: Path, folder: Path, *, settings: dict[str, object], options: list[str]) -> None:
        self.binary, self.folder, self.options = binary, folder, options
        self.store = folder / "store"
        self.settings: dict[str, object] = {
            "frames.endpoint": "tcp://127.0.0.1:0",
            "serve.listen": "127.0.0.1:0",
            "ring.dir": folder / "ring",
            "ring.mib": 128,
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.ready: dict[str, Any] = {}
        self.starts = 0

    @property
    def log_path(self) -> Path:
        return self.folder / f"daemon-{self.starts}.log"

    def log(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("daemon-*.log")))

    def start(self, **env: str) -> Daemon:
        assert self.process is None, "it runs already"
        self.starts += 1
        command = [str(self.binary), "serve", "--json", "--store", str(self.store), *self.options]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(**env)
            )
        self.ready = json.loads(self._first_line())
        # The same ports after a restart: publishers and clients come back by themselves.
        self.settings["frames.endpoint"] = self.ready["frames"]
        self.settings["serve.listen"] = self.ready["grpc"]
        return self

    def _first_line(self) -> str:
        assert self.process is not None
        stdout = self.process.stdout
        assert stdout is not None
        lines: queue.Queue[str] = queue.Queue(maxsize=1)
        threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
        try:
            line = lines.get(timeout=READY_S)
        except queue.Empty:
            line = ""
        if not line:
            self.kill()
            raise AssertionError(f"the daemon did not become ready:\n{self.log()}")
        return line

    @property
    def frames(self) -> str:
        return str(self.ready["frames"])

    @property
    def grpc(self) -> str:
        return str(self.ready["grpc"])

    def get(self, path: str, *, timeout_s: float = 10.0) -> bytes:
        with urllib.request.urlopen(f"http://{self.grpc}/{path}", timeout=timeout_s) as answer:
            body: bytes = answer.read()
            return body

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.get("status.json"))
        return answer

    def series(self) -> dict[str, Any] | None:
        """The newest series' state; None before the first frame."""
        answer: dict[str, Any] | None = self.status()["series"]
        return answer

    def picture(self) -> bytes | None:
        """The picture as PNG; None while there is none."""
        try:
            return self.get("picture.png")
        except urllib.error.HTTPError as error:
            error.close()
            return None

    def wait_series(self, what: str, holds: Any, *, within_s: float = 60.0) -> dict[str, Any]:
        """The newest series once `holds(series)`."""

        def look() -> dict[str, Any] | None:
            assert self.process is not None
            assert self.process.poll() is None, f"the daemon ended while waiting for: {what}\n{self.log()}"
            series = self.series()
            return series if series is not None and holds(series) else None

        return until(look, what=lambda: f"{what}; now {self.series()}", within_s=within_s)

    def kill(self) -> None:
        """SIGKILL: nothing is written, flushed or said."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._forget()

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=STOP_S)
        self._forget()
        return code

    def _forget(self) -> None:
        assert self.process is not None
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


def whole(series: dict[str, Any]) -> bool:
    """received = processed + waiting + lost."""
    account = series["account"]
    return bool(account["received"] == account["processed"] + account["waiting"] + sum(account["lost"].values()))


def nothing_lost(series: dict[str, Any]) -> bool:
    """No frame lost here, on the way, in the camera or by the publisher."""
    account = series["account"]
    gone = sum(account["lost"].values()) + sum(account["missing"].values()) + series["dropped_by_publisher"]
    return bool(gone == 0)
