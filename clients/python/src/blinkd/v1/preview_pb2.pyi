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

class Colours(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOURS_UNSPECIFIED: _ClassVar[Colours]
    COLOURS_FIRE: _ClassVar[Colours]
    COLOURS_GREY: _ClassVar[Colours]
    COLOURS_CIVIDIS: _ClassVar[Colours]
    COLOURS_RAMP: _ClassVar[Colours]

class Layer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAYER_UNSPECIFIED: _ClassVar[Layer]
    LAYER_LOCALIZATIONS: _ClassVar[Layer]
    LAYER_A_NET: _ClassVar[Layer]
    LAYER_ERROR_MAP: _ClassVar[Layer]
    LAYER_WIDEFIELD: _ClassVar[Layer]

class PictureFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PICTURE_FORMAT_UNSPECIFIED: _ClassVar[PictureFormat]
    PICTURE_FORMAT_PNG: _ClassVar[PictureFormat]
    PICTURE_FORMAT_OME_TIFF: _ClassVar[PictureFormat]
RENDERING_UNSPECIFIED: Rendering
RENDERING_HISTOGRAM: Rendering
RENDERING_GAUSSIAN: Rendering
COLOUR_BY_UNSPECIFIED: ColourBy
COLOUR_BY_INTENSITY: ColourBy
COLOUR_BY_Z: ColourBy
COLOUR_BY_TIME: ColourBy
COLOUR_BY_SIGMA: ColourBy
COLOURS_UNSPECIFIED: Colours
COLOURS_FIRE: Colours
COLOURS_GREY: Colours
COLOURS_CIVIDIS: Colours
COLOURS_RAMP: Colours
LAYER_UNSPECIFIED: Layer
LAYER_LOCALIZATIONS: Layer
LAYER_A_NET: Layer
LAYER_ERROR_MAP: Layer
LAYER_WIDEFIELD: Layer
PICTURE_FORMAT_UNSPECIFIED: PictureFormat
PICTURE_FORMAT_PNG: PictureFormat
PICTURE_FORMAT_OME_TIFF: PictureFormat

class Look(_message.Message):
    __slots__ = ("rendering", "colour_by", "gamma", "percentile", "range_min", "range_max", "colours", "layer")
    RENDERING_FIELD_NUMBER: _ClassVar[int]
    COLOUR_BY_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    RANGE_MIN_FIELD_NUMBER: _ClassVar[int]
    RANGE_MAX_FIELD_NUMBER: _ClassVar[int]
    COLOURS_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    rendering: Rendering
    colour_by: ColourBy
    gamma: float
    percentile: float
    range_min: float
    range_max: float
    colours: Colours
    layer: Layer
    def __init__(self, rendering: _Optional[_Union[Rendering, str]] = ..., colour_by: _Optional[_Union[ColourBy, str]] = ..., gamma: _Optional[float] = ..., percentile: _Optional[float] = ..., range_min: _Optional[float] = ..., range_max: _Optional[float] = ..., colours: _Optional[_Union[Colours, str]] = ..., layer: _Optional[_Union[Layer, str]] = ...) -> None: ...

class Tone(_message.Message):
    __slots__ = ("white", "range_min", "range_max")
    WHITE_FIELD_NUMBER: _ClassVar[int]
    RANGE_MIN_FIELD_NUMBER: _ClassVar[int]
    RANGE_MAX_FIELD_NUMBER: _ClassVar[int]
    white: float
    range_min: float
    range_max: float
    def __init__(self, white: _Optional[float] = ..., range_min: _Optional[float] = ..., range_max: _Optional[float] = ...) -> None: ...

class Legend(_message.Message):
    __slots__ = ("unit", "low", "high", "rgb")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    RGB_FIELD_NUMBER: _ClassVar[int]
    unit: str
    low: float
    high: float
    rgb: bytes
    def __init__(self, unit: _Optional[str] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., rgb: _Optional[bytes] = ...) -> None: ...

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
    __slots__ = ("level", "tile_x", "tile_y", "png", "values")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TILE_X_FIELD_NUMBER: _ClassVar[int]
    TILE_Y_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    level: int
    tile_x: int
    tile_y: int
    png: bytes
    values: bytes
    def __init__(self, level: _Optional[int] = ..., tile_x: _Optional[int] = ..., tile_y: _Optional[int] = ..., png: _Optional[bytes] = ..., values: _Optional[bytes] = ...) -> None: ...

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

class WantedTile(_message.Message):
    __slots__ = ("x", "y", "version")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    version: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class GetTilesRequest(_message.Message):
    __slots__ = ("series_id", "look", "level", "tiles", "generation", "tone", "values")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    TONE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    look: Look
    level: int
    tiles: _containers.RepeatedCompositeFieldContainer[WantedTile]
    generation: int
    tone: Tone
    values: bool
    def __init__(self, series_id: _Optional[bytes] = ..., look: _Optional[_Union[Look, _Mapping]] = ..., level: _Optional[int] = ..., tiles: _Optional[_Iterable[_Union[WantedTile, _Mapping]]] = ..., generation: _Optional[int] = ..., tone: _Optional[_Union[Tone, _Mapping]] = ..., values: bool = ...) -> None: ...

class GetTilesResponse(_message.Message):
    __slots__ = ("series_id", "generation", "version", "level", "tiles", "left", "tone", "reset", "legend", "true_for_seq", "localizations", "base_pixel_nm", "finest_level", "levels", "tile_px", "bounds")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TONE_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    LEGEND_FIELD_NUMBER: _ClassVar[int]
    TRUE_FOR_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    BASE_PIXEL_NM_FIELD_NUMBER: _ClassVar[int]
    FINEST_LEVEL_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    TILE_PX_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    generation: int
    version: int
    level: int
    tiles: _containers.RepeatedCompositeFieldContainer[PictureTile]
    left: _containers.RepeatedCompositeFieldContainer[WantedTile]
    tone: Tone
    reset: bool
    legend: Legend
    true_for_seq: int
    localizations: int
    base_pixel_nm: float
    finest_level: int
    levels: int
    tile_px: int
    bounds: Viewport
    def __init__(self, series_id: _Optional[bytes] = ..., generation: _Optional[int] = ..., version: _Optional[int] = ..., level: _Optional[int] = ..., tiles: _Optional[_Iterable[_Union[PictureTile, _Mapping]]] = ..., left: _Optional[_Iterable[_Union[WantedTile, _Mapping]]] = ..., tone: _Optional[_Union[Tone, _Mapping]] = ..., reset: bool = ..., legend: _Optional[_Union[Legend, _Mapping]] = ..., true_for_seq: _Optional[int] = ..., localizations: _Optional[int] = ..., base_pixel_nm: _Optional[float] = ..., finest_level: _Optional[int] = ..., levels: _Optional[int] = ..., tile_px: _Optional[int] = ..., bounds: _Optional[_Union[Viewport, _Mapping]] = ...) -> None: ...

class RenderPictureRequest(_message.Message):
    __slots__ = ("series_id", "viewport", "pixel_size_nm", "look", "format", "scale_bar")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SCALE_BAR_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    viewport: Viewport
    pixel_size_nm: float
    look: Look
    format: PictureFormat
    scale_bar: bool
    def __init__(self, series_id: _Optional[bytes] = ..., viewport: _Optional[_Union[Viewport, _Mapping]] = ..., pixel_size_nm: _Optional[float] = ..., look: _Optional[_Union[Look, _Mapping]] = ..., format: _Optional[_Union[PictureFormat, str]] = ..., scale_bar: bool = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("png", "width_px", "height_px", "pixel_size_nm", "true_for_seq", "localizations", "tone")
    PNG_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    TRUE_FOR_SEQ_FIELD_NUMBER: _ClassVar[int]
    LOCALIZATIONS_FIELD_NUMBER: _ClassVar[int]
    TONE_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    width_px: int
    height_px: int
    pixel_size_nm: float
    true_for_seq: int
    localizations: int
    tone: Tone
    def __init__(self, png: _Optional[bytes] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., pixel_size_nm: _Optional[float] = ..., true_for_seq: _Optional[int] = ..., localizations: _Optional[int] = ..., tone: _Optional[_Union[Tone, _Mapping]] = ...) -> None: ...

class GetFrameRequest(_message.Message):
    __slots__ = ("series_id", "newer_than_seq", "max_side_px")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    NEWER_THAN_SEQ_FIELD_NUMBER: _ClassVar[int]
    MAX_SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    newer_than_seq: int
    max_side_px: int
    def __init__(self, series_id: _Optional[bytes] = ..., newer_than_seq: _Optional[int] = ..., max_side_px: _Optional[int] = ...) -> None: ...

class CameraFrame(_message.Message):
    __slots__ = ("series_id", "seq", "tile_index", "width_px", "height_px", "png", "shrunk_by", "black_adu", "white_adu", "x_px", "y_px", "sigma_x_px", "sigma_y_px", "z_nm", "photons", "localized")
    SERIES_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TILE_INDEX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    SHRUNK_BY_FIELD_NUMBER: _ClassVar[int]
    BLACK_ADU_FIELD_NUMBER: _ClassVar[int]
    WHITE_ADU_FIELD_NUMBER: _ClassVar[int]
    X_PX_FIELD_NUMBER: _ClassVar[int]
    Y_PX_FIELD_NUMBER: _ClassVar[int]
    SIGMA_X_PX_FIELD_NUMBER: _ClassVar[int]
    SIGMA_Y_PX_FIELD_NUMBER: _ClassVar[int]
    Z_NM_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_FIELD_NUMBER: _ClassVar[int]
    LOCALIZED_FIELD_NUMBER: _ClassVar[int]
    series_id: bytes
    seq: int
    tile_index: int
    width_px: int
    height_px: int
    png: bytes
    shrunk_by: int
    black_adu: float
    white_adu: float
    x_px: _containers.RepeatedScalarFieldContainer[float]
    y_px: _containers.RepeatedScalarFieldContainer[float]
    sigma_x_px: _containers.RepeatedScalarFieldContainer[float]
    sigma_y_px: _containers.RepeatedScalarFieldContainer[float]
    z_nm: _containers.RepeatedScalarFieldContainer[float]
    photons: _containers.RepeatedScalarFieldContainer[float]
    localized: bool
    def __init__(self, series_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., tile_index: _Optional[int] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., png: _Optional[bytes] = ..., shrunk_by: _Optional[int] = ..., black_adu: _Optional[float] = ..., white_adu: _Optional[float] = ..., x_px: _Optional[_Iterable[float]] = ..., y_px: _Optional[_Iterable[float]] = ..., sigma_x_px: _Optional[_Iterable[float]] = ..., sigma_y_px: _Optional[_Iterable[float]] = ..., z_nm: _Optional[_Iterable[float]] = ..., photons: _Optional[_Iterable[float]] = ..., localized: bool = ...) -> None: ...
