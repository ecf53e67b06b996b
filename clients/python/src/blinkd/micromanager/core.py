"""The parts of a pymmcore-plus core that this package uses, and what it reads from one.

In: a core. Out: what a series says of the microscope, what a frame says of itself. Never: an import of pymmcore, so
that everything here works, and is checked, with whatever has these methods.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from blinkd.series import Frame

CLOCK_TOLERANCE_NS = 60_000_000_000
"""A time of receipt further from now than this is a clock that is wrong, or another time zone."""


class Core(Protocol):
    """A `CMMCorePlus`, or what behaves like one. Lengths in um, times in ms, as Micro-Manager has them."""

    def getCameraDevice(self) -> str: ...
    def setCameraDevice(self, label: str, /) -> None: ...
    def getLoadedDevicesOfType(self, device_type: int, /) -> Sequence[str]: ...
    def getNumberOfCameraChannels(self) -> int: ...
    def getXYStageDevice(self) -> str: ...
    def getFocusDevice(self) -> str: ...
    def getVersionInfo(self) -> str: ...
    def getExposure(self) -> float: ...
    def setExposure(self, exposure_ms: float, /) -> None: ...
    def getROI(self) -> Sequence[int]: ...
    def setROI(self, x: int, y: int, width: int, height: int, /) -> None: ...
    def clearROI(self) -> None: ...
    def getImageWidth(self) -> int: ...
    def getImageHeight(self) -> int: ...
    def getImageBitDepth(self) -> int: ...
    def getPixelSizeUm(self) -> float: ...
    def getPixelSizeAffine(self) -> Sequence[float]: ...
    def getXYPosition(self) -> Sequence[float]: ...
    def setXYPosition(self, x_um: float, y_um: float, /) -> None: ...
    def getPosition(self) -> float: ...
    def waitForDevice(self, label: str, /) -> None: ...
    def getAvailableConfigs(self, group: str, /) -> Sequence[str]: ...
    def getCurrentConfig(self, group: str, /) -> str: ...
    def setConfig(self, group: str, preset: str, /) -> None: ...
    def waitForConfig(self, group: str, preset: str, /) -> None: ...
    def startSequenceAcquisition(self, frames: int, interval_ms: float, stop_on_overflow: bool, /) -> None: ...
    def stopSequenceAcquisition(self) -> None: ...
    def isSequenceRunning(self) -> bool: ...
    def isBufferOverflowed(self) -> bool: ...
    def getRemainingImageCount(self) -> int: ...
    def popNextImageAndMD(self) -> tuple[Any, Mapping[str, Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a core says of microscope and camera before the first frame."""

    camera: str
    source: str
    exposure_ms: float
    pixel_size_nm: tuple[float, float] | None
    """None: the core has no pixel size, so that the daemon's configuration applies."""
    affine_um: tuple[float, ...]
    field_px: tuple[int, int]
    """(width, height) of the region of interest."""
    bit_depth: int = 0
    """Of the camera's counts; 0: the core does not know, or says more than a pixel has."""


def read_setup(core: Core) -> Setup:
    """Reads the core once."""
    pixel_um = float(core.getPixelSizeUm())
    affine = tuple(float(number) for number in core.getPixelSizeAffine())
    bit_depth = int(core.getImageBitDepth())
    given = len(affine) == 6 and any(affine)
    return Setup(
        camera=str(core.getCameraDevice()),
        source=f"pymmcore-plus, {core.getVersionInfo()}",
        exposure_ms=float(core.getExposure()),
        pixel_size_nm=(pixel_um * 1e3, pixel_um * 1e3) if pixel_um > 0 else None,
        affine_um=affine if given else (),
        field_px=(int(core.getImageWidth()), int(core.getImageHeight())),
        bit_depth=bit_depth if 0 < bit_depth <= 16 else 0,
    )


def stage_position(core: Core) -> tuple[float, float] | tuple[float, float, float] | None:
    """Where the stage says it is, (x, y) or (x, y, z) in um; None where there is no stage."""
    if not core.getXYStageDevice():
        return None
    x_um, y_um = (float(value) for value in core.getXYPosition())
    return (x_um, y_um, float(core.getPosition())) if core.getFocusDevice() else (x_um, y_um)


def describe_frame(
    metadata: Mapping[str, Any],
    *,
    exposure_ms: float | None = None,
    stage_um: tuple[float, float] | tuple[float, float, float] | None = None,
    stage_measured: bool = False,
    queue_depth: int = 0,
) -> Frame:
    """A frame's header from MMCore's metadata of one image, whose values are texts; what is missing stays unsaid."""
    return Frame(
        camera_image_number=image_number(metadata),
        capture_unix_ns=_received_unix_ns(metadata, now_ns=time.time_ns()),
        exposure_ms=exposure_ms,
        roi_px=(_number(metadata, "ROI-X-start") or 0, _number(metadata, "ROI-Y-start") or 0),
        binning=_binning(metadata),
        stage_um=stage_um,
        stage_measured=stage_measured,
        core_queue_depth=max(queue_depth, 0),
    )


def image_number(metadata: Mapping[str, Any]) -> int | None:
    """The core's own count within a burst."""
    return _number(metadata, "ImageNumber")


def camera_of(metadata: Mapping[str, Any], *, otherwise: str) -> str:
    """The label of the camera an image came from."""
    return str(metadata.get("Camera") or otherwise)


def _number(metadata: Mapping[str, Any], key: str) -> int | None:
    try:
        return int(metadata[key])
    except (KeyError, TypeError, ValueError):
        return None


def _binning(metadata: Mapping[str, Any]) -> int:
    """Cameras write "2" or "2x2"."""
    text = str(metadata.get("Binning", "1")).split("x")[0].strip()
    return int(text) if text.isdecimal() and int(text) > 0 else 1


def _received_unix_ns(metadata: Mapping[str, Any], *, now_ns: int) -> int:
    """MMCore's `TimeReceivedByCore` is local time without a zone; now, where that cannot be."""
    try:
        received = datetime.datetime.fromisoformat(str(metadata["TimeReceivedByCore"])).astimezone()
        unix_ns = int(received.timestamp() * 1e6) * 1000
    except (KeyError, ValueError, OverflowError, OSError):
        return now_ns
    return unix_ns if abs(now_ns - unix_ns) < CLOCK_TOLERANCE_NS else now_ns
