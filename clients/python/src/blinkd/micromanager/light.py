"""What camera and light are set to: for the bursts, for the widefield frames, and back again.

In: a plan, a core. Out: the core's camera, presets and exposure changed, only where they differ. Never: bursts with
what the widefield frames were taken with.
"""

from __future__ import annotations

from dataclasses import dataclass

from blinkd.micromanager.core import Core
from blinkd.micromanager.errors import MicroscopeError
from blinkd.micromanager.plan import Preset, ScanPlan
from blinkd.micromanager.requirements import require_camera, require_preset


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A camera, presets in the order in which they are set, an exposure; None: the camera's own."""

    camera: str
    presets: tuple[Preset, ...]
    exposure_ms: float | None


class LightPath:
    """Sets what is not set already: a filter wheel is not asked to stay where it is."""

    def __init__(self, core: Core) -> None:
        """Nothing is set yet."""
        self._core = core
        self._now: Light | None = None
        self.exposure_ms = float(core.getExposure())
        """As the camera says."""

    def use(self, light: Light) -> None:
        """Sets it and waits until it is set."""
        before = self._now
        if light == before:
            return
        self._now = None  # unknown, if the core refuses
        if light.camera != self._core.getCameraDevice():
            self._core.setCameraDevice(light.camera)
        if before is None or light.presets != before.presets:
            for preset in light.presets:
                self._core.setConfig(preset.group, preset.name)
                self._core.waitForConfig(preset.group, preset.name)
        alike = before is not None and (light.camera, light.exposure_ms) == (before.camera, before.exposure_ms)
        if light.exposure_ms is not None and not alike:
            self._core.setExposure(light.exposure_ms)
        self.exposure_ms = float(self._core.getExposure())
        self._now = light

    def adopt(self, light: Light) -> None:
        """The core is set to this already."""
        self._now = light


def lights_of(core: Core, plan: ScanPlan, path: LightPath) -> tuple[Light, Light | None]:
    """Those of the bursts, which are set then, and of the widefield frames. Raises MicroscopeError.

    What the bursts need and the plan does not say is what the core is set to now.
    """
    widefield, camera = plan.widefield, str(core.getCameraDevice())
    named = [preset for preset in (plan.preset, widefield.preset if widefield else None) if preset is not None]
    for preset in named:
        require_preset(core, preset)
    presets = [plan.preset] if plan.preset is not None else []
    if widefield is not None and widefield.preset is not None:
        presets = _with_the_way_back(core, widefield.preset, presets)
    path.use(Light(camera=camera, presets=tuple(presets), exposure_ms=plan.exposure_ms))
    bursts = Light(camera=camera, presets=tuple(presets), exposure_ms=path.exposure_ms)
    path.adopt(bursts)
    if widefield is None:
        return bursts, None
    wide_camera, exposure_ms = widefield.camera or camera, widefield.exposure_ms
    if wide_camera != camera:
        require_camera(core, wide_camera)
    elif exposure_ms is None:
        exposure_ms = bursts.exposure_ms
    own = (widefield.preset,) if widefield.preset is not None else bursts.presets
    return bursts, Light(camera=wide_camera, presets=own, exposure_ms=exposure_ms)


def _with_the_way_back(core: Core, wide: Preset, presets: list[Preset]) -> list[Preset]:
    """Bursts must not be taken with the widefield filter: its group goes back to where it is now."""
    if any(preset.group == wide.group for preset in presets):
        return presets
    now = str(core.getCurrentConfig(wide.group))
    if not now:
        raise MicroscopeError(
            f"the group '{wide.group}' is at none of its presets, so that there is no way back from '{wide.name}': "
            f"give the bursts a preset of that group, too"
        )
    return [Preset(group=wide.group, name=now), *presets]
