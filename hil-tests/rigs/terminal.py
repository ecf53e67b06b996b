"""A program in a pseudo-terminal, as somebody at a keyboard has it.

In: keys, a window's size. Out: what the screen shows, how the program ended, whether the terminal is as it was. The
program is killed at the end of a test, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from rigs.daemon import environment
from rigs.vt import Cell, Screen
from rigs.waiting import until

LOOKS = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": ""}


class Terminal:
    """`blinkd ...` in a window; what it writes is read by a thread, as a terminal does."""

    def __init__(self, binary: Path, *arguments: object, columns: int = 80, rows: int = 24, **env: str) -> None:
        self.screen = Screen(columns, rows)
        self._lock = threading.Lock()
        self._failed: AssertionError | None = None
        self.bytes_read = self.true_colours = 0
        self._own, theirs = pty.openpty()
        self._size(columns, rows)
        self.before = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [str(binary), *(str(argument) for argument in arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment(), **LOOKS, **env},
            start_new_session=True,
        )
        self._theirs = theirs  # kept open: its settings are read after the program has ended
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while not self._closed.is_set():
            ready, _, _ = select.select([self._own], [], [], 0.1)
            if not ready:
                continue
            data = os.read(self._own, 65_536)
            with self._lock:
                self.bytes_read += len(data)
                self.true_colours += data.count(b"8;2;")
                try:
                    self.screen.feed(data)
                except AssertionError as error:
                    self._failed = error
                    return

    def text(self) -> str:
        with self._lock:
            if self._failed is not None:
                raise self._failed
            return self.screen.text()

    def cells(self) -> list[list[Cell]]:
        with self._lock:
            return self.screen.cells()

    def last_row(self) -> str:
        with self._lock:
            return self.screen.row(self.screen.rows - 1)

    def press(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        with self._lock:
            self.screen.resize(columns, rows)
        self._size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def wait(self, what: str, holds: Callable[[str], object], *, within_s: float = 20.0) -> str:
        """The screen's text once `holds(text)`."""

        def look() -> str | None:
            text = self.text()
            return text if holds(text) else None

        return until(look, what=lambda: f"{what}; the screen shows\n{self.text()}", within_s=within_s)

    def shows(self, *words: str, within_s: float = 20.0) -> str:
        return self.wait(
            f"the screen shows {words}", lambda text: all(word in text for word in words), within_s=within_s
        )

    def ended(self, *, within_s: float = 20.0) -> int:
        """The exit code, once everything it wrote was read."""
        code = self.process.wait(timeout=within_s)
        until(lambda: not select.select([self._own], [], [], 0)[0] or None, what="its last words are read")
        return code

    def restored(self) -> bool:
        """Single keys, screen and cursor are as they were."""
        same = termios.tcgetattr(self._theirs) == self.before
        with self._lock:
            return same and self.screen.cursor_shown and not self.screen.alternate

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._closed.set()
        self._reader.join()
        for descriptor in (self._own, self._theirs):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
