"""What part of the world is on the screen.

Comes in: napari's camera and canvas. Goes out: a region in nm. Never: more than what can be seen; in 3D there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import napari

from blinkd.napari.world import NM_PER_UM, Region


def visible_region(viewer: napari.Viewer) -> Region | None:
    """The rectangle of the µm world that a viewer shows; None in 3D."""
    if viewer.dims.ndisplay != 2:
        return None
    camera = viewer.scene.camera
    return seen(camera.center[-2:], camera.zoom, viewer.canvas.viewbox_size(viewer.layers))


def seen(centre_um: Sequence[float], zoom: float, size_px: Sequence[float]) -> Region:
    """Centre (y, x), screen pixels per µm, height and width of the canvas."""
    (y_nm, x_nm), (height, width) = (float(at) * NM_PER_UM for at in centre_um), size_px
    half_x, half_y = (side / (2 * zoom) * NM_PER_UM for side in (width, height))
    return Region(x_nm - half_x, y_nm - half_y, x_nm + half_x, y_nm + half_y)
