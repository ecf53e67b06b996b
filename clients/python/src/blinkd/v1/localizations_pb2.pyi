from blinkd.v1 import acquisitions_pb2 as _acquisitions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TableFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TABLE_FORMAT_UNSPECIFIED: _ClassVar[TableFormat]
    TABLE_FORMAT_PARQUET: _ClassVar[TableFormat]
    TABLE_FORMAT_THUNDERSTORM_CSV: _ClassVar[TableFormat]
    TABLE_FORMAT_PICASSO_HDF5: _ClassVar[TableFormat]
TABLE_FORMAT_UNSPECIFIED: TableFormat
TABLE_FORMAT_PARQUET: TableFormat
TABLE_FORMAT_THUNDERSTORM_CSV: TableFormat
TABLE_FORMAT_PICASSO_HDF5: TableFormat

class StreamLocalizationsRequest(_message.Message):
    __slots__ = ("series_id", "filter")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    filter: _acquisitions_pb2.LocalizationFilter
    def __init__(self, series_id: _Optional[bytes] = ..., filter: _Optional[_Union[_acquisitions_pb2.LocalizationFilter, _Mapping]] = ...) -> None: ...

class QueryLocalizationsRequest(_message.Message):
    __slots__ = ("series_id", "tile_index", "first_frame", "last_frame", "filter", "as_shown")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    TILE_INDEX_FIELD_NUMBER: _ClassVar[int]
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    LAST_FRAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    AS_SHOWN_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    tile_index: int
    first_frame: int
    last_frame: int
    filter: _acquisitions_pb2.LocalizationFilter
    as_shown: bool
    def __init__(self, series_id: _Optional[bytes] = ..., tile_index: _Optional[int] = ..., first_frame: _Optional[int] = ..., last_frame: _Optional[int] = ..., filter: _Optional[_Union[_acquisitions_pb2.LocalizationFilter, _Mapping]] = ..., as_shown: bool = ...) -> None: ...

class LocalizationBatch(_message.Message):
    __slots__ = ("series_id", "true_for_seq", "frame", "tile", "x_px", "y_px", "z_nm", "photons", "background", "sigma_x_px", "sigma_y_px", "sigma_z_nm", "sigma_photons", "probability", "lagged")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    TRUE_FOR_SEQ_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    TILE_FIELD_NUMBER: _ClassVar[int]
    X_PX_FIELD_NUMBER: _ClassVar[int]
    Y_PX_FIELD_NUMBER: _ClassVar[int]
    Z_NM_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    SIGMA_X_PX_FIELD_NUMBER: _ClassVar[int]
    SIGMA_Y_PX_FIELD_NUMBER: _ClassVar[int]
    SIGMA_Z_NM_FIELD_NUMBER: _ClassVar[int]
    SIGMA_PHOTONS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    true_for_seq: int
    frame: _containers.RepeatedScalarFieldContainer[int]
    tile: _containers.RepeatedScalarFieldContainer[int]
    x_px: _containers.RepeatedScalarFieldContainer[float]
    y_px: _containers.RepeatedScalarFieldContainer[float]
    z_nm: _containers.RepeatedScalarFieldContainer[float]
    photons: _containers.RepeatedScalarFieldContainer[float]
    background: _containers.RepeatedScalarFieldContainer[float]
    sigma_x_px: _containers.RepeatedScalarFieldContainer[float]
    sigma_y_px: _containers.RepeatedScalarFieldContainer[float]
    sigma_z_nm: _containers.RepeatedScalarFieldContainer[float]
    sigma_photons: _containers.RepeatedScalarFieldContainer[float]
    probability: _containers.RepeatedScalarFieldContainer[float]
    lagged: int
    def __init__(self, series_id: _Optional[bytes] = ..., true_for_seq: _Optional[int] = ..., frame: _Optional[_Iterable[int]] = ..., tile: _Optional[_Iterable[int]] = ..., x_px: _Optional[_Iterable[float]] = ..., y_px: _Optional[_Iterable[float]] = ..., z_nm: _Optional[_Iterable[float]] = ..., photons: _Optional[_Iterable[float]] = ..., background: _Optional[_Iterable[float]] = ..., sigma_x_px: _Optional[_Iterable[float]] = ..., sigma_y_px: _Optional[_Iterable[float]] = ..., sigma_z_nm: _Optional[_Iterable[float]] = ..., sigma_photons: _Optional[_Iterable[float]] = ..., probability: _Optional[_Iterable[float]] = ..., lagged: _Optional[int] = ...) -> None: ...

class ExportLocalizationsRequest(_message.Message):
    __slots__ = ("series_id", "format", "file_name", "filter")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    format: TableFormat
    file_name: str
    filter: _acquisitions_pb2.LocalizationFilter
    def __init__(self, series_id: _Optional[bytes] = ..., format: _Optional[_Union[TableFormat, str]] = ..., file_name: _Optional[str] = ..., filter: _Optional[_Union[_acquisitions_pb2.LocalizationFilter, _Mapping]] = ...) -> None: ...

class ExportLocalizationsResponse(_message.Message):
    __slots__ = ("path", "localizations", "bytes")
    PATH_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    path: str
    localizations: int
    bytes: int
    def __init__(self, path: _Optional[str] = ..., localizations: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...
