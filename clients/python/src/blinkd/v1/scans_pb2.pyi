from blinkd.v1 import acquisitions_pb2 as _acquisitions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TileState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TILE_STATE_UNSPECIFIED: _ClassVar[TileState]
    TILE_STATE_PLANNED: _ClassVar[TileState]
    TILE_STATE_ACQUIRING: _ClassVar[TileState]
    TILE_STATE_PROCESSING: _ClassVar[TileState]
    TILE_STATE_DONE: _ClassVar[TileState]
    TILE_STATE_FAILED: _ClassVar[TileState]
    TILE_STATE_RETAKE: _ClassVar[TileState]
    TILE_STATE_SUSPECT: _ClassVar[TileState]

class PictureState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PICTURE_STATE_UNSPECIFIED: _ClassVar[PictureState]
    PICTURE_STATE_WAITING: _ClassVar[PictureState]
    PICTURE_STATE_PAINTED: _ClassVar[PictureState]
    PICTURE_STATE_EMPTY: _ClassVar[PictureState]
    PICTURE_STATE_FAILED: _ClassVar[PictureState]
TILE_STATE_UNSPECIFIED: TileState
TILE_STATE_PLANNED: TileState
TILE_STATE_ACQUIRING: TileState
TILE_STATE_PROCESSING: TileState
TILE_STATE_DONE: TileState
TILE_STATE_FAILED: TileState
TILE_STATE_RETAKE: TileState
TILE_STATE_SUSPECT: TileState
PICTURE_STATE_UNSPECIFIED: PictureState
PICTURE_STATE_WAITING: PictureState
PICTURE_STATE_PAINTED: PictureState
PICTURE_STATE_EMPTY: PictureState
PICTURE_STATE_FAILED: PictureState

class ListScansRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListScansResponse(_message.Message):
    __slots__ = ("scans",)
    SCANS_FIELD_NUMBER: _ClassVar[int]
    scans: _containers.RepeatedCompositeFieldContainer[Scan]
    def __init__(self, scans: _Optional[_Iterable[_Union[Scan, _Mapping]]] = ...) -> None: ...

class GetScanRequest(_message.Message):
    __slots__ = ("series_id",)
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    def __init__(self, series_id: _Optional[bytes] = ...) -> None: ...

class WatchScanRequest(_message.Message):
    __slots__ = ("series_id", "interval_ms")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    interval_ms: int
    def __init__(self, series_id: _Optional[bytes] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class RequestRetakesRequest(_message.Message):
    __slots__ = ("series_id", "tiles", "withdraw")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    tiles: _containers.RepeatedScalarFieldContainer[int]
    withdraw: bool
    def __init__(self, series_id: _Optional[bytes] = ..., tiles: _Optional[_Iterable[int]] = ..., withdraw: bool = ...) -> None: ...

class TileReason(_message.Message):
    __slots__ = ("kind", "text")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    text: str
    def __init__(self, kind: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class TileReport(_message.Message):
    __slots__ = ("first_seq", "last_seq", "localizations", "merged", "frc_nm", "no_frc", "drift_nm", "no_drift", "sigma_lateral_nm", "photons", "background_photons", "psf_sigma_px", "saturated_share", "reasons", "unknown", "moved_x_nm", "moved_y_nm", "placed_by_seams", "took_s", "finished_unix_ns", "psf_sigma_sd_px", "frames_saved", "seconds_saved", "picture")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    MERGED_FIELD_NUMBER: _ClassVar[int]
    FRC_NM_FIELD_NUMBER: _ClassVar[int]
    NO_FRC_FIELD_NUMBER: _ClassVar[int]
    DRIFT_NM_FIELD_NUMBER: _ClassVar[int]
    NO_DRIFT_FIELD_NUMBER: _ClassVar[int]
    SIGMA_LATERAL_NM_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_PHOTONS_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_PX_FIELD_NUMBER: _ClassVar[int]
    SATURATED_SHARE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    MOVED_X_NM_FIELD_NUMBER: _ClassVar[int]
    MOVED_Y_NM_FIELD_NUMBER: _ClassVar[int]
    PLACED_BY_SEAMS_FIELD_NUMBER: _ClassVar[int]
    TOOK_S_FIELD_NUMBER: _ClassVar[int]
    FINISHED_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_SD_PX_FIELD_NUMBER: _ClassVar[int]
    FRAMES_SAVED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_SAVED_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    last_seq: int
    localizations: int
    merged: int
    frc_nm: float
    no_frc: str
    drift_nm: float
    no_drift: str
    sigma_lateral_nm: float
    photons: float
    background_photons: float
    psf_sigma_px: float
    saturated_share: float
    reasons: _containers.RepeatedCompositeFieldContainer[TileReason]
    unknown: _containers.RepeatedScalarFieldContainer[str]
    moved_x_nm: float
    moved_y_nm: float
    placed_by_seams: bool
    took_s: float
    finished_unix_ns: int
    psf_sigma_sd_px: float
    frames_saved: int
    seconds_saved: float
    picture: TilePicture
    def __init__(self, first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., localizations: _Optional[int] = ..., merged: _Optional[int] = ..., frc_nm: _Optional[float] = ..., no_frc: _Optional[str] = ..., drift_nm: _Optional[float] = ..., no_drift: _Optional[str] = ..., sigma_lateral_nm: _Optional[float] = ..., photons: _Optional[float] = ..., background_photons: _Optional[float] = ..., psf_sigma_px: _Optional[float] = ..., saturated_share: _Optional[float] = ..., reasons: _Optional[_Iterable[_Union[TileReason, _Mapping]]] = ..., unknown: _Optional[_Iterable[str]] = ..., moved_x_nm: _Optional[float] = ..., moved_y_nm: _Optional[float] = ..., placed_by_seams: bool = ..., took_s: _Optional[float] = ..., finished_unix_ns: _Optional[int] = ..., psf_sigma_sd_px: _Optional[float] = ..., frames_saved: _Optional[int] = ..., seconds_saved: _Optional[float] = ..., picture: _Optional[_Union[TilePicture, _Mapping]] = ...) -> None: ...

class TilePicture(_message.Message):
    __slots__ = ("state", "model", "structure", "widefield_series_id", "rsp", "rse_adu", "error", "error_share", "not_to_be_trusted", "reason", "took_s", "painted_unix_ns")
    STATE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STRUCTURE_FIELD_NUMBER: _ClassVar[int]
    WIDEFIELD_SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    RSP_FIELD_NUMBER: _ClassVar[int]
    RSE_ADU_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ERROR_SHARE_FIELD_NUMBER: _ClassVar[int]
    NOT_TO_BE_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TOOK_S_FIELD_NUMBER: _ClassVar[int]
    PAINTED_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    state: PictureState
    model: str
    structure: str
    widefield_series_id: bytes
    rsp: float
    rse_adu: float
    error: float
    error_share: float
    not_to_be_trusted: bool
    reason: str
    took_s: float
    painted_unix_ns: int
    def __init__(self, state: _Optional[_Union[PictureState, str]] = ..., model: _Optional[str] = ..., structure: _Optional[str] = ..., widefield_series_id: _Optional[bytes] = ..., rsp: _Optional[float] = ..., rse_adu: _Optional[float] = ..., error: _Optional[float] = ..., error_share: _Optional[float] = ..., not_to_be_trusted: bool = ..., reason: _Optional[str] = ..., took_s: _Optional[float] = ..., painted_unix_ns: _Optional[int] = ...) -> None: ...

class Seams(_message.Message):
    __slots__ = ("matched", "rejected", "without", "residual_nm", "each")
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_FIELD_NUMBER: _ClassVar[int]
    RESIDUAL_NM_FIELD_NUMBER: _ClassVar[int]
    EACH_FIELD_NUMBER: _ClassVar[int]
    matched: int
    rejected: int
    without: int
    residual_nm: float
    each: _containers.RepeatedCompositeFieldContainer[Seam]
    def __init__(self, matched: _Optional[int] = ..., rejected: _Optional[int] = ..., without: _Optional[int] = ..., residual_nm: _Optional[float] = ..., each: _Optional[_Iterable[_Union[Seam, _Mapping]]] = ...) -> None: ...

class Seam(_message.Message):
    __slots__ = ("tile_index", "other_index", "residual_x_nm", "residual_y_nm", "sd_nm", "rejected", "missing")
    TILE_INDEX_FIELD_NUMBER: _ClassVar[int]
    OTHER_INDEX_FIELD_NUMBER: _ClassVar[int]
    RESIDUAL_X_NM_FIELD_NUMBER: _ClassVar[int]
    RESIDUAL_Y_NM_FIELD_NUMBER: _ClassVar[int]
    SD_NM_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    tile_index: int
    other_index: int
    residual_x_nm: float
    residual_y_nm: float
    sd_nm: float
    rejected: bool
    missing: str
    def __init__(self, tile_index: _Optional[int] = ..., other_index: _Optional[int] = ..., residual_x_nm: _Optional[float] = ..., residual_y_nm: _Optional[float] = ..., sd_nm: _Optional[float] = ..., rejected: bool = ..., missing: _Optional[str] = ...) -> None: ...

class Enough(_message.Message):
    __slots__ = ("seq", "frames", "localizations", "frc_nm")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    FRC_NM_FIELD_NUMBER: _ClassVar[int]
    seq: int
    frames: int
    localizations: int
    frc_nm: float
    def __init__(self, seq: _Optional[int] = ..., frames: _Optional[int] = ..., localizations: _Optional[int] = ..., frc_nm: _Optional[float] = ...) -> None: ...

class ScanTile(_message.Message):
    __slots__ = ("state", "tile", "visits", "report", "enough")
    STATE_FIELD_NUMBER: _ClassVar[int]
    TILE_FIELD_NUMBER: _ClassVar[int]
    VISITS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    ENOUGH_FIELD_NUMBER: _ClassVar[int]
    state: TileState
    tile: _acquisitions_pb2.TileAccount
    visits: int
    report: TileReport
    enough: Enough
    def __init__(self, state: _Optional[_Union[TileState, str]] = ..., tile: _Optional[_Union[_acquisitions_pb2.TileAccount, _Mapping]] = ..., visits: _Optional[int] = ..., report: _Optional[_Union[TileReport, _Mapping]] = ..., enough: _Optional[_Union[Enough, _Mapping]] = ...) -> None: ...

class Scan(_message.Message):
    __slots__ = ("series_id", "name", "grid", "expected_tiles", "tiles_by_state", "tiles", "retake", "seconds_left", "tile_width_nm", "tile_height_nm", "tiles_finished", "suspect", "seams", "complete", "early_stop", "frames_saved", "seconds_saved", "tiles_painted", "not_to_be_trusted")
    class TilesByStateEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_TILES_FIELD_NUMBER: _ClassVar[int]
    TILES_BY_STATE_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    RETAKE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    TILE_WIDTH_NM_FIELD_NUMBER: _ClassVar[int]
    TILE_HEIGHT_NM_FIELD_NUMBER: _ClassVar[int]
    TILES_FINISHED_FIELD_NUMBER: _ClassVar[int]
    SUSPECT_FIELD_NUMBER: _ClassVar[int]
    SEAMS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOP_FIELD_NUMBER: _ClassVar[int]
    FRAMES_SAVED_FIELD_NUMBER: _ClassVar[int]
    SECONDS_SAVED_FIELD_NUMBER: _ClassVar[int]
    TILES_PAINTED_FIELD_NUMBER: _ClassVar[int]
    NOT_TO_BE_TRUSTED_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    name: str
    grid: _acquisitions_pb2.Grid
    expected_tiles: int
    tiles_by_state: _containers.ScalarMap[str, int]
    tiles: _containers.RepeatedCompositeFieldContainer[ScanTile]
    retake: _containers.RepeatedScalarFieldContainer[int]
    seconds_left: float
    tile_width_nm: float
    tile_height_nm: float
    tiles_finished: int
    suspect: _containers.RepeatedScalarFieldContainer[int]
    seams: Seams
    complete: bool
    early_stop: bool
    frames_saved: int
    seconds_saved: float
    tiles_painted: int
    not_to_be_trusted: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, series_id: _Optional[bytes] = ..., name: _Optional[str] = ..., grid: _Optional[_Union[_acquisitions_pb2.Grid, _Mapping]] = ..., expected_tiles: _Optional[int] = ..., tiles_by_state: _Optional[_Mapping[str, int]] = ..., tiles: _Optional[_Iterable[_Union[ScanTile, _Mapping]]] = ..., retake: _Optional[_Iterable[int]] = ..., seconds_left: _Optional[float] = ..., tile_width_nm: _Optional[float] = ..., tile_height_nm: _Optional[float] = ..., tiles_finished: _Optional[int] = ..., suspect: _Optional[_Iterable[int]] = ..., seams: _Optional[_Union[Seams, _Mapping]] = ..., complete: bool = ..., early_stop: bool = ..., frames_saved: _Optional[int] = ..., seconds_saved: _Optional[float] = ..., tiles_painted: _Optional[int] = ..., not_to_be_trusted: _Optional[_Iterable[int]] = ...) -> None: ...
