from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Rendering(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RENDERING_UNSPECIFIED: _ClassVar[Rendering]
    RENDERING_HISTOGRAM: _ClassVar[Rendering]
    RENDERING_GAUSSIAN: _ClassVar[Rendering]

class ColourBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOUR_BY_UNSPECIFIED: _ClassVar[ColourBy]
    COLOUR_BY_INTENSITY: _ClassVar[ColourBy]
    COLOUR_BY_Z: _ClassVar[ColourBy]
    COLOUR_BY_TIME: _ClassVar[ColourBy]
    COLOUR_BY_SIGMA: _ClassVar[ColourBy]
RENDERING_UNSPECIFIED: Rendering
RENDERING_HISTOGRAM: Rendering
RENDERING_GAUSSIAN: Rendering
COLOUR_BY_UNSPECIFIED: ColourBy
COLOUR_BY_INTENSITY: ColourBy
COLOUR_BY_Z: ColourBy
COLOUR_BY_TIME: ColourBy
COLOUR_BY_SIGMA: ColourBy

class Look(_message.Message):
    __slots__ = ("rendering", "colour_by", "gamma", "percentile", "range_min", "range_max")
    RENDERING_FIELD_NUMBER: _ClassVar[int]
    COLOUR_BY_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    RANGE_MIN_FIELD_NUMBER: _ClassVar[int]
    RANGE_MAX_FIELD_NUMBER: _ClassVar[int]
    rendering: Rendering
    colour_by: ColourBy
    gamma: float
    percentile: float
    range_min: float
    range_max: float
    def __init__(self, rendering: _Optional[_Union[Rendering, str]] = ..., colour_by: _Optional[_Union[ColourBy, str]] = ..., gamma: _Optional[float] = ..., percentile: _Optional[float] = ..., range_min: _Optional[float] = ..., range_max: _Optional[float] = ...) -> None: ...

class Viewport(_message.Message):
    __slots__ = ("x_min_nm", "y_min_nm", "x_max_nm", "y_max_nm")
    X_MIN_NM_FIELD_NUMBER: _ClassVar[int]
    Y_MIN_NM_FIELD_NUMBER: _ClassVar[int]
    X_MAX_NM_FIELD_NUMBER: _ClassVar[int]
    Y_MAX_NM_FIELD_NUMBER: _ClassVar[int]
    x_min_nm: float
    y_min_nm: float
    x_max_nm: float
    y_max_nm: float
    def __init__(self, x_min_nm: _Optional[float] = ..., y_min_nm: _Optional[float] = ..., x_max_nm: _Optional[float] = ..., y_max_nm: _Optional[float] = ...) -> None: ...

class SubscribePreviewRequest(_message.Message):
    __slots__ = ("series_id", "viewport", "pixel_size_nm", "look", "interval_ms")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    viewport: Viewport
    pixel_size_nm: float
    look: Look
    interval_ms: int
    def __init__(self, series_id: _Optional[bytes] = ..., viewport: _Optional[_Union[Viewport, _Mapping]] = ..., pixel_size_nm: _Optional[float] = ..., look: _Optional[_Union[Look, _Mapping]] = ..., interval_ms: _Optional[int] = ...) -> None: ...

class PictureTile(_message.Message):
    __slots__ = ("level", "tile_x", "tile_y", "png")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TILE_X_FIELD_NUMBER: _ClassVar[int]
    TILE_Y_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    level: int
    tile_x: int
    tile_y: int
    png: bytes
    def __init__(self, level: _Optional[int] = ..., tile_x: _Optional[int] = ..., tile_y: _Optional[int] = ..., png: _Optional[bytes] = ...) -> None: ...

class PreviewUpdate(_message.Message):
    __slots__ = ("series_id", "true_for_seq", "pixel_size_nm", "tile_px", "tiles", "localizations", "white", "reset")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    TRUE_FOR_SEQ_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    TILE_PX_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    WHITE_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    true_for_seq: int
    pixel_size_nm: float
    tile_px: int
    tiles: _containers.RepeatedCompositeFieldContainer[PictureTile]
    localizations: int
    white: float
    reset: bool
    def __init__(self, series_id: _Optional[bytes] = ..., true_for_seq: _Optional[int] = ..., pixel_size_nm: _Optional[float] = ..., tile_px: _Optional[int] = ..., tiles: _Optional[_Iterable[_Union[PictureTile, _Mapping]]] = ..., localizations: _Optional[int] = ..., white: _Optional[float] = ..., reset: bool = ...) -> None: ...

class RenderPictureRequest(_message.Message):
    __slots__ = ("series_id", "viewport", "pixel_size_nm", "look")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    viewport: Viewport
    pixel_size_nm: float
    look: Look
    def __init__(self, series_id: _Optional[bytes] = ..., viewport: _Optional[_Union[Viewport, _Mapping]] = ..., pixel_size_nm: _Optional[float] = ..., look: _Optional[_Union[Look, _Mapping]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("png", "width_px", "height_px", "pixel_size_nm", "true_for_seq", "localizations")
    PNG_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    TRUE_FOR_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    width_px: int
    height_px: int
    pixel_size_nm: float
    true_for_seq: int
    localizations: int
    def __init__(self, png: _Optional[bytes] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., pixel_size_nm: _Optional[float] = ..., true_for_seq: _Optional[int] = ..., localizations: _Optional[int] = ...) -> None: ...
