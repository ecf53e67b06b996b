"""The daemon's table of localizations, read a row group at a time.

Comes in: a Parquet file with nm from the corner of the first camera pixel. Goes out: a picture of all rows, and at most
MOST_POINTS of them as points, evenly taken. Never: more than a row group and the points in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet

from blinkd.napari.localizations import diameters_um
from blinkd.napari.world import Region, points_um

MOST_POINTS = 200_000
"""Of a longer table every n-th row becomes a point; the picture has them all."""
PIXEL_NM = 10.0
"""Of the picture, doubled until it has no more than MOST_SIDE_PX a side."""
MOST_SIDE_PX = 4096
NEEDED = ("frame", "x_nm", "y_nm", "sigma_x_nm", "sigma_y_nm")
SHOWN = ("frame", "tile", "z_nm", "photons", "background", "sigma_z_nm", "probability")
"""Features of the points, beside `sigma_nm`, where the table has them."""

Pixels = npt.NDArray[np.float32]


class TableError(ValueError):
    """A table that cannot be shown; the text names the file and what is missing."""


@dataclass(frozen=True, kw_only=True)
class TableAbout:
    """What a table says of itself. `region`: the camera's field, or where it does not say, what holds all rows."""

    name: str
    rows: int
    region: Region
    three_d: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as a picture and points."""

    about: TableAbout
    picture: Pixels  # localizations per pixel
    pixel_nm: float
    corner_nm: tuple[float, float]  # x and y of the first pixel's
    positions_um: npt.NDArray[np.float64]
    diameters_um: npt.NDArray[np.float64]
    features: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    every: int = 1  # each point stands for so many rows
    tiles: int = 1  # of a scan; the table does not say where they lie

    @property
    def note(self) -> str:
        """What was left out, or is not as it was in the sample."""
        notes = []
        if self.every > 1:
            notes.append(f"one in {self.every} of {self.about.rows:,} localizations")
        if self.tiles > 1:
            # The table has no places of tiles.
            notes.append(f"{self.tiles} tiles upon each other")
        return ", ".join(notes)


def is_table(path: str | Path) -> bool:
    """Whether a file has the columns that are needed; no for what is no Parquet."""
    try:
        names = pyarrow.parquet.read_schema(path).names
    except (OSError, ValueError):
        return False
    return set(NEEDED) <= set(names)


def read_table(path: str | Path) -> Table:
    """Reads the file twice: for where its localizations lie, and for the localizations."""
    path = Path(path)
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            about = _about(path, file)
            return _drawn(file, about)
    except (OSError, pyarrow.ArrowException) as error:
        raise TableError(f"{path} cannot be read: {error}") from error


def _about(path: Path, file: Any) -> TableAbout:
    missing = [name for name in NEEDED if name not in file.schema_arrow.names]
    if missing:
        raise TableError(f"{path} has no column {', '.join(missing)}: it is no table that blinkd wrote")
    told = {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}
    region = _extent(file)
    sides = [
        _number(told, f"blinkd.{name}") for name in ("pixel_size_x_nm", "width_px", "pixel_size_y_nm", "height_px")
    ]
    if all(side > 0 for side in sides):
        field_of_view = Region(0.0, 0.0, sides[0] * sides[1], sides[2] * sides[3])
        region = field_of_view if region is None else field_of_view.joined(region)
    return TableAbout(
        name=told.get("blinkd.series") or path.stem,
        rows=int(file.metadata.num_rows),
        region=region or Region(0.0, 0.0, 1.0, 1.0),
        three_d=told.get("blinkd.three_d") != "false",
    )


def _number(told: dict[str, str], key: str) -> float:
    try:
        return float(told.get(key, ""))
    except ValueError:
        return 0.0


def _groups(file: Any, columns: list[str]) -> Any:
    for number in range(file.num_row_groups):
        group = file.read_row_group(number, columns=columns)
        yield {name: group[name].to_numpy() for name in columns}


def _extent(file: Any) -> Region | None:
    region = None
    for group in _groups(file, ["x_nm", "y_nm"]):
        x, y = (group[name][np.isfinite(group[name])].astype(np.float64) for name in ("x_nm", "y_nm"))
        if x.size and y.size:
            here = Region(x.min(), y.min(), x.max(), y.max())
            region = here if region is None else region.joined(here)
    return region


class _Raster:
    """Counts in pixels that lie on one grid with every other picture, from the corner of the first camera pixel on."""

    def __init__(self, region: Region) -> None:
        self.pixel_nm = PIXEL_NM
        while max(region.x_max_nm - region.x_min_nm, region.y_max_nm - region.y_min_nm) > MOST_SIDE_PX * self.pixel_nm:
            self.pixel_nm *= 2
        self._left, self._top = self._index(region.x_min_nm), self._index(region.y_min_nm)
        width = max(1, math.ceil(region.x_max_nm / self.pixel_nm) - self._left)
        height = max(1, math.ceil(region.y_max_nm / self.pixel_nm) - self._top)
        self.counts = np.zeros((height, width), np.float32)

    def _index(self, at_nm: float) -> int:
        return math.floor(at_nm / self.pixel_nm)

    @property
    def corner_nm(self) -> tuple[float, float]:
        """x and y of the first pixel's corner."""
        return self._left * self.pixel_nm, self._top * self.pixel_nm

    def add(self, x_nm: npt.NDArray[Any], y_nm: npt.NDArray[Any]) -> None:
        height, width = self.counts.shape
        column = np.floor(x_nm / self.pixel_nm).astype(np.int64) - self._left
        row = np.floor(y_nm / self.pixel_nm).astype(np.int64) - self._top
        # What lies on the last edge belongs to the last pixel.
        at = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
        np.add.at(self.counts, at, np.float32(1))


def _drawn(file: Any, about: TableAbout) -> Table:
    raster = _Raster(about.region)
    every = max(1, -(-about.rows // MOST_POINTS))
    names = [*NEEDED, *(name for name in SHOWN if name in file.schema_arrow.names and name not in NEEDED)]
    kept: list[dict[str, npt.NDArray[Any]]] = [{name: np.empty(0, np.float32) for name in names}]
    before, tiles = 0, set[int]()
    for group in _groups(file, names):
        good = np.isfinite(group["x_nm"]) & np.isfinite(group["y_nm"])
        raster.add(group["x_nm"][good].astype(np.float64), group["y_nm"][good].astype(np.float64))
        chosen = good & ((np.arange(len(good)) + before) % every == 0)
        before += len(good)
        tiles.update(np.unique(group.get("tile", [])).tolist())
        kept.append({name: values[chosen] for name, values in group.items()})
    points = {name: np.concatenate([part[name] for part in kept]) for name in names}
    sigma_nm = np.sqrt((points["sigma_x_nm"].astype(float) ** 2 + points["sigma_y_nm"].astype(float) ** 2) / 2)
    return Table(
        about=about,
        picture=raster.counts,
        pixel_nm=raster.pixel_nm,
        corner_nm=raster.corner_nm,
        positions_um=points_um(points["x_nm"].astype(np.float64), points["y_nm"].astype(np.float64)),
        diameters_um=diameters_um(sigma_nm),
        features={**{name: points[name] for name in names if name in SHOWN}, "sigma_nm": sigma_nm},
        every=every,
        tiles=len(tiles),
    )
