"""A bead stack from its file, or the reason why it is none.

Comes in: a TIFF or .npy. Goes out: counts [Z, H, W] as recorded. Never: guesses which axis is z.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

VOXELS_MAX = 1 << 31
FULL_WELLS = (4095, 16383, 65535)
"""Largest counts of cameras with 12, 14 and 16 bits."""
PLATEAU_PIXELS, PLATEAU_SLICES = 4, 3
"""So many pixels of a slice share the stack's largest count, in so many slices: a detector that is full."""
SLICES_MIN = 7


class CalibrationError(ValueError):
    """A stack that cannot be calibrated; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class BeadStack:
    """counts [Z, H, W] in the file's dtype; z rises with the slice."""

    name: str
    counts: NDArray[Any]


def read_stack(path: Path, *, z_falls: bool = False) -> BeadStack:
    """Reads and checks the shape. ``z_falls``: the first slice is the one farthest from the objective."""
    if not path.is_file():
        raise CalibrationError(f"{path}: no such file")
    try:
        axes, counts = ("", np.load(path)) if path.suffix == ".npy" else _read_tiff(path)
    except CalibrationError:
        raise
    except Exception as error:
        raise CalibrationError(f"{path}: cannot be read as TIFF or .npy ({error}); save it again from Fiji") from error
    if "S" in axes or (counts.ndim == 3 and counts.shape[-1] in (3, 4)):
        raise CalibrationError(
            f"{path}: a colour picture, {_shape(counts, axes)}; save the camera's raw counts in grey"
        )
    if counts.ndim == 2:
        raise CalibrationError(
            f"{path}: a single picture, {_shape(counts, axes)}, not a z-stack; record one picture every 10 to 50 nm "
            "through the focus"
        )
    if counts.ndim != 3:
        raise CalibrationError(
            f"{path}: has axes {_shape(counts, axes)}; save one channel and one time point as a plain z-stack"
        )
    if len(counts) < SLICES_MIN:
        raise CalibrationError(
            f"{path}: stack too short, {len(counts)} slices; {SLICES_MIN} are the least, 40 or more are good"
        )
    if counts.dtype.kind not in "uif" or not np.isfinite(counts).all():
        raise CalibrationError(f"{path}: holds {counts.dtype} values that are not finite counts; save the raw data")
    return BeadStack(name=path.name, counts=counts[::-1] if z_falls else counts)


def check_saturation(counts: NDArray[Any], *, name: str) -> None:
    """``counts`` [Z, h, w] of one bead, as recorded."""
    top = counts.max()
    full = (counts == top).sum(axis=(1, 2))
    at_limit = counts.dtype.kind in "ui" and (int(top) in FULL_WELLS or int(top) == np.iinfo(counts.dtype).max)
    plateau = int((full >= PLATEAU_PIXELS).sum()) >= PLATEAU_SLICES
    if at_limit or plateau:
        raise CalibrationError(
            f"{name}: saturated, {int(full.sum())} pixels in {int((full > 0).sum())} slices stand at {top:g}; "
            "halve the exposure or the laser power and record again"
        )


def _read_tiff(path: Path) -> tuple[str, NDArray[Any]]:
    with tifffile.TiffFile(path) as file:
        if len(file.series) == 0:
            raise CalibrationError(f"{path}: a TIFF without pictures")
        series = file.series[0]
        if int(np.prod(series.shape, dtype=np.int64)) > VOXELS_MAX:
            raise CalibrationError(f"{path}: {series.shape} is too large; cut out a region of a few hundred pixels")
        return str(series.axes), np.asarray(series.asarray())


def _shape(counts: NDArray[Any], axes: str) -> str:
    return f"{' x '.join(str(n) for n in counts.shape)}{f' ({axes})' if axes else ''}"
