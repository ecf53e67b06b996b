from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class DescribeModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CheckModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class LoadModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("min", "max")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    min: float
    max: float
    def __init__(self, min: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "version", "engine", "description", "licence", "window_frames", "pixel_size_nm", "psf_sigma_nm", "photons", "background_photons", "z_nm", "halo_px", "grid_px", "provider", "loaded", "card_toml")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FRAMES_FIELD_NUMBER: _ClassVar[int]
    PIXEL_SIZE_NM_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_NM_FIELD_NUMBER: _ClassVar[int]
    PHOTONS_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_PHOTONS_FIELD_NUMBER: _ClassVar[int]
    Z_NM_FIELD_NUMBER: _ClassVar[int]
    HALO_PX_FIELD_NUMBER: _ClassVar[int]
    GRID_PX_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LOADED_FIELD_NUMBER: _ClassVar[int]
    CARD_TOML_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    engine: str
    description: str
    licence: str
    window_frames: int
    pixel_size_nm: Range
    psf_sigma_nm: Range
    photons: Range
    background_photons: Range
    z_nm: Range
    halo_px: int
    grid_px: int
    provider: str
    loaded: bool
    card_toml: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., engine: _Optional[str] = ..., description: _Optional[str] = ..., licence: _Optional[str] = ..., window_frames: _Optional[int] = ..., pixel_size_nm: _Optional[_Union[Range, _Mapping]] = ..., psf_sigma_nm: _Optional[_Union[Range, _Mapping]] = ..., photons: _Optional[_Union[Range, _Mapping]] = ..., background_photons: _Optional[_Union[Range, _Mapping]] = ..., z_nm: _Optional[_Union[Range, _Mapping]] = ..., halo_px: _Optional[int] = ..., grid_px: _Optional[int] = ..., provider: _Optional[str] = ..., loaded: bool = ..., card_toml: _Optional[str] = ...) -> None: ...

class CheckModelResponse(_message.Message):
    __slots__ = ("name", "passed", "max_abs_difference", "report")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    MAX_ABS_DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    name: str
    passed: bool
    max_abs_difference: float
    report: str
    def __init__(self, name: _Optional[str] = ..., passed: bool = ..., max_abs_difference: _Optional[float] = ..., report: _Optional[str] = ...) -> None: ...
