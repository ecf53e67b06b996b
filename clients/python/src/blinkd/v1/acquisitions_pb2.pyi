from blinkd.v1 import frames_pb2 as _frames_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SeriesState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SERIES_STATE_UNSPECIFIED: _ClassVar[SeriesState]
    SERIES_STATE_RECEIVING: _ClassVar[SeriesState]
    SERIES_STATE_DRAINING: _ClassVar[SeriesState]
    SERIES_STATE_DONE: _ClassVar[SeriesState]

class PlacedBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLACED_BY_UNSPECIFIED: _ClassVar[PlacedBy]
    PLACED_BY_STAGE: _ClassVar[PlacedBy]
    PLACED_BY_GRID: _ClassVar[PlacedBy]
SERIES_STATE_UNSPECIFIED: SeriesState
SERIES_STATE_RECEIVING: SeriesState
SERIES_STATE_DRAINING: SeriesState
SERIES_STATE_DONE: SeriesState
PLACED_BY_UNSPECIFIED: PlacedBy
PLACED_BY_STAGE: PlacedBy
PLACED_BY_GRID: PlacedBy

class ListAcquisitionsRequest(_message.Message):
    __slots__ = ("most",)
    MOST_FIELD_NUMBER: _ClassVar[int]
    most: int
    def __init__(self, most: _Optional[int] = ...) -> None: ...

class ListAcquisitionsResponse(_message.Message):
    __slots__ = ("acquisitions",)
    ACQUISITIONS_FIELD_NUMBER: _ClassVar[int]
    acquisitions: _containers.RepeatedCompositeFieldContainer[Acquisition]
    def __init__(self, acquisitions: _Optional[_Iterable[_Union[Acquisition, _Mapping]]] = ...) -> None: ...

class GetAcquisitionRequest(_message.Message):
    __slots__ = ("series_id", "without_tiles")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_TILES_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    without_tiles: bool
    def __init__(self, series_id: _Optional[bytes] = ..., without_tiles: bool = ...) -> None: ...

class WatchAcquisitionRequest(_message.Message):
    __slots__ = ("series_id", "interval_ms")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    interval_ms: int
    def __init__(self, series_id: _Optional[bytes] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class ConfigureAcquisitionRequest(_message.Message):
    __slots__ = ("series_id", "filter", "thresholds", "camera", "paused")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    filter: LocalizationFilter
    thresholds: Thresholds
    camera: _frames_pb2.CameraCalibration
    paused: bool
    def __init__(self, series_id: _Optional[bytes] = ..., filter: _Optional[_Union[LocalizationFilter, _Mapping]] = ..., thresholds: _Optional[_Union[Thresholds, _Mapping]] = ..., camera: _Optional[_Union[_frames_pb2.CameraCalibration, _Mapping]] = ..., paused: bool = ...) -> None: ...

class GetStatisticsRequest(_message.Message):
    __slots__ = ("series_id",)
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    def __init__(self, series_id: _Optional[bytes] = ...) -> None: ...

class StopAcquisitionRequest(_message.Message):
    __slots__ = ("series_id",)
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    def __init__(self, series_id: _Optional[bytes] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LocalizationFilter(_message.Message):
    __slots__ = ("sigma_lateral_max_px", "sigma_z_max_nm", "photons_min", "photons_max", "probability_min")
    SIGMA_LATERAL_MAX_PX_FIELD_NUMBER: _ClassVar[int]
    SIGMA_Z_MAX_NM_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_MIN_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_MAX_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_MIN_FIELD_NUMBER: _ClassVar[int]
    sigma_lateral_max_px: float
    sigma_z_max_nm: float
    photons_min: float
    photons_max: float
    probability_min: float
    def __init__(self, sigma_lateral_max_px: _Optional[float] = ..., sigma_z_max_nm: _Optional[float] = ..., photons_min: _Optional[float] = ..., photons_max: _Optional[float] = ..., probability_min: _Optional[float] = ...) -> None: ...

class Thresholds(_message.Message):
    __slots__ = ("candidate", "second", "accept")
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    candidate: float
    second: float
    accept: float
    def __init__(self, candidate: _Optional[float] = ..., second: _Optional[float] = ..., accept: _Optional[float] = ...) -> None: ...

class FrameAccount(_message.Message):
    __slots__ = ("received", "processed", "waiting", "lost", "missing")
    class LostEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class MissingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    received: int
    processed: int
    waiting: int
    lost: _containers.ScalarMap[str, int]
    missing: _containers.ScalarMap[str, int]
    def __init__(self, received: _Optional[int] = ..., processed: _Optional[int] = ..., waiting: _Optional[int] = ..., lost: _Optional[_Mapping[str, int]] = ..., missing: _Optional[_Mapping[str, int]] = ...) -> None: ...

class LiveStatistics(_message.Message):
    __slots__ = ("localizations_per_frame", "density_per_um2", "photons_median", "background_median", "sigma_lateral_median_nm")
    LOCALIZATIONS_PER_FRAME_FIELD_NUMBER: _ClassVar[int]
    DENSITY_PER_UM2_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_MEDIAN_FIELD_NUMBER: _ClassVar[int]
    SIGMA_LATERAL_MEDIAN_NM_FIELD_NUMBER: _ClassVar[int]
    localizations_per_frame: float
    density_per_um2: float
    photons_median: float
    background_median: float
    sigma_lateral_median_nm: float
    def __init__(self, localizations_per_frame: _Optional[float] = ..., density_per_um2: _Optional[float] = ..., photons_median: _Optional[float] = ..., background_median: _Optional[float] = ..., sigma_lateral_median_nm: _Optional[float] = ...) -> None: ...

class Latency(_message.Message):
    __slots__ = ("p50_ms", "p99_ms", "max_ms", "frames")
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_MS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    frames: int
    def __init__(self, p50_ms: _Optional[float] = ..., p99_ms: _Optional[float] = ..., max_ms: _Optional[float] = ..., frames: _Optional[int] = ...) -> None: ...

class TileAccount(_message.Message):
    __slots__ = ("tile_index", "row", "column", "account", "localizations", "stage_x_um", "stage_y_um", "stage_z_um", "stage_measured", "statistics", "first_arrival_unix_ns", "last_done_unix_ns", "corner_x_nm", "corner_y_nm", "placed_by")
    TILE_INDEX_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    STAGE_X_UM_FIELD_NUMBER: _ClassVar[int]
    STAGE_Y_UM_FIELD_NUMBER: _ClassVar[int]
    STAGE_Z_UM_FIELD_NUMBER: _ClassVar[int]
    STAGE_MEASURED_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ARRIVAL_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    LAST_DONE_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    CORNER_X_NM_FIELD_NUMBER: _ClassVar[int]
    CORNER_Y_NM_FIELD_NUMBER: _ClassVar[int]
    PLACED_BY_FIELD_NUMBER: _ClassVar[int]
    tile_index: int
    row: int
    column: int
    account: FrameAccount
    localizations: int
    stage_x_um: float
    stage_y_um: float
    stage_z_um: float
    stage_measured: bool
    statistics: LiveStatistics
    first_arrival_unix_ns: int
    last_done_unix_ns: int
    corner_x_nm: float
    corner_y_nm: float
    placed_by: PlacedBy
    def __init__(self, tile_index: _Optional[int] = ..., row: _Optional[int] = ..., column: _Optional[int] = ..., account: _Optional[_Union[FrameAccount, _Mapping]] = ..., localizations: _Optional[int] = ..., stage_x_um: _Optional[float] = ..., stage_y_um: _Optional[float] = ..., stage_z_um: _Optional[float] = ..., stage_measured: bool = ..., statistics: _Optional[_Union[LiveStatistics, _Mapping]] = ..., first_arrival_unix_ns: _Optional[int] = ..., last_done_unix_ns: _Optional[int] = ..., corner_x_nm: _Optional[float] = ..., corner_y_nm: _Optional[float] = ..., placed_by: _Optional[_Union[PlacedBy, str]] = ...) -> None: ...

class Grid(_message.Message):
    __slots__ = ("rows", "columns", "overlap_x", "overlap_y", "overlap_unit", "snake")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_X_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_Y_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_UNIT_FIELD_NUMBER: _ClassVar[int]
    SNAKE_FIELD_NUMBER: _ClassVar[int]
    rows: int
    columns: int
    overlap_x: float
    overlap_y: float
    overlap_unit: _frames_pb2.OverlapUnit
    snake: bool
    def __init__(self, rows: _Optional[int] = ..., columns: _Optional[int] = ..., overlap_x: _Optional[float] = ..., overlap_y: _Optional[float] = ..., overlap_unit: _Optional[_Union[_frames_pb2.OverlapUnit, str]] = ..., snake: bool = ...) -> None: ...

class Acquisition(_message.Message):
    __slots__ = ("series_id", "name", "source", "channel", "state", "closed_because", "account", "localizations", "next_seq", "received_fps", "processed_fps", "latency", "statistics", "pixel_size_x_nm", "pixel_size_y_nm", "width_px", "height_px", "camera", "live_sampled", "model", "provider", "warnings", "filter", "start_unix_ns", "tiles", "dropped_by_publisher", "estimate", "grid", "expected_tiles", "expected_frames", "exposure_ms", "paused", "thresholds", "folder", "files")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CLOSED_BECAUSE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FPS_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_FPS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_X_NM_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_Y_NM_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    LIVE_SAMPLED_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_BY_PUBLISHER_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_TILES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_MS_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    name: str
    source: str
    channel: _frames_pb2.ChannelKind
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
    pixel_size_y_nm: float
    width_px: int
    height_px: int
    camera: _frames_pb2.CameraCalibration
    live_sampled: bool
    model: str
    provider: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    filter: LocalizationFilter
    start_unix_ns: int
    tiles: _containers.RepeatedCompositeFieldContainer[TileAccount]
    dropped_by_publisher: int
    estimate: Estimate
    grid: Grid
    expected_tiles: int
    expected_frames: int
    exposure_ms: float
    paused: bool
    thresholds: Thresholds
    folder: str
    files: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, series_id: _Optional[bytes] = ..., name: _Optional[str] = ..., source: _Optional[str] = ..., channel: _Optional[_Union[_frames_pb2.ChannelKind, str]] = ..., state: _Optional[_Union[SeriesState, str]] = ..., closed_because: _Optional[str] = ..., account: _Optional[_Union[FrameAccount, _Mapping]] = ..., localizations: _Optional[int] = ..., next_seq: _Optional[int] = ..., received_fps: _Optional[float] = ..., processed_fps: _Optional[float] = ..., latency: _Optional[_Union[Latency, _Mapping]] = ..., statistics: _Optional[_Union[LiveStatistics, _Mapping]] = ..., pixel_size_x_nm: _Optional[float] = ..., pixel_size_y_nm: _Optional[float] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., camera: _Optional[_Union[_frames_pb2.CameraCalibration, _Mapping]] = ..., live_sampled: bool = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[LocalizationFilter, _Mapping]] = ..., start_unix_ns: _Optional[int] = ..., tiles: _Optional[_Iterable[_Union[TileAccount, _Mapping]]] = ..., dropped_by_publisher: _Optional[int] = ..., estimate: _Optional[_Union[Estimate, _Mapping]] = ..., grid: _Optional[_Union[Grid, _Mapping]] = ..., expected_tiles: _Optional[int] = ..., expected_frames: _Optional[int] = ..., exposure_ms: _Optional[float] = ..., paused: bool = ..., thresholds: _Optional[_Union[Thresholds, _Mapping]] = ..., folder: _Optional[str] = ..., files: _Optional[_Iterable[str]] = ...) -> None: ...

class SeriesStatistics(_message.Message):
    __slots__ = ("series_id", "true_for_seq", "localizations", "histograms", "course", "recent", "drift", "resolution")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    TRUE_FOR_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAMS_FIELD_NUMBER: _ClassVar[int]
    COURSE_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    true_for_seq: int
    localizations: int
    histograms: _containers.RepeatedCompositeFieldContainer[Histogram]
    course: TimeCourse
    recent: FrameCounts
    drift: Drift
    resolution: Resolution
    def __init__(self, series_id: _Optional[bytes] = ..., true_for_seq: _Optional[int] = ..., localizations: _Optional[int] = ..., histograms: _Optional[_Iterable[_Union[Histogram, _Mapping]]] = ..., course: _Optional[_Union[TimeCourse, _Mapping]] = ..., recent: _Optional[_Union[FrameCounts, _Mapping]] = ..., drift: _Optional[_Union[Drift, _Mapping]] = ..., resolution: _Optional[_Union[Resolution, _Mapping]] = ...) -> None: ...

class Resolution(_message.Message):
    __slots__ = ("frc_nm", "localizations", "missing")
    FRC_NM_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    frc_nm: float
    localizations: int
    missing: str
    def __init__(self, frc_nm: _Optional[float] = ..., localizations: _Optional[int] = ..., missing: _Optional[str] = ...) -> None: ...

class Histogram(_message.Message):
    __slots__ = ("quantity", "unit", "logarithmic", "edges", "counts", "median")
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LOGARITHMIC_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    quantity: str
    unit: str
    logarithmic: bool
    edges: _containers.RepeatedScalarFieldContainer[float]
    counts: _containers.RepeatedScalarFieldContainer[int]
    median: float
    def __init__(self, quantity: _Optional[str] = ..., unit: _Optional[str] = ..., logarithmic: bool = ..., edges: _Optional[_Iterable[float]] = ..., counts: _Optional[_Iterable[int]] = ..., median: _Optional[float] = ...) -> None: ...

class TimeCourse(_message.Message):
    __slots__ = ("first_seq", "frames_per_bin", "frames", "localizations_per_frame", "density_per_um2", "photons_mean", "background_mean", "sigma_lateral_mean_nm")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_BIN_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_PER_FRAME_FIELD_NUMBER: _ClassVar[int]
    DENSITY_PER_UM2_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_MEAN_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_MEAN_FIELD_NUMBER: _ClassVar[int]
    SIGMA_LATERAL_MEAN_NM_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    frames_per_bin: int
    frames: _containers.RepeatedScalarFieldContainer[int]
    localizations_per_frame: _containers.RepeatedScalarFieldContainer[float]
    density_per_um2: _containers.RepeatedScalarFieldContainer[float]
    photons_mean: _containers.RepeatedScalarFieldContainer[float]
    background_mean: _containers.RepeatedScalarFieldContainer[float]
    sigma_lateral_mean_nm: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, first_seq: _Optional[int] = ..., frames_per_bin: _Optional[int] = ..., frames: _Optional[_Iterable[int]] = ..., localizations_per_frame: _Optional[_Iterable[float]] = ..., density_per_um2: _Optional[_Iterable[float]] = ..., photons_mean: _Optional[_Iterable[float]] = ..., background_mean: _Optional[_Iterable[float]] = ..., sigma_lateral_mean_nm: _Optional[_Iterable[float]] = ...) -> None: ...

class FrameCounts(_message.Message):
    __slots__ = ("last_seq", "localizations")
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    last_seq: int
    localizations: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, last_seq: _Optional[int] = ..., localizations: _Optional[_Iterable[int]] = ...) -> None: ...

class Drift(_message.Message):
    __slots__ = ("seq", "x_nm", "y_nm", "sd_nm", "missing")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    X_NM_FIELD_NUMBER: _ClassVar[int]
    Y_NM_FIELD_NUMBER: _ClassVar[int]
    SD_NM_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    seq: _containers.RepeatedScalarFieldContainer[int]
    x_nm: _containers.RepeatedScalarFieldContainer[float]
    y_nm: _containers.RepeatedScalarFieldContainer[float]
    sd_nm: _containers.RepeatedScalarFieldContainer[float]
    missing: str
    def __init__(self, seq: _Optional[_Iterable[int]] = ..., x_nm: _Optional[_Iterable[float]] = ..., y_nm: _Optional[_Iterable[float]] = ..., sd_nm: _Optional[_Iterable[float]] = ..., missing: _Optional[str] = ...) -> None: ...

class Measured(_message.Message):
    __slots__ = ("value", "sd")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SD_FIELD_NUMBER: _ClassVar[int]
    value: float
    sd: float
    def __init__(self, value: _Optional[float] = ..., sd: _Optional[float] = ...) -> None: ...

class Estimate(_message.Message):
    __slots__ = ("frames", "psf_shape", "psf_sigma_nm", "psf_sigma_x_p10_nm", "psf_sigma_x_p90_nm", "psf_sigma_y_p10_nm", "psf_sigma_y_p90_nm", "photons", "photons_p10", "photons_p90", "photons_spread", "background_photons", "background_unevenness", "density_per_um2", "on_time_frames", "transfer_adu", "excess_noise", "read_noise_e", "saturated_share", "missing", "doubts", "trouble")
    class MissingEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    PSF_SHAPE_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_NM_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_X_P10_NM_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_X_P90_NM_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_Y_P10_NM_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_Y_P90_NM_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_P10_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_P90_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_SPREAD_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_PHOTONS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_UNEVENNESS_FIELD_NUMBER: _ClassVar[int]
    DENSITY_PER_UM2_FIELD_NUMBER: _ClassVar[int]
    ON_TIME_FRAMES_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ADU_FIELD_NUMBER: _ClassVar[int]
    EXCESS_NOISE_FIELD_NUMBER: _ClassVar[int]
    READ_NOISE_E_FIELD_NUMBER: _ClassVar[int]
    SATURATED_SHARE_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    DOUBTS_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_FIELD_NUMBER: _ClassVar[int]
    frames: int
    psf_shape: str
    psf_sigma_nm: Measured
    psf_sigma_x_p10_nm: float
    psf_sigma_x_p90_nm: float
    psf_sigma_y_p10_nm: float
    psf_sigma_y_p90_nm: float
    photons: Measured
    photons_p10: float
    photons_p90: float
    photons_spread: float
    background_photons: Measured
    background_unevenness: float
    density_per_um2: Measured
    on_time_frames: Measured
    transfer_adu: Measured
    excess_noise: Measured
    read_noise_e: Measured
    saturated_share: float
    missing: _containers.ScalarMap[str, str]
    doubts: _containers.RepeatedScalarFieldContainer[str]
    trouble: str
    def __init__(self, frames: _Optional[int] = ..., psf_shape: _Optional[str] = ..., psf_sigma_nm: _Optional[_Union[Measured, _Mapping]] = ..., psf_sigma_x_p10_nm: _Optional[float] = ..., psf_sigma_x_p90_nm: _Optional[float] = ..., psf_sigma_y_p10_nm: _Optional[float] = ..., psf_sigma_y_p90_nm: _Optional[float] = ..., photons: _Optional[_Union[Measured, _Mapping]] = ..., photons_p10: _Optional[float] = ..., photons_p90: _Optional[float] = ..., photons_spread: _Optional[float] = ..., background_photons: _Optional[_Union[Measured, _Mapping]] = ..., background_unevenness: _Optional[float] = ..., density_per_um2: _Optional[_Union[Measured, _Mapping]] = ..., on_time_frames: _Optional[_Union[Measured, _Mapping]] = ..., transfer_adu: _Optional[_Union[Measured, _Mapping]] = ..., excess_noise: _Optional[_Union[Measured, _Mapping]] = ..., read_noise_e: _Optional[_Union[Measured, _Mapping]] = ..., saturated_share: _Optional[float] = ..., missing: _Optional[_Mapping[str, str]] = ..., doubts: _Optional[_Iterable[str]] = ..., trouble: _Optional[str] = ...) -> None: ...

class DaemonStatus(_message.Message):
    __slots__ = ("version", "model", "provider", "provider_attempts", "onnxruntime", "bad_messages", "memory_budget_bytes", "disk_free_bytes", "frame_endpoint", "effective_config_toml", "uptime_s", "disk_full", "alarms", "store_dir", "disk_bytes", "clients", "instance")
    class BadMessagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ONNXRUNTIME_FIELD_NUMBER: _ClassVar[int]
    BAD_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FRAME_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_CONFIG_TOML_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    DISK_FULL_FIELD_NUMBER: _ClassVar[int]
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    STORE_DIR_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    version: str
    model: str
    provider: str
    provider_attempts: _containers.RepeatedScalarFieldContainer[str]
    onnxruntime: str
    bad_messages: _containers.ScalarMap[str, int]
    memory_budget_bytes: int
    disk_free_bytes: int
    frame_endpoint: str
    effective_config_toml: str
    uptime_s: float
    disk_full: bool
    alarms: _containers.RepeatedScalarFieldContainer[str]
    store_dir: str
    disk_bytes: int
    clients: int
    instance: int
    def __init__(self, version: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., provider_attempts: _Optional[_Iterable[str]] = ..., onnxruntime: _Optional[str] = ..., bad_messages: _Optional[_Mapping[str, int]] = ..., memory_budget_bytes: _Optional[int] = ..., disk_free_bytes: _Optional[int] = ..., frame_endpoint: _Optional[str] = ..., effective_config_toml: _Optional[str] = ..., uptime_s: _Optional[float] = ..., disk_full: bool = ..., alarms: _Optional[_Iterable[str]] = ..., store_dir: _Optional[str] = ..., disk_bytes: _Optional[int] = ..., clients: _Optional[int] = ..., instance: _Optional[int] = ...) -> None: ...
