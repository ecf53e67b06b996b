"""Pictures as files, and as arrays with their place.

In: a rendered picture's bytes. Out: a file that is whole or not there; a `Picture`. Never: a picture drawn here.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from blinkd.client.pictures import Picture, Viewport, pixels
from blinkd.v1 import preview_pb2 as pb

SLOW_S = 300.0
"""Limit for what takes the daemon long: networks, large pictures, tables."""


def is_tiff(path: str | Path) -> bool:
    """What the name of a file asks for."""
    suffix = Path(path).suffix.lower()
    if suffix not in (".png", ".tif", ".tiff"):
        raise ValueError(f"path: '{path}' must end in .png, .tif or .tiff")
    return suffix != ".png"


def put(path: str | Path, data: bytes) -> Path:
    """Whole under its name, or not there."""
    to = Path(path)
    part = to.with_name(to.name + ".part")
    try:
        part.write_bytes(data)
        os.replace(part, to)
    finally:
        part.unlink(missing_ok=True)
    return to


def picture_of(message: pb.Picture, viewport: Viewport | None, series_id: bytes) -> Picture:
    """The picture of a region; whole pixels begin at or before the region does."""
    pixel = message.pixel_size_nm
    left, top = (viewport.x_min_nm, viewport.y_min_nm) if viewport else (0.0, 0.0)
    return Picture(
        series_id=series_id,
        rgb=pixels(message.png),
        x_min_nm=math.floor(left / pixel + 1e-6) * pixel,
        y_min_nm=math.floor(top / pixel + 1e-6) * pixel,
        pixel_size_nm=pixel,
        true_for_seq=message.true_for_seq,
        localizations=message.localizations,
    )
