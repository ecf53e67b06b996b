"""The world that all layers share: µm, axes (y, x), origin at the corner of the first camera pixel.

Comes in: camera pixels with centres at integers, nm from the corner. Goes out: napari's coordinates, in which the
centre of an image's first pixel lies at its `translate`. Never: another place where half a pixel is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

UNITS = ("µm", "µm")
AXES = ("y", "x")
NM_PER_UM = 1000.0

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)


@dataclass(frozen=True)
class Region:
    """A rectangle in nm from the corner of the first camera pixel."""

    x_min_nm: float
    y_min_nm: float
    x_max_nm: float
    y_max_nm: float

    def holds(self, x_nm: Floats, y_nm: Floats) -> npt.NDArray[np.bool_]:
        """Which positions lie inside; those on the upper edges do not."""
        return (x_nm >= self.x_min_nm) & (x_nm < self.x_max_nm) & (y_nm >= self.y_min_nm) & (y_nm < self.y_max_nm)

    def covers(self, other: Region) -> bool:
        """Whether all of the other lies inside."""
        return (
            self.x_min_nm <= other.x_min_nm
            and self.y_min_nm <= other.y_min_nm
            and self.x_max_nm >= other.x_max_nm
            and self.y_max_nm >= other.y_max_nm
        )

    def touches(self, other: Region) -> bool:
        """Whether they share an area."""
        return (
            self.x_min_nm < other.x_max_nm
            and other.x_min_nm < self.x_max_nm
            and self.y_min_nm < other.y_max_nm
            and other.y_min_nm < self.y_max_nm
        )

    def grown(self, by_nm: float) -> Region:
        """The same with a margin on each side."""
        return Region(self.x_min_nm - by_nm, self.y_min_nm - by_nm, self.x_max_nm + by_nm, self.y_max_nm + by_nm)

    def joined(self, other: Region) -> Region:
        """The smallest that holds both."""
        return Region(
            min(self.x_min_nm, other.x_min_nm),
            min(self.y_min_nm, other.y_min_nm),
            max(self.x_max_nm, other.x_max_nm),
            max(self.y_max_nm, other.y_max_nm),
        )


def nm_of_px(at_px: Number, pixel_size_nm: float, corner_nm: float = 0.0) -> Number:
    """A camera pixel coordinate, centres at integers, as nm from the corner; `corner_nm`: that of the tile's field."""
    return (at_px + 0.5) * pixel_size_nm + corner_nm


def points_um(x_nm: Floats, y_nm: Floats) -> Floats:
    """Positions in nm from the corner as napari's points: (n, 2), (y, x) in µm."""
    return np.column_stack((y_nm, x_nm)) / NM_PER_UM


def image_placed(pixel_nm: float, x_min_nm: float, y_min_nm: float) -> dict[str, Any]:
    """Layer settings of an image whose first pixel has its corner there. napari's coordinate 0 is a pixel's centre."""
    return {
        "scale": (pixel_nm / NM_PER_UM, pixel_nm / NM_PER_UM),
        "translate": ((y_min_nm + pixel_nm / 2) / NM_PER_UM, (x_min_nm + pixel_nm / 2) / NM_PER_UM),
        "units": UNITS,
        "axis_labels": AXES,
    }
