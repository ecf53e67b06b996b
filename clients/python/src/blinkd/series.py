"""What a publisher says about a recording, once per series, tile or frame.

In: plain values with units in their names. Out: the same, checked; `blinkd.envelope` makes messages of them. Never:
a socket.
"""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field

from blinkd.v1 import frames_pb2 as pb


class EndReason(enum.IntEnum):
    """Why a series ended."""

    COMPLETED = pb.END_REASON_COMPLETED
    ABORTED = pb.END_REASON_ABORTED
    ERROR = pb.END_REASON_ERROR
    OVERFLOW = pb.END_REASON_OVERFLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """How counts become photons: `((adu - offset_adu) * e_per_adu / em_gain - spurious_e) / qe`."""

    offset_adu: float
    e_per_adu: float
    em_gain: float | None = None
    """None for a camera without electron multiplication."""
    spurious_e: float = 0.0
    qe: float = 1.0
    read_noise_e: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One recording: a burst, or a scan of tiles."""

    name: str = ""
    source: str = "blinkd-python"
    """Publisher and versions, as `pymmcore-plus 0.18.1`."""
    camera: str = ""
    """The camera's label."""
    calibration: Camera | None = None
    """None: the daemon's configuration says it."""
    pixel_size_nm: tuple[float, float] | None = None
    """(x, y) in the sample; None: the daemon's configuration says it."""
    exposure_ms: float = 0.0
    bit_depth: int = 0
    """Of the camera's counts, 1 to 16: says which pixels are saturated. 0: not known, then that of the pixels."""
    grid_rows: int = 1
    grid_columns: int = 1
    overlap_percent: tuple[float, float] = (0.0, 0.0)
    """(x, y) overlap of neighbouring tiles."""
    overlap_um: tuple[float, float] | None = None
    """The same in um, where that is what is known; goes before `overlap_percent`."""
    snake: bool = False
    """Every other row is scanned backwards."""
    expected_tiles: int = 1
    expected_frames: int = 0
    """Of the whole series; 0: not known."""
    affine_um: tuple[float, ...] = ()
    """Micro-Manager's pixel size affine: 6 numbers in um per pixel, or none."""
    live_sampled: bool = False
    """Frames are samples, as from Micro-Manager's Live button: neighbours are unrelated."""
    widefield: bool = False
    """Ordinary fluorescence: the daemon averages the frames of each tile and localizes nothing."""
    widefield_of: bytes = b""
    """Id of the localization series that a widefield series belongs to; empty: the one of the same source and grid that
    begins next, else the newest before."""
    widefield_skip_frames: int | None = None
    """First frames of each tile that the daemon leaves out of its mean; 0: they are not sent in the first place.
    None: the daemon's configuration says it (two, unless changed)."""
    metadata_json: str = ""
    """The raw useq sequence or summary metadata."""
    series_id: bytes = field(default_factory=lambda: uuid.uuid4().bytes)

    def __post_init__(self) -> None:
        """Refuses what no daemon would accept."""
        if len(self.series_id) != 16:
            raise ValueError(f"series_id has {len(self.series_id)} bytes: it must have 16")
        if len(self.widefield_of) not in (0, 16):
            raise ValueError(f"widefield_of has {len(self.widefield_of)} bytes: it must have 16 or none")
        if not 0 <= self.bit_depth <= 16:
            raise ValueError(f"bit_depth is {self.bit_depth}: it must be 1 to 16, or 0 where it is not known")
        if not 0 <= (self.widefield_skip_frames or 0) < 2**32:
            raise ValueError(f"widefield_skip_frames is {self.widefield_skip_frames}: it must be a number from 0")
        if len(self.affine_um) not in (0, 6):
            raise ValueError(f"affine_um has {len(self.affine_um)} numbers: it must have 6 or none")
        if len(self.metadata_json.encode()) > 768 * 1024:
            raise ValueError("metadata_json is longer than 768 KiB: leave per-frame metadata out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One position of a scan."""

    index: int = 0
    """In the order of acquisition."""
    row: int = 0
    column: int = 0
    frames: int = 0
    """How many are planned; 0: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is known of one frame besides its pixels. Everything may be left out."""

    camera_image_number: int | None = None
    """The core's own count within the burst: a gap here is loss in the camera or in Micro-Manager."""
    capture_unix_ns: int = 0
    """UTC; 0: the time of the call."""
    exposure_ms: float | None = None
    """None: the series' exposure."""
    roi_px: tuple[int, int] = (0, 0)
    """(x, y) of the first pixel on the sensor."""
    binning: int = 1
    stage_um: tuple[float, float] | tuple[float, float, float] | None = None
    """(x, y) or (x, y, z) as the stage says or as it was told."""
    stage_measured: bool = False
    core_queue_depth: int = 0
