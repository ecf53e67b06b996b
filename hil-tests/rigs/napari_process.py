"""A napari window in a process of its own, on a virtual X server.

Comes in: a daemon's address, commands. Goes out: what the window says. Never: a window that outlives its test.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from rigs import places
from rigs.daemon import environment

PROGRAM = Path(__file__).with_name("napari_window.py")
CLIENT = places.REPOSITORY / "clients" / "python" / "src"
ANSWER_S = 180.0


def python() -> str:
    """An interpreter that has napari: BLINKD_NAPARI_PYTHON, or this one."""
    program = os.environ.get("BLINKD_NAPARI_PYTHON") or sys.executable
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('napari') is None)"
    if subprocess.run([program, "-c", look], check=False).returncode != 0:
        places.missing("napari", "pip install './clients/python[napari-test]', or name its BLINKD_NAPARI_PYTHON")
    return program


def x_server() -> str:
    runner = shutil.which("xvfb-run")
    if runner is None:
        places.missing("xvfb-run", "apt-get install xvfb libgl1-mesa-dri libxkbcommon-x11-0 libxcb-cursor0")
    return runner


class NapariProcess:
    """Ended with its `with` block, whatever happens."""

    def __init__(self, address: str, folder: Path) -> None:
        command = [x_server(), "-a", "-s", "-screen 0 1600x1000x24", python(), str(PROGRAM), address]
        env = environment(PYTHONPATH=str(CLIENT), NAPARI_CONFIG=str(folder / "napari.yaml"))
        env.pop("QT_QPA_PLATFORM", None)
        self._log = (folder / "napari.log").open("w+")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=env
        )
        self._answers: queue.Queue[str] = queue.Queue(maxsize=100)
        threading.Thread(target=self._read, daemon=True).start()
        self._answer("start")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _answer(self, to: str) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=ANSWER_S)
        except queue.Empty:
            line = ""
        if not line:
            self._log.seek(0)
            raise AssertionError(f"napari did not answer '{to}':\n{self._log.read()[-20_000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def do(self, verb: str, argument: object = "") -> dict[str, Any]:
        """What the window shows once it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb} {argument}\n")
        self._process.stdin.flush()
        return self._answer(f"{verb} {argument}")

    def __enter__(self) -> NapariProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()  # the window ends when nobody can tell it anything any more
        try:
            code = self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process.stdout.close()
        self._log.close()
        if kind is None:
            assert code == 0, "napari ended badly"
