"""One sequence acquisition of the core, image by image.

In: a core that may start. Out: its images with MMCore's metadata, in order, until as many came as were asked for, the
camera stopped or somebody said stop. Never: a wait longer than POLL_S without looking whether to stop.

The sequence runs with `stopOnOverflow`: a full buffer stops the camera instead of emptying itself in silence, so that
loss is seen. MMCore raises nothing then; only `isBufferOverflowed` tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from blinkd.micromanager.core import Core

POLL_S = 0.0005
"""Between looks at an empty buffer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """An image as MMCore gives it. The pixels are a copy that nobody else writes."""

    pixels: Any
    metadata: Mapping[str, Any]
    queue_depth: int
    """Images that were waiting in the core, this one included."""
    at_s: float
    """`time.perf_counter()` when it was taken out."""


@dataclass(slots=True, kw_only=True)
class Sequence:
    """A burst of `frames` images; `frames` of None goes on until stopped."""

    core: Core
    frames: int | None
    stopping: Callable[[], bool] = lambda: False
    pause: Callable[[float], None] = time.sleep
    captured: int = field(default=0, init=False)
    deepest_queue: int = field(default=0, init=False)
    overflowed: bool = field(default=False, init=False)

    def run(self) -> Iterator[Captured]:
        """Starts the camera, yields its images, and stops it whatever happens."""
        endless = 2**31 - 1
        self.core.startSequenceAcquisition(self.frames or endless, 0.0, True)
        try:
            while not self.stopping() and (self.frames is None or self.captured < self.frames):
                depth = int(self.core.getRemainingImageCount())
                if depth > 0:
                    yield self._take(depth)
                elif self._ended():
                    return
                else:
                    self.pause(POLL_S)
        finally:
            self.overflowed = self.overflowed or bool(self.core.isBufferOverflowed())
            self.core.stopSequenceAcquisition()

    def _take(self, depth: int) -> Captured:
        pixels, metadata = self.core.popNextImageAndMD()
        self.captured += 1
        self.deepest_queue = max(self.deepest_queue, depth)
        return Captured(pixels=pixels, metadata=metadata, queue_depth=depth, at_s=time.perf_counter())

    def _ended(self) -> bool:
        """The camera stopped, and nothing came between the two looks."""
        if self.core.isSequenceRunning():
            return False
        return int(self.core.getRemainingImageCount()) == 0
