"""Pictures, what they look like, and camera frames. Names and units are those of `preview.proto`."""

from __future__ import annotations

import enum
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from blinkd.client.convert import column, made
from blinkd.client.errors import RefusedError
from blinkd.v1 import preview_pb2 as pb

Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
CANVAS_MAX_PX = 8192 * 8192
"""Of a followed picture: as many as one that is rendered at once may have; 192 MiB, and as much again in tiles."""


def pixels(png: bytes) -> Rgb:
    """Of an 8-bit PNG: shape (height, width, 3), or (height, width) of a grey one."""
    return np.asarray(Image.open(io.BytesIO(png)))


class Rendering(enum.IntEnum):
    """How a localization is drawn."""

    HISTOGRAM = 1
    """A count in one pixel."""
    GAUSSIAN = 2
    """Spread over its own sigma."""


class ColourBy(enum.IntEnum):
    """What decides the hue."""

    INTENSITY = 1
    Z = 2
    TIME = 3
    SIGMA = 4


class Colours(enum.IntEnum):
    """Colour maps; all but GREY keep their order for every kind of colour blindness."""

    USUAL = 0
    FIRE = 1
    GREY = 2
    CIVIDIS = 3
    RAMP = 4


class Layer(enum.IntEnum):
    """What is drawn. Of one that does not exist the daemon says what is missing."""

    LOCALIZATIONS = 1
    A_NET = 2
    """ANNA-PALM's picture of each finished tile, 0 to 1."""
    ERROR_MAP = 3
    """Where it contradicts the widefield, 0 to 2."""
    WIDEFIELD = 4
    """Of the pass that belongs to the series, in ADU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a picture should look like."""

    rendering: Rendering = Rendering.GAUSSIAN
    colour_by: ColourBy = ColourBy.INTENSITY
    gamma: float = 1.0
    """Below 1 shows faint structures; 0.05 to 20."""
    percentile: float = 99.7
    """Of the non-empty pixels, the one that is drawn brightest; 1 to 100."""
    range: tuple[float, float] | None = None
    """Ends of the colours: z in nm, time in frames, sigma in nm; None: from the data."""
    colours: Colours = Colours.USUAL
    layer: Layer = Layer.LOCALIZATIONS
    """Others: intensity only, and not for `follow`ed pictures."""

    def message(self) -> pb.Look:
        """As the daemon reads it."""
        low, high = self.range or (0.0, 0.0)
        return pb.Look(
            rendering=int(self.rendering),  # type: ignore[arg-type]
            colour_by=int(self.colour_by),  # type: ignore[arg-type]
            gamma=self.gamma,
            percentile=self.percentile,
            range_min=low,
            range_max=high,
            colours=int(self.colours),  # type: ignore[arg-type]
            layer=int(self.layer),  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewport:
    """A region in nm from the corner of the first camera pixel; of a scan, of its first tile's."""

    x_min_nm: float
    y_min_nm: float
    x_max_nm: float
    y_max_nm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A region as it looks."""

    series_id: bytes
    rgb: Rgb
    """Shape (height, width, 3)."""
    x_min_nm: float
    """Of the corner of the first pixel."""
    y_min_nm: float
    pixel_size_nm: float
    true_for_seq: int
    """Every processed frame up to this one is in it."""
    localizations: int
    """In the whole series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFrame:
    """A camera frame and what was found in it. Columns have shape (n,); pixel centres of the camera at integers."""

    series_id: bytes
    seq: int
    tile_index: int
    width_px: int
    """Of the camera's frame."""
    height_px: int
    grey: Rgb = made("png", pixels)
    """Shape (height, width): black_adu is 0, white_adu is 255."""
    shrunk_by: int
    """Camera pixels per picture pixel."""
    black_adu: float
    white_adu: float
    x_px: Floats = column(np.float32)
    y_px: Floats = column(np.float32)
    sigma_x_px: Floats = column(np.float32)
    sigma_y_px: Floats = column(np.float32)
    z_nm: Floats = column(np.float32)
    photons: Floats = column(np.float32)
    localized: bool
    """False: a widefield frame, in which nothing is looked for."""


class Canvas:
    """Puts the tiles of a followed picture together; as large as the tiles that came, up to CANVAS_MAX_PX."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[int, int], Rgb] = {}

    def take(self, update: pb.PreviewUpdate) -> Picture:
        """The picture with what has changed."""
        if update.reset:
            self._tiles.clear()
        side, pixel = update.tile_px, update.pixel_size_nm
        places = self._tiles.keys() | {(tile.tile_x, tile.tile_y) for tile in update.tiles}
        columns, rows = [x for x, _ in places], [y for _, y in places]
        left, top = min(columns, default=0), min(rows, default=0)
        size = (max(rows, default=-1) - top + 1) * side, (max(columns, default=-1) - left + 1) * side
        if size[0] * size[1] > CANVAS_MAX_PX:
            raise RefusedError(
                f"the picture has grown to {size[1]} x {size[0]} pixels of {pixel:g} nm; at most {CANVAS_MAX_PX} are "
                "put together: ask with a smaller viewport or a larger pixel_size_nm"
            )
        self._tiles.update({(tile.tile_x, tile.tile_y): pixels(tile.png) for tile in update.tiles})
        rgb = np.zeros((*size, 3), np.uint8)
        for (x, y), tile in self._tiles.items():
            rgb[(y - top) * side : (y - top + 1) * side, (x - left) * side : (x - left + 1) * side] = tile
        return Picture(
            series_id=update.series_id,
            rgb=rgb,
            x_min_nm=left * side * pixel,
            y_min_nm=top * side * pixel,
            pixel_size_nm=pixel,
            true_for_seq=update.true_for_seq,
            localizations=update.localizations,
        )
