"""News from the follower's thread into Qt's.

Comes in: news, from any thread. Goes out: a signal in the thread that owns the mailbox, and the latest of each kind.
Never: more than one of a kind, nor more than one signal under way: a window that is slow gets the newest.
"""

from __future__ import annotations

import threading

from qtpy.QtCore import QObject, Signal

from blinkd.napari.news import News


class Mailbox(QObject):
    """`arrived` says that `take()` has something."""

    arrived = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._latest: dict[type[News], News] = {}
        self._rung = False

    def put(self, told: News) -> None:
        """Replaces what has not been taken of this kind."""
        with self._lock:
            self._latest.pop(type(told), None)
            self._latest[type(told)] = told
            ring, self._rung = not self._rung, True
        if ring:
            self.arrived.emit()

    def take(self) -> list[News]:
        """What has come since the last time, in the order of arrival."""
        with self._lock:
            taken, self._latest, self._rung = list(self._latest.values()), {}, False
        return taken
