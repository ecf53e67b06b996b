"""A program for an X server: the widget in a real napari window on a fake daemon. FOLDER for pictures.

Prints one JSON object: what was drawn where, which tiles were asked for, which threads are left. `test_canvas.py` runs
it under Xvfb and judges.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import numpy.typing as npt
from daemon_in_memory import PIXEL_NM, FakeDaemon, FakeSeries, batch
from qtpy.QtWidgets import QApplication

from blinkd.napari.widget import LiveWidget

DEADLINE_S = 60.0
SPOT_PX = (40.25, 270.75)
"""Column and row of the middle of a lone disc, in camera pixels with centres at integers."""
SPOT_UM = ((SPOT_PX[0] + 0.5) * PIXEL_NM / 1000, (SPOT_PX[1] + 0.5) * PIXEL_NM / 1000)
DISC_PX = 4.0


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {DEADLINE_S} s: {what}")
        QApplication.processEvents()
        time.sleep(0.01)  # polled, against the deadline above


def sample() -> FakeSeries:
    """Filaments, and apart from them a disc, evenly filled, in one plane."""
    rng = np.random.default_rng(8)
    columns = batch(rng, 200_000, side_px=512, frames=500)
    along = rng.uniform(0, 1, 200_000)
    which = rng.integers(0, 12, 200_000)
    x = 80 + 420 * along + rng.normal(0, 0.15, 200_000)
    columns.x_px = x.astype(np.float32)
    columns.y_px = (30 + 40 * which + 20 * np.sin(6 * along + which) + rng.normal(0, 0.15, 200_000)).astype(np.float32)
    columns.z_nm = (400 * np.sin(6 * along + which)).astype(np.float32)
    within = 10_000
    radius, turn = DISC_PX * np.sqrt(rng.uniform(0, 1, within)), rng.uniform(0, 2 * np.pi, within)
    columns.x_px[:within] = SPOT_PX[0] + radius * np.cos(turn)
    columns.y_px[:within] = SPOT_PX[1] + radius * np.sin(turn)
    columns.z_nm[:within] = 0.0
    return FakeSeries("filaments", columns, side_px=512, frames=500)


def drawn(viewer: napari.Viewer) -> npt.NDArray[np.float64]:
    """Brightness of the canvas; rows, columns."""
    shot = viewer.screenshot(canvas_only=True, flash=False)
    return np.asarray(shot[..., :3], float).sum(axis=2)


def spot_um(viewer: napari.Viewer, image: npt.NDArray[np.float64]) -> list[float]:
    """Where the disc's light is centred: x, y in µm."""
    camera = viewer.scene.camera
    height, width = image.shape
    rows, columns = np.indices(image.shape)
    x = (columns + 0.5 - width / 2) / camera.zoom + camera.center[-1]
    y = (rows + 0.5 - height / 2) / camera.zoom + camera.center[-2]
    reach = 1.2 * DISC_PX * PIXEL_NM / 1000
    weight = image * ((x - SPOT_UM[0]) ** 2 + (y - SPOT_UM[1]) ** 2 < reach**2)
    return [float((at * weight).sum() / weight.sum()) for at in (x, y)]


def at_level(viewer: napari.Viewer, widget: LiveWidget, level: int) -> dict[str, Any]:
    """Where the picture shows the disc, drawn from one level, whatever the zoom."""
    picture = viewer.layers["filaments · picture"]
    picture.locked_data_level = level
    until_here(widget)
    widget.layers.redraw()
    return {"level": level, "um": spot_um(viewer, drawn(viewer))}


def reads_at(viewer: napari.Viewer, daemon: FakeDaemon, widget: LiveWidget, zoom: float) -> dict[str, Any]:
    """Which tiles are asked for when somebody looks at the disc at so many screen pixels per µm."""
    daemon.requests.clear()
    viewer.scene.camera.zoom = zoom
    drawn(viewer)
    until_here(widget)
    height, width = viewer.canvas.size
    level = int(viewer.layers["filaments · picture"].data_level)
    reads = [list(one[1:]) for one in daemon.reads()]
    return {"level": level, "view_um": [width / zoom, height / zoom], "reads": reads}


def until_here(widget: LiveWidget) -> None:
    mosaic = widget.layers.mosaic
    assert mosaic is not None
    until(lambda: not mosaic.wanted(1), "the visible tiles")


def main(folder: Path) -> None:
    daemon = FakeDaemon(sample())
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1500, 950)
    widget = LiveWidget(viewer, connect=daemon.client)
    viewer.window.add_dock_widget(widget, name="Live super-resolution", area="right")
    widget.controls.connect.click()
    until(lambda: "filaments · picture" in viewer.layers, "the picture")
    until_here(widget)
    viewer.screenshot(str(folder / "napari-fake-picture.png"), canvas_only=False, flash=False)

    viewer.scene.camera.center = (0.0, SPOT_UM[1], SPOT_UM[0])
    reads = [reads_at(viewer, daemon, widget, zoom) for zoom in (40.0, 150.0)]
    viewer.scene.camera.zoom = 150.0
    picture = viewer.layers["filaments · picture"]
    levels = [at_level(viewer, widget, level) for level in range(len(picture.data))]
    picture.locked_data_level = None

    widget.controls.show_points.click()
    until(lambda: "filaments · localizations" in viewer.layers, "points")
    picture.visible = False
    points = spot_um(viewer, drawn(viewer))
    picture.visible = True
    viewer.reset_view()
    drawn(viewer)
    until_here(widget)
    widget.layers.redraw()
    viewer.screenshot(str(folder / "napari-fake-points.png"), canvas_only=False, flash=False)
    second = LiveWidget(viewer, connect=daemon.client)
    dock = viewer.window.add_dock_widget(second, name="Another")
    second.controls.connect.click()
    until(lambda: len(ours_left()) == 2, "a second follower")
    dock.destroyOnClose()  # as its x does
    until(lambda: len(ours_left()) == 1, "no second follower after its dock closed")
    viewer.close()
    until(lambda: not ours_left(), "no thread of ours is left after the window closed")
    seen = {"spot_um": SPOT_UM, "levels": levels, "points_um": points, "reads": reads, "threads": ours_left()}
    print(json.dumps(seen))


def ours_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("blinkd")]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
