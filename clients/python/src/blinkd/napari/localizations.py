"""Localizations of a region, on demand and bounded.

Comes in: a wish (region, frames, at most how many), the daemon's answers piece by piece. Goes out: positions in µm,
diameters, columns to colour by, and a sentence when something was left out. Never: more than the wish allows and one
piece in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from blinkd.client.acquisitions import Acquisition
from blinkd.client.localizations import LocalizationBatch
from blinkd.napari.world import NM_PER_UM, Region, nm_of_px, points_um

NO_LAST_FRAME = 2**32 - 1
"""What the daemon counts frames with ends there."""
MOST_POINTS = 1_000_000
"""No wish may exceed it: napari becomes slow beyond."""
TILES_ASKED_SINGLY = 4
"""So many tiles of a scan are asked for one by one; for more, all are, and those outside left aside."""
SMALLEST_DIAMETER_NM = 1.0
"""Of a point whose σ the network does not know."""

Columns: TypeAlias = "dict[str, npt.NDArray[Any]]"
Query: TypeAlias = "Callable[..., Iterator[LocalizationBatch]]"
"""`Client.iter_query`."""
COLOUR_BY: Mapping[str, str] = {
    "z (nm)": "z_nm",
    "frame": "frame",
    "σ (nm)": "sigma_nm",
    "photons": "photons",
    "background": "background",
    "probability": "probability",
}
"""What points may be coloured by, as shown, and the feature's name."""


class PlaceError(ValueError):
    """Localizations that have no place in the picture; the text says why."""


@dataclass(frozen=True, kw_only=True)
class PointsWish:
    """What somebody wants to see. `last_frame`: included; None: the end."""

    region: Region | None = None
    first_frame: int = 0
    last_frame: int | None = None
    most: int = 100_000


@dataclass(frozen=True, kw_only=True)
class Found:
    """Localizations as napari's points, and what was left out, in words."""

    series_id: bytes = b""
    positions_um: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    diameters_um: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    features: Columns = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of view: its camera pixels and where the corner of its first pixel lies in the picture."""

    pixel_x_nm: float
    pixel_y_nm: float
    width_px: int
    height_px: int
    corner_x_nm: float
    corner_y_nm: float

    @property
    def region(self) -> Region:
        """What the camera saw there."""
        return Region(
            self.corner_x_nm,
            self.corner_y_nm,
            self.corner_x_nm + self.width_px * self.pixel_x_nm,
            self.corner_y_nm + self.height_px * self.pixel_y_nm,
        )


def fields_of(acquisition: Acquisition) -> dict[int, Field]:
    """By tile index; a series without tiles has one, 0."""
    first = first_field(acquisition)
    fields = {
        tile.tile_index: replace(first, corner_x_nm=tile.corner_x_nm, corner_y_nm=tile.corner_y_nm)
        for tile in acquisition.tiles
    }
    return fields or {0: first}


def first_field(acquisition: Acquisition) -> Field:
    """What the camera sees at the series' first tile."""
    return Field(
        pixel_x_nm=acquisition.pixel_size_x_nm,
        pixel_y_nm=acquisition.pixel_size_y_nm,
        width_px=acquisition.width_px,
        height_px=acquisition.height_px,
        corner_x_nm=0.0,
        corner_y_nm=0.0,
    )


def placed(batch: LocalizationBatch, fields: Mapping[int, Field]) -> Columns:
    """Columns of a batch with `x_nm`, `y_nm` in the picture, `sigma_nm` lateral; of unknown tiles nothing."""
    tile = np.asarray(batch.tile)
    columns: Columns = {
        name: np.asarray(getattr(batch, name))
        for name in ("frame", "tile", "z_nm", "photons", "background", "sigma_z_nm", "probability")
    }
    x_nm, y_nm, sigma_nm = (np.full(tile.shape, np.nan) for _ in range(3))
    for index in np.unique(tile):
        seen = fields.get(int(index))
        if seen is None:
            continue
        of = tile == index
        x_nm[of] = nm_of_px(np.asarray(batch.x_px, float)[of], seen.pixel_x_nm, seen.corner_x_nm)
        y_nm[of] = nm_of_px(np.asarray(batch.y_px, float)[of], seen.pixel_y_nm, seen.corner_y_nm)
        sigma_x = np.asarray(batch.sigma_x_px, float)[of] * seen.pixel_x_nm
        sigma_y = np.asarray(batch.sigma_y_px, float)[of] * seen.pixel_y_nm
        sigma_nm[of] = np.sqrt((sigma_x**2 + sigma_y**2) / 2)
    columns |= {"x_nm": x_nm, "y_nm": y_nm, "sigma_nm": sigma_nm}
    known = np.isfinite(x_nm) & np.isfinite(y_nm)
    return {name: values[known] for name, values in columns.items()}


def collect(
    query: Query, acquisition: Acquisition, wish: PointsWish, *, stop: Callable[[], bool] = lambda: False
) -> Found:
    """Reads until the region's localizations are there, the wish is full or `stop()`."""
    fields = fields_of(acquisition)
    if not (acquisition.pixel_size_x_nm > 0 and acquisition.pixel_size_y_nm > 0):
        raise PlaceError(f"series '{acquisition.name}' does not say its pixel size: its publisher should")
    most = min(wish.most, MOST_POINTS)
    kept: list[Columns] = []
    count, note = 0, ""
    with closing(_pieces(query, acquisition.series_id, _tiles_asked(fields, wish), wish)) as pieces:
        for piece in pieces:
            if stop():
                note = "stopped before all frames were read"
                break
            columns = _wished(placed(piece, fields), wish)
            room = most - count
            count += len(columns["frame"])
            kept.append({name: values[:room] for name, values in columns.items()})
            if count > most:
                note = _cut(most, int(columns["frame"][room]), wish)
                break
    return _found(acquisition.series_id, kept, note)


def _tiles_asked(fields: Mapping[int, Field], wish: PointsWish) -> list[int | None]:
    """None: all of them at once."""
    if len(fields) == 1 or wish.region is None:
        return [None]
    touched = [index for index, one in sorted(fields.items()) if wish.region.touches(one.region)]
    return list(touched) if len(touched) <= TILES_ASKED_SINGLY else [None]


def _pieces(
    query: Query, series_id: bytes, tiles: Iterable[int | None], wish: PointsWish
) -> Generator[LocalizationBatch, None, None]:
    # The daemon reads a last frame of 0 as the end.
    last = NO_LAST_FRAME if wish.last_frame is None else max(wish.last_frame, 1)
    if last < wish.first_frame:
        return
    for tile in tiles:
        yield from query(series_id, tile=tile, frames=(wish.first_frame, last), as_shown=True)


def _wished(columns: Columns, wish: PointsWish) -> Columns:
    wished = columns["frame"] >= wish.first_frame
    if wish.last_frame is not None:
        wished &= columns["frame"] <= wish.last_frame
    if wish.region is not None:
        wished &= wish.region.holds(columns["x_nm"], columns["y_nm"])
    return {name: values[wished] for name, values in columns.items()}


def _cut(most: int, at_frame: int, wish: PointsWish) -> str:
    return (
        f"cut at {most:,} points, at frame {at_frame:,} of {wish.first_frame:,} and later: "
        "zoom in, ask for fewer frames or allow more points"
    )


def _found(series_id: bytes, kept: list[Columns], note: str) -> Found:
    if not kept:
        return Found(series_id=series_id, note=note)
    columns = {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}
    return Found(
        series_id=series_id,
        positions_um=points_um(columns.pop("x_nm"), columns.pop("y_nm")),
        diameters_um=diameters_um(columns["sigma_nm"]),
        features=columns,
        note=note,
    )


def diameters_um(sigma_nm: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A point's diameter: from -σ to +σ; where σ is unknown (0 or NaN) as small as can be seen."""
    known = np.where(np.isfinite(sigma_nm), sigma_nm, 0.0).astype(np.float64)
    diameters: npt.NDArray[np.float64] = np.maximum(2.0 * known, SMALLEST_DIAMETER_NM) / NM_PER_UM
    return diameters


def colour_range(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Ends of the colours: what holds all but one of a hundred at either end."""
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, (1.0, 99.0)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)
