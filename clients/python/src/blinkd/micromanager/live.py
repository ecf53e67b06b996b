"""A live preview that runs a sequence acquisition of its own, so that every frame arrives.

Micro-Manager's own Live shows samples: frames in between are thrown away, and three frames in a row are no neighbours.
Here the camera runs a burst, and the daemon's windows of three frames are valid.

In: a core that nothing else acquires with. Out: frames to the daemon from a thread of its own. Overflow of the core's
buffer: the burst ends, `overflows` counts, `on_overflow` is told, and a new burst begins; the new burst's image numbers
start anew, so that no window spans the hole. Never: an exception out of the thread (`error` keeps it).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from blinkd.counts import Counts
from blinkd.micromanager.core import Core, describe_frame, read_setup, stage_position
from blinkd.micromanager.errors import MicroscopeError
from blinkd.micromanager.requirements import require_idle, require_one_camera
from blinkd.micromanager.sequence import SILENCE_S, Sequence
from blinkd.publisher import DEFAULT_ENDPOINT, FramePublisher
from blinkd.series import Camera, EndReason, Series

log = logging.getLogger(__name__)


class BurstLive:
    """Start, stop, and in between another exposure or region of interest.

    All methods are for one thread; properties for any. In a `with` block it runs from the beginning to the end.
    """

    def __init__(
        self,
        core: Core,
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        name: str = "live",
        calibration: Camera | None = None,
        on_overflow: Callable[[int], None] | None = None,
        silence_s: float = SILENCE_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing runs yet.

        `on_overflow`: told how often it happened so far, from the preview's thread. `silence_s`: a camera that gives
        no image for so long has failed. Raises MicroscopeError for a core without one camera.
        """
        require_one_camera(core)
        self._core, self._name, self._calibration, self._on_overflow = core, name, calibration, on_overflow
        self._silence_s, self._pause = silence_s, pause
        self._publisher = FramePublisher(endpoint)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._overflows, self._deepest_queue = 0, 0
        self._error: Exception | None = None
        self._totals = Counts()

    @property
    def running(self) -> bool:
        """Whether frames are being taken."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def overflows(self) -> int:
        """How often the core's buffer was full. Each time frames were lost in the core."""
        return self._overflows

    @property
    def deepest_queue(self) -> int:
        """Most images that waited in the core."""
        return self._deepest_queue

    @property
    def error(self) -> Exception | None:
        """Why the preview ended by itself; None: it did not."""
        return self._error

    @property
    def counts(self) -> Counts:
        """The account of all frames since the preview was made."""
        now = self._publisher.counts if self.running else Counts()
        total = self._totals
        return Counts(
            captured=total.captured + now.captured,
            sent=total.sent + now.sent,
            waiting=now.waiting,
            dropped=total.dropped + now.dropped,
        )

    def start(self) -> None:
        """Begins a series and returns. Raises MicroscopeError when one runs, here or elsewhere."""
        if self.running:
            raise MicroscopeError("the preview runs already: stop it first")
        require_idle(self._core)
        self.stop()  # one that ended by itself is still to be accounted for
        self._error = None
        self._stopping.clear()
        setup = read_setup(self._core)
        self._publisher.start(
            Series(
                name=self._name,
                source=setup.source,
                camera=setup.camera,
                calibration=self._calibration,
                pixel_size_nm=setup.pixel_size_nm,
                affine_um=setup.affine_um,
                exposure_ms=setup.exposure_ms,
                bit_depth=setup.bit_depth,
            )
        )
        self._thread = threading.Thread(target=self._run, name="blinkd-live", daemon=True)
        self._thread.start()

    def stop(self) -> Counts:
        """Stops the camera and ends the series; returns the account of all frames."""
        thread, self._thread = self._thread, None
        if thread is None:
            return self.counts
        self._stopping.set()
        thread.join()
        reason = EndReason.COMPLETED if self._error is None else EndReason.ERROR
        ended = self._publisher.end(reason=reason)
        total = self._totals
        self._totals = Counts(
            captured=total.captured + ended.captured,
            sent=total.sent + ended.sent,
            dropped=total.dropped + ended.dropped,
        )
        return self._totals

    def close(self) -> None:
        """Stops and lets go of the daemon."""
        self.stop()
        self._publisher.close()

    def set_exposure(self, exposure_ms: float) -> None:
        """Takes the next frames with another exposure. A new series begins: its photons are others."""
        if exposure_ms <= 0:
            raise ValueError(f"exposure_ms {exposure_ms}: above 0")
        self._between(lambda: self._core.setExposure(exposure_ms))

    def set_roi(self, x_px: int, y_px: int, width_px: int, height_px: int) -> None:
        """Takes the next frames from another part of the sensor. A new series begins: its frames have another shape."""
        if min(x_px, y_px) < 0 or min(width_px, height_px) < 1:
            raise ValueError(f"ROI ({x_px}, {y_px}, {width_px}, {height_px}): origin from 0, sides from 1 px")
        self._between(lambda: self._core.setROI(x_px, y_px, width_px, height_px))

    def clear_roi(self) -> None:
        """Takes the next frames from the whole sensor."""
        self._between(self._core.clearROI)

    def _between(self, change: Callable[[], None]) -> None:
        running = self.running
        self.stop()
        change()
        if running:
            self.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if not self._burst():
                    return
        except Exception as error:  # a camera that fails must not take the program with it
            log.exception("the live preview ended")
            self._error = error

    def _burst(self) -> bool:
        """One burst; whether another may follow."""
        burst = Sequence(
            core=self._core,
            frames=None,
            stopping=self._stopping.is_set,
            silence_s=self._silence_s,
            pause=self._pause,
        )
        exposure_ms, stage = float(self._core.getExposure()), stage_position(self._core)
        for image in burst.run():
            self._deepest_queue = max(self._deepest_queue, image.queue_depth)
            frame = describe_frame(
                image.metadata,
                exposure_ms=exposure_ms,
                stage_um=stage,
                stage_measured=stage is not None,
                queue_depth=image.queue_depth,
            )
            self._publisher.send_frame(image.pixels, frame)
        if burst.overflowed and not self._stopping.is_set():
            self._overflows += 1
            log.warning("the core's image buffer was full (%d times so far): frames were lost there", self._overflows)
            self._tell_of_overflow()
            return True
        if not self._stopping.is_set():
            self._error = MicroscopeError("the camera stopped by itself: look at its device in Micro-Manager")
        return False

    def _tell_of_overflow(self) -> None:
        if self._on_overflow is None:
            return
        try:
            self._on_overflow(self._overflows)
        except Exception:  # whoever listens must not end the preview
            log.exception("who was told of the overflow failed; the preview goes on")

    def __enter__(self) -> BurstLive:
        """Starts."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops and lets go of the daemon."""
        self.close()
