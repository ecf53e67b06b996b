"""What napari calls when somebody opens a file that the daemon wrote.

Comes in: paths. Goes out: layers as (data, settings, kind), all in µm. Never: an answer for a file that is not ours.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from blinkd.napari.localizations import colour_range
from blinkd.napari.mosaic import contrast_limits
from blinkd.napari.world import AXES, UNITS, image_placed

RAMP = ("#286ef9", "#8c66ff", "#c661ea", "#f361c5", "#ff7d9b", "#ff9884", "#ffaf75", "#ffc555", "#eee000")
"""The daemon's colours for quantities: blue, magenta, orange, yellow; their order survives any colour blindness."""

LayerData: TypeAlias = "tuple[Any, dict[str, Any], str]"
Reader: TypeAlias = "Callable[[str | list[str]], list[LayerData]]"


def table_reader(path: str | list[str]) -> Reader | None:
    """For npe2: a reader for the daemon's Parquet tables, or None."""
    from blinkd.napari.table import is_table

    return _read_tables if all(is_table(one) for one in _paths(path)) else None


def ome_zarr_reader(path: str | list[str]) -> Reader | None:
    """For npe2: a reader for OME-Zarr pictures, or None."""
    from blinkd.napari.ome_zarr import is_ome_zarr

    return _read_pictures if all(is_ome_zarr(one) for one in _paths(path)) else None


def _paths(path: str | list[str]) -> list[Path]:
    return [Path(one) for one in ([path] if isinstance(path, str) else path)]


def _read_tables(path: str | list[str]) -> list[LayerData]:
    return [layer for one in _paths(path) for layer in table_layers(one)]


def _read_pictures(path: str | list[str]) -> list[LayerData]:
    return [layer for one in _paths(path) for layer in picture_layers(one)]


def table_layers(path: Path) -> list[LayerData]:
    """A table as a picture, and its points above it."""
    from blinkd.napari.table import read_table

    table = read_table(path)
    name = table.about.name
    picture = {
        "name": f"{name} · picture",
        "colormap": "inferno",
        "contrast_limits": contrast_limits(table.picture),
        "metadata": {"localizations": table.about.rows},
        **image_placed(table.pixel_nm, *table.corner_nm),
    }
    points = points_settings(table.features, "z_nm" if table.about.three_d else "frame")
    points |= {"name": f"{name} · {table.note or 'localizations'}", "size": table.diameters_um}
    return [(table.picture, picture, "image"), (table.positions_um, points, "points")]


def points_settings(features: dict[str, Any], colour_by: str) -> dict[str, Any]:
    """How localizations look: discs without a border, coloured by a feature where there is one."""
    settings: dict[str, Any] = {
        "features": features,
        "border_width": 0.0,
        "opacity": 0.8,
        "units": UNITS,
        "axis_labels": AXES,
        "face_color": "white",
        "border_color": "white",
    }
    if len(features.get(colour_by, ())):
        # A small point is drawn in its border's colour, whatever the border's width.
        for part in ("face", "border"):
            settings |= {
                f"{part}_color": colour_by,
                f"{part}_colormap": {"name": "blinkd ramp", "colors": RAMP},
                f"{part}_contrast_limits": colour_range(features[colour_by]),
            }
    return settings


def picture_layers(path: Path) -> list[LayerData]:
    """An OME-Zarr picture, a layer per channel."""
    from blinkd.napari.ome_zarr import read_ome_zarr

    layers: list[LayerData] = []
    channels = read_ome_zarr(path)
    for channel in channels:
        settings: dict[str, Any] = {
            "name": channel.name,
            "multiscale": len(channel.levels) > 1,
            "scale": channel.scale,
            "translate": channel.translate,
            "units": channel.units,
            "axis_labels": channel.axes,
            "visible": channel.visible,
        }
        if channel.colour is not None:
            settings["colormap"] = channel.colour
        if channel.contrast is not None:
            settings["contrast_limits"] = channel.contrast
        if len(channels) > 1:
            settings["blending"] = "additive"
        layers.append((channel.levels if len(channel.levels) > 1 else channel.levels[0], settings, "image"))
    return layers
