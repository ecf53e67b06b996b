"""How late this machine wakes a thread that has nothing else to do: what no program on it can undercut."""

from __future__ import annotations

import threading
import time
from types import TracebackType


class StallMeter:
    """Measures while the block runs. `p99_ms`: of the delays beyond the 1 ms asked for."""

    def __init__(self) -> None:
        self._delays_ms: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.p99_ms = 0.0

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            time.sleep(0.001)  # what is measured
            self._delays_ms.append((time.perf_counter() - began) * 1e3 - 1.0)

    def __enter__(self) -> StallMeter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.p99_ms = sorted(self._delays_ms)[int(len(self._delays_ms) * 0.99)] if self._delays_ms else 0.0
