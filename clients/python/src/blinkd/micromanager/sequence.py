"""One sequence acquisition of the core, image by image.

In: a core that may start. Out: its images with MMCore's metadata, in order, until as many came as were asked for, the
camera stopped or somebody said stop. Never: a wait longer than POLL_S without looking whether to stop, or for a camera
that has fallen silent.

The sequence runs with `stopOnOverflow`: a full buffer stops the camera instead of emptying itself in silence, so that
loss is seen. MMCore raises nothing then; only `isBufferOverflowed` tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from blinkd.micromanager.core import Core, image_number
from blinkd.micromanager.errors import MicroscopeError

POLL_S = 0.0005
"""Between looks at an empty buffer."""
SILENCE_S = 30.0
"""A camera that gives no image for so long, and two exposures, has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """An image as MMCore gives it. The pixels are a copy that nobody else writes."""

    pixels: Any
    metadata: Mapping[str, Any]
    queue_depth: int
    """Images that were waiting in the core, this one included."""
    at_s: float
    """By the clock, when it was taken out."""


@dataclass(slots=True, kw_only=True)
class Sequence:
    """A burst of `frames` images; `frames` of None goes on until stopped."""

    core: Core
    frames: int | None
    stopping: Callable[[], bool] = lambda: False
    silence_s: float = SILENCE_S
    pause: Callable[[float], None] = time.sleep
    clock_s: Callable[[], float] = time.perf_counter
    captured: int = field(default=0, init=False)
    lost: int = field(default=0, init=False)
    """Images that the core counted and never gave."""
    deepest_queue: int = field(default=0, init=False)
    overflowed: bool = field(default=False, init=False)
    _last_number: int = field(default=-1, init=False)

    def run(self) -> Iterator[Captured]:
        """Starts the camera, yields its images, and stops it whatever happens. Raises MicroscopeError."""
        endless = 2**31 - 1
        limit_s = self.silence_s + 2 * float(self.core.getExposure()) / 1e3
        self.core.startSequenceAcquisition(self.frames or endless, 0.0, True)
        last_s = self.clock_s()
        try:
            while not self.stopping() and (self.frames is None or self.captured < self.frames):
                depth = int(self.core.getRemainingImageCount())
                if depth > 0:
                    image = self._take(depth)
                    last_s = image.at_s
                    yield image
                elif self._ended():
                    return
                elif self.clock_s() - last_s > limit_s:
                    raise MicroscopeError(
                        f"the camera '{self.core.getCameraDevice()}' gave no image for {limit_s:.0f} s: look at its "
                        "cable, its power and whether it waits for a trigger (silence_s allows for longer waits)"
                    )
                else:
                    self.pause(POLL_S)
        finally:
            self.overflowed = self.overflowed or bool(self.core.isBufferOverflowed())
            self.core.stopSequenceAcquisition()

    def _take(self, depth: int) -> Captured:
        pixels, metadata = self.core.popNextImageAndMD()
        number = image_number(metadata)
        if number is not None:
            self.lost += max(0, number - self._last_number - 1)
            self._last_number = number
        self.captured += 1
        self.deepest_queue = max(self.deepest_queue, depth)
        return Captured(pixels=pixels, metadata=metadata, queue_depth=depth, at_s=self.clock_s())

    def _ended(self) -> bool:
        """The camera stopped, and nothing came between the two looks."""
        if self.core.isSequenceRunning():
            return False
        return int(self.core.getRemainingImageCount()) == 0
