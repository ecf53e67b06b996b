"""A core without Micro-Manager: a camera whose images are there as soon as they are asked for, a stage that arrives.

It keeps the order of all calls, so that tests say what happens to the microscope and in what order.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np


class FakeSignal:
    """As psygnal's: a method is held weakly, a function is not. Exceptions of slots go to whoever emits."""

    def __init__(self) -> None:
        self._held: list[Callable[[], Callable[..., Any] | None]] = []

    @property
    def slots(self) -> list[Callable[..., Any]]:
        return [slot for held in self._held if (slot := held()) is not None]

    def connect(self, slot: Callable[..., Any]) -> None:
        self._held.append(weakref.WeakMethod(slot) if inspect.ismethod(slot) else lambda: slot)

    def disconnect(self, slot: Callable[..., Any]) -> None:
        self._held = [held for held in self._held if held() != slot]

    def emit(self, *arguments: object) -> None:
        for slot in self.slots:
            slot(*arguments)


class FakeEvents:
    def __init__(self) -> None:
        self.sequenceStarted, self.frameReady = FakeSignal(), FakeSignal()
        self.sequenceCanceled, self.sequenceFinished = FakeSignal(), FakeSignal()


class FakeMda:
    def __init__(self) -> None:
        self.events = FakeEvents()
        self.status = SimpleNamespace(finish_reason=None)


class FakeCore:
    """A camera of 16 x 12 px. `burst_limits`: frames after which a burst overflows, one number per burst."""

    def __init__(self, *, burst_limits: Sequence[int | None] = (), cameras: int = 1, stage: str = "XY") -> None:
        self.calls: list[str] = []
        self.mda = FakeMda()
        self.camera = "Camera"
        self.presets: dict[str, str] = {}
        self.position_um = (0.0, 0.0)
        self.exposure_ms = 10.0
        self.roi = (0, 0, 16, 12)
        self.cameras, self.stage = cameras, stage
        self.limits = list(burst_limits)
        self.left, self.number, self.running, self.overflowed = 0, 0, False, False
        self.limit: int | None = None
        self.waiting = 1
        """What the core says of its queue while there are images."""
        self.on_image: Callable[[], object] | None = None
        """Called once, with the next image."""

    def getCameraDevice(self) -> str:
        return self.camera

    def setCameraDevice(self, label: str, /) -> None:
        self.calls.append(f"camera {label}")
        self.camera = label

    def getLoadedDevicesOfType(self, device_type: int, /) -> Sequence[str]:
        return ("Camera", "Overview") if device_type == 2 else ()

    def getAvailableConfigs(self, group: str, /) -> Sequence[str]:
        return ("Cy3", "Cy5", "DAPI") if group == "Channel" else ()

    def getCurrentConfig(self, group: str, /) -> str:
        return self.presets.get(group, "")

    def getNumberOfCameraChannels(self) -> int:
        return self.cameras

    def getXYStageDevice(self) -> str:
        return self.stage

    def getFocusDevice(self) -> str:
        return "Z"

    def getVersionInfo(self) -> str:
        return "MMCore version fake"

    def getExposure(self) -> float:
        return self.exposure_ms

    def setExposure(self, exposure_ms: float, /) -> None:
        self.calls.append(f"exposure {exposure_ms:g}")
        self.exposure_ms = exposure_ms

    def getROI(self) -> Sequence[int]:
        return self.roi

    def setROI(self, x: int, y: int, width: int, height: int, /) -> None:
        self.calls.append("roi")
        self.roi = (x, y, width, height)

    def clearROI(self) -> None:
        self.roi = (0, 0, 16, 12)

    def getImageWidth(self) -> int:
        return self.roi[2]

    def getImageHeight(self) -> int:
        return self.roi[3]

    def getImageBitDepth(self) -> int:
        return 12

    def getPixelSizeUm(self) -> float:
        return 0.108

    def getPixelSizeAffine(self) -> Sequence[float]:
        return (0.108, 0.0, 0.0, 0.0, -0.108, 0.0)

    def getXYPosition(self) -> Sequence[float]:
        return self.position_um

    def setXYPosition(self, x_um: float, y_um: float, /) -> None:
        self.calls.append(f"move {x_um:g} {y_um:g}")
        self.position_um = (x_um, y_um)

    def getPosition(self) -> float:
        return 1.5

    def waitForDevice(self, label: str, /) -> None:
        self.calls.append(f"wait {label}")

    def setConfig(self, group: str, preset: str, /) -> None:
        self.calls.append(f"set {group}={preset}")
        self.presets[group] = preset

    def waitForConfig(self, group: str, preset: str, /) -> None:
        self.calls.append(f"wait {group}={preset}")

    def startSequenceAcquisition(self, frames: int, interval_ms: float, stop_on_overflow: bool, /) -> None:
        assert not self.running
        assert stop_on_overflow, "a buffer that empties itself loses frames in silence"
        assert interval_ms == 0
        self.calls.append(f"burst {frames}" if frames < 2**31 - 1 else "burst")
        self.left, self.number, self.running, self.overflowed = frames, 0, True, False
        self.limit = self.limits.pop(0) if self.limits else None

    def stopSequenceAcquisition(self) -> None:
        self.running = False

    def isSequenceRunning(self) -> bool:
        return self.running

    def isBufferOverflowed(self) -> bool:
        return self.overflowed

    def getRemainingImageCount(self) -> int:
        if self.limit is not None and self.number >= self.limit:
            self.running, self.overflowed = False, True
            return 0
        return self.waiting if self.left > 0 else 0

    def popNextImageAndMD(self) -> tuple[Any, dict[str, str]]:
        width, height = self.roi[2:]
        image = np.full((height, width), self.number, dtype=np.uint16)
        metadata = {
            "Camera": self.camera,
            "ImageNumber": str(self.number),
            "ROI-X-start": str(self.roi[0]),
            "ROI-Y-start": str(self.roi[1]),
            "Binning": "1",
        }
        self.left -= 1
        self.number += 1
        called, self.on_image = self.on_image, None
        if called is not None:
            called()
        return image, metadata
