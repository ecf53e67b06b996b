"""One widefield picture where the stage is: a few frames, the first of them thrown away.

In: a core, a pass. Out: a widefield series. Never: a change of the core that stays but camera, preset and exposure.
"""

from __future__ import annotations

from collections.abc import Callable

from blinkd.counts import Counts
from blinkd.micromanager.core import Core, describe_frame, read_setup, stage_position
from blinkd.micromanager.errors import MicroscopeError
from blinkd.micromanager.plan import WidefieldPass
from blinkd.micromanager.requirements import require_camera, require_idle, require_one_camera, require_preset
from blinkd.micromanager.sequence import Sequence
from blinkd.publisher import DEFAULT_ENDPOINT, FramePublisher
from blinkd.series import Series, Tile


def snap_widefield(
    core: Core,
    widefield: WidefieldPass,
    *,
    endpoint: str = DEFAULT_ENDPOINT,
    name: str = "widefield",
    stopping: Callable[[], bool] = lambda: False,
) -> Counts:
    """Takes and sends it; returns the account. Raises MicroscopeError when the camera gave fewer frames."""
    if widefield.camera is not None:
        require_camera(core, widefield.camera)
        core.setCameraDevice(widefield.camera)
    require_one_camera(core)
    require_idle(core)
    if widefield.preset is not None:
        require_preset(core, widefield.preset)
        core.setConfig(widefield.preset.group, widefield.preset.name)
        core.waitForConfig(widefield.preset.group, widefield.preset.name)
    if widefield.exposure_ms is not None:
        core.setExposure(widefield.exposure_ms)
    setup, stage, kept = read_setup(core), stage_position(core), widefield.kept
    burst = Sequence(core=core, frames=widefield.frames, stopping=stopping)
    with FramePublisher(endpoint) as publisher:
        publisher.start(
            Series(
                name=name,
                source=setup.source,
                camera=setup.camera,
                pixel_size_nm=widefield.pixel_size_nm or setup.pixel_size_nm,
                affine_um=setup.affine_um,
                exposure_ms=setup.exposure_ms,
                expected_frames=kept,
                widefield=True,
                widefield_skip_frames=0,
            )
        )
        publisher.begin_tile(Tile(frames=kept))
        for number, image in enumerate(burst.run()):
            if number >= widefield.ignored:
                frame = describe_frame(
                    image.metadata, stage_um=stage, stage_measured=stage is not None, queue_depth=image.queue_depth
                )
                publisher.send_frame(image.pixels, frame)
        counts = publisher.end()
    if burst.captured < widefield.frames and not stopping():
        why = "the core's image buffer was full: make it larger" if burst.overflowed else "it stopped by itself"
        raise MicroscopeError(f"the camera gave {burst.captured} of {widefield.frames} widefield frames: {why}")
    return counts
