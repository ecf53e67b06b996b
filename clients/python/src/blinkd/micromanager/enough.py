"""Hears from the daemon that it has seen enough of a tile.

In: the address of a daemon, a series. Out: a call for each tile, in a thread of its own. A daemon that is away, or does
not know the series yet, is asked again. Never: a wait of the scan; an exception in it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from blinkd.client import Client, DaemonError
from blinkd.client.scans import Scan

log = logging.getLogger(__name__)

INTERVAL_S = 0.1
"""Between two answers of the daemon; that much later a tile ends."""
PAUSE_S = 0.5
"""Before it is asked again."""

OnEnough = Callable[[int, int], object]
"""Called with a tile's index, and the frame (seq) at which there was enough; again and again with the same."""


class EnoughListener:
    """Listens while it is entered."""

    def __init__(self, address: str, series_id: bytes, on_enough: OnEnough) -> None:
        self.error = ""
        """Why nothing was heard; empty once the daemon has answered with targets that are set."""
        self._client, self._series_id, self._on_enough = Client(address), series_id, on_enough
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blinkd-enough", daemon=True)

    def __enter__(self) -> EnoughListener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._client.close()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow(self._client.scans.watch(self._series_id, interval_s=INTERVAL_S, reconnect=False))
            except DaemonError as error:
                self._say(str(error))
            self._stop.wait(PAUSE_S)

    def _follow(self, scans: Iterator[Scan]) -> None:
        for scan in scans:
            self._say("" if scan.early_stop else "the daemon has no target: set one in its [scan.early_stop]")
            for tile in scan.tiles:
                if tile.enough is not None:
                    self._on_enough(tile.tile.tile_index, tile.enough.seq)

    def _say(self, error: str) -> None:
        if error and error != self.error and not self._stop.is_set():
            log.warning("no tile ends early (the scan goes on): %s", error)
        if not self._stop.is_set():
            self.error = error


def listening(address: str | None, series_id: bytes, on_enough: OnEnough) -> contextlib.AbstractContextManager[object]:
    """A listener, or nothing where there is no address."""
    return contextlib.nullcontext() if address is None else EnoughListener(address, series_id, on_enough)
