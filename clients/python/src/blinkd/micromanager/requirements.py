"""What a core must have before something is begun with it; each refusal names the remedy.

In: a core. Out: nothing, or a MicroscopeError. Never: a change of the core.
"""

from __future__ import annotations

from blinkd.micromanager.core import Core
from blinkd.micromanager.errors import MicroscopeError
from blinkd.micromanager.plan import Preset

CAMERA_DEVICE = 2
"""MMCore's `DeviceType.CameraDevice`."""


def require_one_camera(core: Core) -> None:
    """Scans and live bursts drive one camera."""
    if not core.getCameraDevice():
        raise MicroscopeError("no camera: load one in the configuration and make it the default (Core-Camera)")
    channels = int(core.getNumberOfCameraChannels())
    if channels > 1:
        raise MicroscopeError(
            f"the camera device has {channels} channels: choose one of its cameras (core.setCameraDevice), or run an "
            "MDA with Publisher attached, which makes a series for each"
        )


def require_idle(core: Core) -> None:
    """A camera does one thing at a time."""
    if core.isSequenceRunning():
        raise MicroscopeError(
            f"the camera '{core.getCameraDevice()}' already runs a sequence: stop its live preview or acquisition first"
        )


def require_stage(core: Core) -> None:
    """Scans move an XY stage."""
    if not core.getXYStageDevice():
        raise MicroscopeError("no XY stage: load one in the configuration and make it the default (Core-XYStage)")


def require_camera(core: Core, label: str) -> None:
    """A camera that is named must be loaded."""
    loaded = [str(device) for device in core.getLoadedDevicesOfType(CAMERA_DEVICE)]
    if label not in loaded:
        raise MicroscopeError(f"no camera '{label}': the configuration has {', '.join(loaded) or 'none'}")


def require_preset(core: Core, preset: Preset) -> None:
    """A preset must be in its group."""
    there = [str(name) for name in core.getAvailableConfigs(preset.group)]
    if preset.name not in there:
        known = f"it has {', '.join(there)}" if there else "there is no such group in the configuration"
        raise MicroscopeError(f"no preset '{preset.name}' in the group '{preset.group}': {known}")
