"""What the daemon says of itself and of its series. Names and units are those of `acquisitions.proto`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blinkd.client.convert import column

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint64]


class SeriesState(enum.IntEnum):
    """Where a series stands."""

    UNSPECIFIED = 0
    RECEIVING = 1
    DRAINING = 2
    """Ended by its publisher; frames still wait."""
    DONE = 3


class ChannelKind(enum.IntEnum):
    """What is done with a series' frames."""

    UNSPECIFIED = 0
    LOCALIZATION = 1
    WIDEFIELD = 2
    """Stored and shown, not localized."""


class OverlapUnit(enum.IntEnum):
    """Of a grid's overlap."""

    UNSPECIFIED = 0
    UM = 1
    PX = 2
    PERCENT = 3


class PlacedBy(enum.IntEnum):
    """What a tile's place in the picture is known from."""

    UNSPECIFIED = 0
    STAGE = 1
    GRID = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameAccount:
    """`received == processed + waiting + sum(lost.values())`, at every instant."""

    received: int
    processed: int
    waiting: int
    lost: Mapping[str, int]
    """Received and not processed, by reason."""
    missing: Mapping[str, int]
    """Never received, by cause: "transport" or "camera"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From a frame's last byte to its localizations, in ms, over so many frames."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStatistics:
    """Of the localizations of the last second or so; of a tile, of its latest visit."""

    localizations_per_frame: float
    density_per_um2: float
    """Localizations per um2 and frame."""
    photons_median: float
    background_median: float
    """Photons per pixel."""
    sigma_lateral_median_nm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TileAccount:
    """One field of view of a scan."""

    tile_index: int
    row: int
    column: int
    account: FrameAccount
    localizations: int
    stage_x_um: float | None
    stage_y_um: float | None
    stage_z_um: float | None
    stage_measured: bool
    statistics: LiveStatistics
    first_arrival_unix_ns: int
    last_done_unix_ns: int
    corner_x_nm: float
    """Where its first pixel's corner lies in the series' picture."""
    corner_y_nm: float
    placed_by: PlacedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How the tiles of a scan are laid out, as the publisher said."""

    rows: int
    columns: int
    overlap_x: float
    overlap_y: float
    overlap_unit: OverlapUnit
    snake: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraCalibration:
    """Photons are `((adu - offset_adu) * e_per_adu / em_gain - spurious_e) / qe`."""

    offset_adu: float
    e_per_adu: float
    em_gain: float | None
    spurious_e: float
    qe: float
    read_noise_e: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizationFilter:
    """What a localization must keep to; None: no limit."""

    sigma_lateral_max_px: float | None = None
    sigma_z_max_nm: float | None = None
    photons_min: float | None = None
    photons_max: float | None = None
    probability_min: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a pixel becomes a localization, each 0 to 1 (Speiser et al. 2021, Methods)."""

    candidate: float
    second: float
    accept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number and its standard deviation."""

    value: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the first frames of a series say of microscope, sample and camera. None: unknown; `missing` says why."""

    frames: int
    psf_shape: str
    psf_sigma_nm: Measured | None
    psf_sigma_x_p10_nm: float
    psf_sigma_x_p90_nm: float
    psf_sigma_y_p10_nm: float
    psf_sigma_y_p90_nm: float
    photons: Measured | None
    photons_p10: float
    photons_p90: float
    photons_spread: float
    background_photons: Measured | None
    background_unevenness: float
    density_per_um2: Measured | None
    on_time_frames: Measured | None
    transfer_adu: Measured | None
    excess_noise: Measured | None
    read_noise_e: Measured | None
    saturated_share: float
    missing: Mapping[str, str]
    doubts: tuple[str, ...]
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """A series."""

    series_id: bytes
    name: str
    source: str
    channel: ChannelKind
    state: SeriesState
    closed_because: str
    account: FrameAccount
    localizations: int
    next_seq: int
    received_fps: float
    processed_fps: float
    latency: Latency
    statistics: LiveStatistics
    pixel_size_x_nm: float
    """0: as the daemon's configuration says."""
    pixel_size_y_nm: float
    width_px: int
    height_px: int
    camera: CameraCalibration | None
    live_sampled: bool
    model: str
    provider: str
    """The execution provider really used."""
    warnings: tuple[str, ...]
    filter: LocalizationFilter
    start_unix_ns: int
    tiles: tuple[TileAccount, ...]
    dropped_by_publisher: int
    estimate: Estimate | None
    grid: Grid | None
    expected_tiles: int
    expected_frames: int
    exposure_ms: float
    paused: bool
    thresholds: Thresholds | None
    folder: str
    """Of its files, on the daemon's machine."""
    files: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Everything is processed and written."""
        return self.state is SeriesState.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often a quantity took which value: `counts` has shape (n,), `edges` (n + 1,)."""

    quantity: str
    unit: str
    logarithmic: bool
    edges: Floats = column(np.float64)
    counts: Counts = column(np.uint64)
    median: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCourse:
    """The series in n equal spans of frames; all columns have shape (n,)."""

    first_seq: int
    frames_per_bin: int
    frames: npt.NDArray[np.uint32] = column(np.uint32)
    localizations_per_frame: npt.NDArray[np.float32] = column(np.float32)
    density_per_um2: npt.NDArray[np.float32] = column(np.float32)
    photons_mean: npt.NDArray[np.float32] = column(np.float32)
    background_mean: npt.NDArray[np.float32] = column(np.float32)
    sigma_lateral_mean_nm: npt.NDArray[np.float32] = column(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCounts:
    """Localizations in each of the last n frames, the oldest first: shape (n,)."""

    last_seq: int
    localizations: npt.NDArray[np.uint32] = column(np.uint32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the sample has moved, by segments of frames; columns have shape (n,). Applied to nothing."""

    seq: Counts = column(np.uint64)
    x_nm: Floats = column(np.float64)
    y_nm: Floats = column(np.float64)
    sd_nm: Floats = column(np.float64)
    missing: str
    """Why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """By Fourier ring correlation; 0 where it is missing."""

    frc_nm: float
    localizations: int
    missing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStatistics:
    """What the localizations of a whole series are like."""

    series_id: bytes
    true_for_seq: int
    localizations: int
    histograms: tuple[Histogram, ...]
    course: TimeCourse
    recent: FrameCounts
    drift: Drift | None
    resolution: Resolution | None

    def histogram(self, quantity: str) -> Histogram:
        """Of "photons", "background_photons", "sigma_lateral_nm", "sigma_z_nm", "z_nm", ...; KeyError for others."""
        found = next((one for one in self.histograms if one.quantity == quantity), None)
        if found is None:
            raise KeyError(f"no histogram of '{quantity}': there are {', '.join(h.quantity for h in self.histograms)}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonStatus:
    """The daemon as a whole."""

    version: str
    model: str
    provider: str
    provider_attempts: tuple[str, ...]
    onnxruntime: str
    bad_messages: Mapping[str, int]
    memory_budget_bytes: int
    disk_free_bytes: int
    frame_endpoint: str
    effective_config_toml: str
    uptime_s: float
    disk_full: bool
    alarms: tuple[str, ...]
    store_dir: str
    disk_bytes: int
    clients: int
    instance: int
    """Another number after each start of the daemon."""
