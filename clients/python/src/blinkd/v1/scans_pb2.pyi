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
TILE_STATE_UNSPECIFIED: TileState
TILE_STATE_PLANNED: TileState
TILE_STATE_ACQUIRING: TileState
TILE_STATE_PROCESSING: TileState
TILE_STATE_DONE: TileState
TILE_STATE_FAILED: TileState
TILE_STATE_RETAKE: TileState

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

class ScanTile(_message.Message):
    __slots__ = ("state", "tile", "visits")
    STATE_FIELD_NUMBER: _ClassVar[int]
    TILE_FIELD_NUMBER: _ClassVar[int]
    VISITS_FIELD_NUMBER: _ClassVar[int]
    state: TileState
    tile: _acquisitions_pb2.TileAccount
    visits: int
    def __init__(self, state: _Optional[_Union[TileState, str]] = ..., tile: _Optional[_Union[_acquisitions_pb2.TileAccount, _Mapping]] = ..., visits: _Optional[int] = ...) -> None: ...

class Scan(_message.Message):
    __slots__ = ("series_id", "name", "grid", "expected_tiles", "tiles_by_state", "tiles", "retake", "seconds_left", "tile_width_nm", "tile_height_nm")
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
    def __init__(self, series_id: _Optional[bytes] = ..., name: _Optional[str] = ..., grid: _Optional[_Union[_acquisitions_pb2.Grid, _Mapping]] = ..., expected_tiles: _Optional[int] = ..., tiles_by_state: _Optional[_Mapping[str, int]] = ..., tiles: _Optional[_Iterable[_Union[ScanTile, _Mapping]]] = ..., retake: _Optional[_Iterable[int]] = ..., seconds_left: _Optional[float] = ..., tile_width_nm: _Optional[float] = ..., tile_height_nm: _Optional[float] = ...) -> None: ...
