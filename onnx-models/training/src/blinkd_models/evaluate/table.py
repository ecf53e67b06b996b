"""Tables of emitters: what was true or what was found, one row per emitter and frame.

Comes in: a CSV of ThunderSTORM, of the SMLM challenges or of ``blinkd_models infer``. Goes out: ``Table`` in nm from
the corner of the first pixel, frames from 0. Never: a position without a unit.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from blinkd_models.evaluate.match import Array, Index

QUANTITIES = {
    "frame": "frame", "frame_ix": "frame", "x": "x", "y": "y", "z": "z",
    "intensity": "photons", "photons": "photons", "phot": "photons",
    "offset": "background", "background": "background", "bg": "background",
    "uncertainty": "sigma_xy", "uncertainty_xy": "sigma_xy", "uncertainty_x": "sigma_x", "uncertainty_y": "sigma_y",
    "uncertainty_z": "sigma_z", "sigma_x": "sigma_x", "sigma_y": "sigma_y", "sigma_z": "sigma_z",
}  # fmt: skip
"""What a column means. ThunderSTORM's ``sigma`` is the width of the PSF and not asked for."""

NM_PER = {"nm": 1.0, "um": 1e3, "µm": 1e3, "μm": 1e3}
PIXELS = ("px", "pixel")


@dataclass(frozen=True, kw_only=True)
class Table:
    """All [N]; what the file does not have is None, z then 0. Sigmas are standard deviations of the position."""

    frame: Index
    x_nm: Array
    y_nm: Array
    z_nm: Array
    photons: Array | None = None
    background: Array | None = None
    sigma_x_nm: Array | None = None
    sigma_y_nm: Array | None = None
    sigma_z_nm: Array | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def positions_nm(self) -> Array:
        """[N, 3]."""
        return np.column_stack([self.x_nm, self.y_nm, self.z_nm])

    def of_frame(self, frame: int) -> Table:
        """The rows of one frame."""
        here = self.frame == frame
        columns: dict[str, Any] = {}
        for name in (field.name for field in fields(self)):
            values = getattr(self, name)
            columns[name] = None if values is None else values[here]
        return Table(**columns)

    def sigmas_nm(self, rows: Index) -> Array:
        """Of some rows, [_, 3] for x, y, z; NaN where the table has none."""
        none = np.full(len(rows), np.nan)
        sigmas = (self.sigma_x_nm, self.sigma_y_nm, self.sigma_z_nm)
        return np.column_stack([none if sigma is None else sigma[rows] for sigma in sigmas])


def joined(tables: Sequence[Table], *, first_frames: Sequence[int]) -> Table:
    """One table of all rows; the frames of each begin at its ``first_frames``. All must have the same columns."""
    frame = np.concatenate([table.frame + first for table, first in zip(tables, first_frames, strict=True)])
    columns: dict[str, Any] = {}
    for name in (field.name for field in fields(Table) if field.name != "frame"):
        parts = [getattr(table, name) for table in tables]
        columns[name] = None if parts[0] is None else np.concatenate(parts)
    return Table(frame=frame, **columns)


def read_table(path: Path, *, pixel_size_nm: float | None = None, first_frame: int | None = None) -> Table:
    """Reads a CSV with a header. Positions in px have pixel centres at integers; in nm they start at the corner.

    ``first_frame``: the number of the first frame; None: 0 where positions are in pixels, as ``infer`` writes them,
    otherwise 1 as in ThunderSTORM.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = [name.replace('"', "").strip() for name in next(reader, [])]
        values = np.array([_numbers(row, path=path, line=reader.line_num, header=header) for row in reader if row])
    values = values.reshape(-1, len(header))
    columns: dict[str, Array] = {}
    in_pixels = False
    for place, name in enumerate(header):
        stem, unit = _split_unit(name.lower())
        quantity = QUANTITIES.get(stem)
        if quantity is None:
            continue
        column = values[:, place]
        if quantity in ("x", "y", "z") or quantity.startswith("sigma"):
            in_pixels |= unit in PIXELS
            column = _lengths(column, unit=unit, quantity=quantity, path=path, name=name, pixel_size_nm=pixel_size_nm)
        columns[quantity] = column
    for needed in ("frame", "x", "y"):
        if needed not in columns:
            raise ValueError(f"{path}: no column for {needed}; found {', '.join(header)}")
    for needed in {"frame", "x", "y", "z"} & columns.keys():
        if not np.isfinite(columns[needed]).all():
            raise ValueError(f"{path}: column {needed} holds values that are not numbers; clean the table")
    start = first_frame if first_frame is not None else (0 if in_pixels else 1)
    frame = columns["frame"] - start
    if len(frame) and (frame.min() < 0 or (frame % 1 != 0).any()):
        raise ValueError(f"{path}: frames must be whole numbers from {start}; say where they start with --first-frame")
    lateral = columns.get("sigma_xy")
    return Table(
        frame=frame.astype(np.int64),
        x_nm=columns["x"],
        y_nm=columns["y"],
        z_nm=columns.get("z", np.zeros(len(frame))),
        photons=columns.get("photons"),
        background=columns.get("background"),
        sigma_x_nm=columns.get("sigma_x", lateral),
        sigma_y_nm=columns.get("sigma_y", lateral),
        sigma_z_nm=columns.get("sigma_z"),
    )


def _numbers(row: list[str], *, path: Path, line: int, header: list[str]) -> list[float]:
    if len(row) != len(header):
        raise ValueError(f"{path}, line {line}: {len(row)} values for {len(header)} columns")
    try:
        return [float(field) if field.strip() else math.nan for field in row]
    except ValueError as error:
        raise ValueError(f"{path}, line {line}: {error}") from error


def _split_unit(name: str) -> tuple[str, str]:
    """``x [nm]``, ``x_nm`` and ``xnano`` into the quantity and its unit."""
    if "[" in name:
        stem, _, rest = name.partition("[")
        return stem.strip(), rest.rstrip("] ")
    if name.endswith("nano"):
        return name.removesuffix("nano"), "nm"
    stem, _, unit = name.rpartition("_")
    return (stem, unit) if unit in NM_PER or unit in PIXELS else (name, "")


def _lengths(column: Array, *, unit: str, quantity: str, path: Path, name: str, pixel_size_nm: float | None) -> Array:
    """In nm; a position moves from the centre of the first pixel to its corner."""
    if unit in NM_PER:
        return column * NM_PER[unit]
    if unit not in PIXELS:
        raise ValueError(f"{path}: column '{name}' has no unit; call it '{name} [nm]' or '{name} [px]'")
    if pixel_size_nm is None:
        raise ValueError(f"{path}: column '{name}' is in pixels; give --pixel-size-nm")
    return (column + (0.5 if quantity in ("x", "y") else 0.0)) * pixel_size_nm
