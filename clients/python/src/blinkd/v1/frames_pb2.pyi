from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PixelType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIXEL_TYPE_UNSPECIFIED: _ClassVar[PixelType]
    PIXEL_TYPE_U8: _ClassVar[PixelType]
    PIXEL_TYPE_U16: _ClassVar[PixelType]

class Continuity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTINUITY_UNSPECIFIED: _ClassVar[Continuity]
    CONTINUITY_BURST: _ClassVar[Continuity]
    CONTINUITY_LIVE_SAMPLED: _ClassVar[Continuity]

class Compression(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPRESSION_UNSPECIFIED: _ClassVar[Compression]
    COMPRESSION_RAW: _ClassVar[Compression]
    COMPRESSION_LZ4: _ClassVar[Compression]
    COMPRESSION_ZSTD: _ClassVar[Compression]

class PositionSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POSITION_SOURCE_UNSPECIFIED: _ClassVar[PositionSource]
    POSITION_SOURCE_INTENDED: _ClassVar[PositionSource]
    POSITION_SOURCE_MEASURED: _ClassVar[PositionSource]

class ChannelKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_KIND_UNSPECIFIED: _ClassVar[ChannelKind]
    CHANNEL_KIND_LOCALIZATION: _ClassVar[ChannelKind]
    CHANNEL_KIND_WIDEFIELD: _ClassVar[ChannelKind]

class OverlapUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OVERLAP_UNIT_UNSPECIFIED: _ClassVar[OverlapUnit]
    OVERLAP_UNIT_UM: _ClassVar[OverlapUnit]
    OVERLAP_UNIT_PX: _ClassVar[OverlapUnit]
    OVERLAP_UNIT_PERCENT: _ClassVar[OverlapUnit]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_COMPLETED: _ClassVar[EndReason]
    END_REASON_ABORTED: _ClassVar[EndReason]
    END_REASON_ERROR: _ClassVar[EndReason]
    END_REASON_OVERFLOW: _ClassVar[EndReason]
PIXEL_TYPE_UNSPECIFIED: PixelType
PIXEL_TYPE_U8: PixelType
PIXEL_TYPE_U16: PixelType
CONTINUITY_UNSPECIFIED: Continuity
CONTINUITY_BURST: Continuity
CONTINUITY_LIVE_SAMPLED: Continuity
COMPRESSION_UNSPECIFIED: Compression
COMPRESSION_RAW: Compression
COMPRESSION_LZ4: Compression
COMPRESSION_ZSTD: Compression
POSITION_SOURCE_UNSPECIFIED: PositionSource
POSITION_SOURCE_INTENDED: PositionSource
POSITION_SOURCE_MEASURED: PositionSource
CHANNEL_KIND_UNSPECIFIED: ChannelKind
CHANNEL_KIND_LOCALIZATION: ChannelKind
CHANNEL_KIND_WIDEFIELD: ChannelKind
OVERLAP_UNIT_UNSPECIFIED: OverlapUnit
OVERLAP_UNIT_UM: OverlapUnit
OVERLAP_UNIT_PX: OverlapUnit
OVERLAP_UNIT_PERCENT: OverlapUnit
END_REASON_UNSPECIFIED: EndReason
END_REASON_COMPLETED: EndReason
END_REASON_ABORTED: EndReason
END_REASON_ERROR: EndReason
END_REASON_OVERFLOW: EndReason

class Envelope(_message.Message):
    __slots__ = ("schema_version", "series_start", "frame", "tile_end", "series_end", "heartbeat")
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SERIES_START_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    TILE_END_FIELD_NUMBER: _ClassVar[int]
    SERIES_END_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    schema_version: int
    series_start: SeriesStart
    frame: FrameHeader
    tile_end: TileEnd
    series_end: SeriesEnd
    heartbeat: Heartbeat
    def __init__(self, schema_version: _Optional[int] = ..., series_start: _Optional[_Union[SeriesStart, _Mapping]] = ..., frame: _Optional[_Union[FrameHeader, _Mapping]] = ..., tile_end: _Optional[_Union[TileEnd, _Mapping]] = ..., series_end: _Optional[_Union[SeriesEnd, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class FrameHeader(_message.Message):
    __slots__ = ("series_id", "seq", "tile_index", "tile_row", "tile_column", "frame_in_tile", "frames_per_tile", "width_px", "height_px", "pixel_type", "roi_x_px", "roi_y_px", "binning", "camera", "exposure_ms", "stage_x_um", "stage_y_um", "stage_z_um", "position_source", "camera_image_number", "capture_unix_ns", "send_unix_ns", "core_queue_depth", "dropped_total", "continuity", "compression", "pixels_crc32c")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TILE_INDEX_FIELD_NUMBER: _ClassVar[int]
    TILE_ROW_FIELD_NUMBER: _ClassVar[int]
    TILE_COLUMN_FIELD_NUMBER: _ClassVar[int]
    FRAME_IN_TILE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_TILE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    PIXEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    ROI_X_PX_FIELD_NUMBER: _ClassVar[int]
    ROI_Y_PX_FIELD_NUMBER: _ClassVar[int]
    BINNING_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_MS_FIELD_NUMBER: _ClassVar[int]
    STAGE_X_UM_FIELD_NUMBER: _ClassVar[int]
    STAGE_Y_UM_FIELD_NUMBER: _ClassVar[int]
    STAGE_Z_UM_FIELD_NUMBER: _ClassVar[int]
    POSITION_SOURCE_FIELD_NUMBER: _ClassVar[int]
    CAMERA_IMAGE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    SEND_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    CORE_QUEUE_DEPTH_FIELD_NUMBER: _ClassVar[int]
    DROPPED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    CONTINUITY_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    PIXELS_CRC32C_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    seq: int
    tile_index: int
    tile_row: int
    tile_column: int
    frame_in_tile: int
    frames_per_tile: int
    width_px: int
    height_px: int
    pixel_type: PixelType
    roi_x_px: int
    roi_y_px: int
    binning: int
    camera: str
    exposure_ms: float
    stage_x_um: float
    stage_y_um: float
    stage_z_um: float
    position_source: PositionSource
    camera_image_number: int
    capture_unix_ns: int
    send_unix_ns: int
    core_queue_depth: int
    dropped_total: int
    continuity: Continuity
    compression: Compression
    pixels_crc32c: int
    def __init__(self, series_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., tile_index: _Optional[int] = ..., tile_row: _Optional[int] = ..., tile_column: _Optional[int] = ..., frame_in_tile: _Optional[int] = ..., frames_per_tile: _Optional[int] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., pixel_type: _Optional[_Union[PixelType, str]] = ..., roi_x_px: _Optional[int] = ..., roi_y_px: _Optional[int] = ..., binning: _Optional[int] = ..., camera: _Optional[str] = ..., exposure_ms: _Optional[float] = ..., stage_x_um: _Optional[float] = ..., stage_y_um: _Optional[float] = ..., stage_z_um: _Optional[float] = ..., position_source: _Optional[_Union[PositionSource, str]] = ..., camera_image_number: _Optional[int] = ..., capture_unix_ns: _Optional[int] = ..., send_unix_ns: _Optional[int] = ..., core_queue_depth: _Optional[int] = ..., dropped_total: _Optional[int] = ..., continuity: _Optional[_Union[Continuity, str]] = ..., compression: _Optional[_Union[Compression, str]] = ..., pixels_crc32c: _Optional[int] = ...) -> None: ...

class CameraCalibration(_message.Message):
    __slots__ = ("offset_adu", "e_per_adu", "em_gain", "spurious_e", "qe", "read_noise_e")
    OFFSET_ADU_FIELD_NUMBER: _ClassVar[int]
    E_PER_ADU_FIELD_NUMBER: _ClassVar[int]
    EM_GAIN_FIELD_NUMBER: _ClassVar[int]
    SPURIOUS_E_FIELD_NUMBER: _ClassVar[int]
    QE_FIELD_NUMBER: _ClassVar[int]
    READ_NOISE_E_FIELD_NUMBER: _ClassVar[int]
    offset_adu: float
    e_per_adu: float
    em_gain: float
    spurious_e: float
    qe: float
    read_noise_e: float
    def __init__(self, offset_adu: _Optional[float] = ..., e_per_adu: _Optional[float] = ..., em_gain: _Optional[float] = ..., spurious_e: _Optional[float] = ..., qe: _Optional[float] = ..., read_noise_e: _Optional[float] = ...) -> None: ...

class SeriesStart(_message.Message):
    __slots__ = ("series_id", "name", "source", "grid_rows", "grid_columns", "overlap_x", "overlap_y", "overlap_unit", "snake", "expected_tiles", "expected_frames", "pixel_size_x_nm", "pixel_size_y_nm", "affine", "camera", "channel", "exposure_ms", "metadata_json", "start_unix_ns", "widefield_of", "widefield_skip_frames", "bit_depth")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    GRID_ROWS_FIELD_NUMBER: _ClassVar[int]
    GRID_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_X_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_Y_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_UNIT_FIELD_NUMBER: _ClassVar[int]
    SNAKE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_TILES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FRAMES_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_X_NM_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_Y_NM_FIELD_NUMBER: _ClassVar[int]
    AFFINE_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_JSON_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    WIDEFIELD_OF_FIELD_NUMBER: _ClassVar[int]
    WIDEFIELD_SKIP_FRAMES_FIELD_NUMBER: _ClassVar[int]
    BIT_DEPTH_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    name: str
    source: str
    grid_rows: int
    grid_columns: int
    overlap_x: float
    overlap_y: float
    overlap_unit: OverlapUnit
    snake: bool
    expected_tiles: int
    expected_frames: int
    pixel_size_x_nm: float
    pixel_size_y_nm: float
    affine: _containers.RepeatedScalarFieldContainer[float]
    camera: CameraCalibration
    channel: ChannelKind
    exposure_ms: float
    metadata_json: str
    start_unix_ns: int
    widefield_of: bytes
    widefield_skip_frames: int
    bit_depth: int
    def __init__(self, series_id: _Optional[bytes] = ..., name: _Optional[str] = ..., source: _Optional[str] = ..., grid_rows: _Optional[int] = ..., grid_columns: _Optional[int] = ..., overlap_x: _Optional[float] = ..., overlap_y: _Optional[float] = ..., overlap_unit: _Optional[_Union[OverlapUnit, str]] = ..., snake: bool = ..., expected_tiles: _Optional[int] = ..., expected_frames: _Optional[int] = ..., pixel_size_x_nm: _Optional[float] = ..., pixel_size_y_nm: _Optional[float] = ..., affine: _Optional[_Iterable[float]] = ..., camera: _Optional[_Union[CameraCalibration, _Mapping]] = ..., channel: _Optional[_Union[ChannelKind, str]] = ..., exposure_ms: _Optional[float] = ..., metadata_json: _Optional[str] = ..., start_unix_ns: _Optional[int] = ..., widefield_of: _Optional[bytes] = ..., widefield_skip_frames: _Optional[int] = ..., bit_depth: _Optional[int] = ...) -> None: ...

class TileEnd(_message.Message):
    __slots__ = ("series_id", "tile_index", "frames_captured", "frames_dropped")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    TILE_INDEX_FIELD_NUMBER: _ClassVar[int]
    FRAMES_CAPTURED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    tile_index: int
    frames_captured: int
    frames_dropped: int
    def __init__(self, series_id: _Optional[bytes] = ..., tile_index: _Optional[int] = ..., frames_captured: _Optional[int] = ..., frames_dropped: _Optional[int] = ...) -> None: ...

class SeriesEnd(_message.Message):
    __slots__ = ("series_id", "reason", "frames_captured", "frames_sent", "frames_dropped", "last_seq")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FRAMES_CAPTURED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_SENT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DROPPED_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    reason: EndReason
    frames_captured: int
    frames_sent: int
    frames_dropped: int
    last_seq: int
    def __init__(self, series_id: _Optional[bytes] = ..., reason: _Optional[_Union[EndReason, str]] = ..., frames_captured: _Optional[int] = ..., frames_sent: _Optional[int] = ..., frames_dropped: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("series_id", "send_unix_ns")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SEND_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    send_unix_ns: int
    def __init__(self, series_id: _Optional[bytes] = ..., send_unix_ns: _Optional[int] = ...) -> None: ...
