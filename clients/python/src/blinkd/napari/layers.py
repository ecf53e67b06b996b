"""The layers of the followed series: picture, points, tiles.

Comes in: mosaics, localizations, a grid. Goes out: napari layers in µm, changed in place so that what somebody set on
them stays. Never: a request; a layer brought back that somebody removed, before the series or the wish is a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import napari
from napari.layers import Image, Points, Shapes

from blinkd.napari.localizations import COLOUR_BY, Found, colour_range
from blinkd.napari.mosaic import Mosaic, contrast_limits
from blinkd.napari.readers import points_settings
from blinkd.napari.tile_grid import TileGrid
from blinkd.napari.world import AXES, UNITS, image_placed

CONTRAST_HYSTERESIS = 0.1
"""The limits follow the data once they would change by more than this share of themselves."""
GAMMA = 0.7
"""Of a new picture: single localizations are seen beside crowds."""
EDGE_OF_FIELD = 1 / 150
"""A rectangle's line, as a share of its shorter side..."""
EDGE_OF_SCAN = 1 / 600
"""...but at least so much of the scan: when all of it is on the screen, a line is a pixel wide."""
MOVED_OF_FIELD = 0.01
"""Tiles are drawn anew once one lies elsewhere by more: places of tiles to come follow the stage a little each time."""
TEXT_OF_FIELD = 1 / 16
"""Height of its label, so that labels of small tiles do not lie upon each other."""


class SeriesLayers:
    """Used from napari's thread only."""

    def __init__(self, viewer: napari.Viewer, *, on_contrast_set: Callable[[], None] = lambda: None) -> None:
        """`on_contrast_set`: called when somebody sets contrast limits by hand."""
        self._viewer, self._on_contrast_set = viewer, on_contrast_set
        self.picture: Image | None = None
        self.points: Points | None = None
        self.grid: Shapes | None = None
        self.follow_contrast = True
        self._setting_contrast = False
        self.mosaic: Mosaic | None = None
        self._series_id: bytes | None = None
        self._grid: TileGrid | None = None
        self._name = ""

    def _mine(self, layer: Any) -> bool:
        return layer is not None and layer in self._viewer.layers

    def lay_out(self, series_id: bytes, name: str, mosaic: Mosaic) -> None:
        """Another series, or other levels of the same."""
        other = series_id != self._series_id
        self._series_id, self._name, self.mosaic = series_id, name, mosaic
        box = mosaic.layout.box(mosaic.layout.finest)
        pixel_nm = mosaic.layout.pixel_nm(mosaic.layout.finest)
        placed = image_placed(pixel_nm, box.x_min * pixel_nm, box.y_min * pixel_nm)
        if other:
            self._remove_points()
            self._remove_grid()
        if self._mine(self.picture):
            assert self.picture is not None
            self.picture.data = mosaic.levels
            self.picture.scale, self.picture.translate = placed["scale"], placed["translate"]
            self.picture.name = f"{name} · picture"
        elif other or self.picture is None:
            self.picture = self._viewer.add_image(
                mosaic.levels,
                multiscale=True,
                name=f"{name} · picture",
                colormap="inferno",
                interpolation2d="linear",
                gamma=GAMMA,
                contrast_limits=contrast_limits(mosaic.shown()),
                **placed,
            )
            self.picture.events.contrast_limits.connect(self._contrast_set)
            self.picture.events.set_data.connect(self._fit_contrast)
        if other:
            self._viewer.canvas.overlays.scale_bar.visible = True
            self._viewer.reset_view()

    def _remove_points(self) -> None:
        if self._mine(self.points):
            self._viewer.layers.remove(self.points)
        self.points = None

    def redraw(self) -> None:
        """Tiles have come into the mosaic."""
        if self.mosaic is None or not self._mine(self.picture):
            return
        assert self.picture is not None
        if self.picture.data_level == len(self.picture.data) - 1:
            self.mosaic.look_at_coarsest()
        self.picture.refresh(extent=False)  # and with it the contrast

    def _fit_contrast(self) -> None:
        """To what is on the screen now."""
        if self.follow_contrast and self.mosaic is not None and self.picture is not None:
            low, high = contrast_limits(self.mosaic.shown())
            now = self.picture.contrast_limits[1]
            if abs(high - now) > CONTRAST_HYSTERESIS * now:
                self._set_contrast(self.picture, low, high)

    def _set_contrast(self, picture: Image, low: float, high: float) -> None:
        self._setting_contrast = True
        try:
            picture.contrast_limits_range = (low, 2 * high)
            picture.contrast_limits = (low, high)
        finally:
            self._setting_contrast = False

    def _contrast_set(self) -> None:
        if not self._setting_contrast:
            self._on_contrast_set()

    def show_points(self, found: Found, *, colour_by: str) -> None:
        """In place of those before."""
        if found.series_id != self._series_id:
            return  # of a series that is not followed any more
        self._remove_points()
        self.points = self._viewer.add_points(
            found.positions_um,
            size=found.diameters_um,
            name=f"{self._name} · localizations",
            metadata={"note": found.note},
            **points_settings(found.features, COLOUR_BY[colour_by]),
        )

    def colour_points(self, colour_by: str) -> None:
        """By another feature."""
        name = COLOUR_BY[colour_by]
        if not self._mine(self.points):
            return
        assert self.points is not None
        if not len(self.points.data):
            return
        ends = colour_range(self.points.features[name].to_numpy())
        for part in ("face", "border"):
            setattr(self.points, f"{part}_color", name)
            setattr(self.points, f"{part}_contrast_limits", ends)
        self.points.refresh_colors()

    def show_grid(self, grid: TileGrid | None) -> None:
        """The scan's tiles; None: none."""
        if grid is None or (self._grid is not None and len(grid.labels) != len(self._grid.labels)):
            self._remove_grid()
        if grid is None or not grid.labels or grid.series_id != self._series_id:
            return
        if self._grid is None:
            self._add_grid(grid)
        elif self._mine(self.grid):
            moved = abs(grid.corners_um - self._grid.corners_um).max()
            if moved < MOVED_OF_FIELD * side_um(grid):
                grid = replace(grid, corners_um=self._grid.corners_um)
            self._change_grid(grid, self._grid)
        self._grid = grid

    def _remove_grid(self) -> None:
        if self._mine(self.grid):
            self._viewer.layers.remove(self.grid)
        self.grid = self._grid = None

    def _add_grid(self, grid: TileGrid) -> None:
        side = side_um(grid)
        self.grid = self._viewer.add_shapes(
            list(grid.corners_um),
            shape_type="rectangle",
            name=f"{self._name} · tiles",
            edge_color=grid.colours,
            edge_width=max(side * EDGE_OF_FIELD, extent_um(grid) * EDGE_OF_SCAN),
            face_color="transparent",
            features={"tile": list(grid.labels)},
            text={
                "string": "{tile}",
                "color": "white",
                "size": side * TEXT_OF_FIELD,
                "scaling": True,
                "anchor": "upper_left",
                # From above the corner into the field.
                "translation": [2 * side * TEXT_OF_FIELD, side * TEXT_OF_FIELD / 2],
            },
            opacity=0.9,
            units=UNITS,
            axis_labels=AXES,
        )

    def _change_grid(self, grid: TileGrid, before: TileGrid) -> None:
        assert self.grid is not None
        if grid.corners_um is not before.corners_um:
            self.grid.data = list(grid.corners_um)
        if grid.states != before.states:
            self.grid.edge_color = grid.colours


def side_um(grid: TileGrid) -> float:
    """The shorter side of a tile."""
    corners = grid.corners_um[0]
    return float((corners.max(axis=0) - corners.min(axis=0)).min())


def extent_um(grid: TileGrid) -> float:
    """The longer side of all tiles together."""
    corners = grid.corners_um.reshape(-1, 2)
    return float((corners.max(axis=0) - corners.min(axis=0)).max())
