"""OME-Zarr pictures: version 0.4 and 0.5 multiscales as lazy arrays in µm, a channel each.

Comes in: a folder. Goes out: per channel its levels, place, name, colour and contrast. Never: pixels (they are read
when they are looked at); a guess at what the metadata do not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array
import zarr

MOST_CHANNELS = 32
"""An image with more is refused: each becomes a layer."""
UM_PER: Mapping[str, float] = {
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "meter": 1e6,
}


class OmeZarrError(ValueError):
    """A folder that cannot be shown; the text names it and what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One channel of a picture; `scale` and `translate` by axis, lengths in µm."""

    name: str
    levels: Sequence[Any]
    axes: tuple[str, ...]
    units: tuple[str, ...]
    scale: tuple[float, ...]
    translate: tuple[float, ...]
    colour: str | None = None
    contrast: tuple[float, float] | None = None
    visible: bool = True


@dataclass(frozen=True, kw_only=True)
class _Axis:
    name: str
    kind: str
    factor: float  # to the unit that is shown
    unit: str


def is_ome_zarr(path: str | Path) -> bool:
    """Whether a folder is a Zarr group with multiscales."""
    try:
        return bool(_metadata(zarr.open_group(str(path), mode="r")).get("multiscales"))
    except (OSError, ValueError, KeyError):
        return False


def read_ome_zarr(path: str | Path) -> list[Channel]:
    """The first multiscale image of a folder, a channel each."""
    try:
        group = zarr.open_group(str(path), mode="r")
        told = _metadata(group)
        multiscale = told["multiscales"][0]
        axes = [_axis(axis) for axis in multiscale["axes"]]
        datasets = multiscale["datasets"]
        arrays = [dask.array.from_zarr(group[one["path"]]) for one in datasets]
        placed = _Placed.of(axes, datasets[0], multiscale)
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise OmeZarrError(f"{path} is no OME-Zarr picture: {error!r}") from error
    if any(array.ndim != len(axes) for array in arrays):
        raise OmeZarrError(f"{path}: its arrays do not have the {len(axes)} axes that multiscales names")
    name = str(multiscale.get("name") or Path(path).name.removesuffix(".zarr").removesuffix(".ome"))
    return _channels(path, name, axes, arrays, placed, told.get("omero") or {})


def _metadata(group: Any) -> Mapping[str, Any]:
    """Of version 0.5 under `ome`, of 0.4 at the top."""
    attributes: Mapping[str, Any] = group.attrs.asdict()
    ome = attributes.get("ome")
    return ome if isinstance(ome, Mapping) else attributes


def _axis(told: Mapping[str, Any]) -> _Axis:
    name, kind = str(told["name"]), str(told.get("type", ""))
    if kind == "space":
        unit = told.get("unit")
        if unit is not None and unit not in UM_PER:
            raise ValueError(f"axis {name}: unknown unit {unit}; known are {', '.join(UM_PER)}")
        return _Axis(name=name, kind=kind, factor=UM_PER.get(unit or "", 1.0), unit="µm" if unit else "pixel")
    return _Axis(name=name, kind=kind, factor=1.0, unit=str(told.get("unit") or "pixel"))


@dataclass(frozen=True)
class _Placed:
    scale: tuple[float, ...]
    translate: tuple[float, ...]

    @classmethod
    def of(cls, axes: Sequence[_Axis], dataset: Mapping[str, Any], multiscale: Mapping[str, Any]) -> _Placed:
        """The finest level's transformations, then those of all levels; a translation is that of the first centre."""
        scale, translate = [1.0] * len(axes), [0.0] * len(axes)
        for told in (*dataset["coordinateTransformations"], *multiscale.get("coordinateTransformations", ())):
            values = [float(value) for value in told.get(told["type"], ())]
            if told["type"] == "scale" and len(values) == len(axes):
                scale = [mine * by for mine, by in zip(scale, values, strict=True)]
                translate = [mine * by for mine, by in zip(translate, values, strict=True)]
            elif told["type"] == "translation" and len(values) == len(axes):
                translate = [mine + by for mine, by in zip(translate, values, strict=True)]
            else:
                raise ValueError(f"coordinateTransformations: {told} fits no {len(axes)} axes")
        factors = [axis.factor for axis in axes]
        return cls(
            tuple(mine * by for mine, by in zip(scale, factors, strict=True)),
            tuple(mine * by for mine, by in zip(translate, factors, strict=True)),
        )


def _channels(
    path: str | Path, name: str, axes: list[_Axis], arrays: list[Any], placed: _Placed, omero: Mapping[str, Any]
) -> list[Channel]:
    at = next((place for place, axis in enumerate(axes) if axis.kind == "channel"), None)
    keep = [place for place in range(len(axes)) if place != at]
    count = 1 if at is None else arrays[0].shape[at]
    if count > MOST_CHANNELS:
        raise OmeZarrError(f"{path} has {count} channels; at most {MOST_CHANNELS} are shown")
    described = [*(omero.get("channels") or ())][:count]
    described += [{}] * (count - len(described))
    return [
        Channel(
            levels=arrays if at is None else [array[(slice(None),) * at + (number,)] for array in arrays],
            axes=tuple(axes[place].name for place in keep),
            units=tuple(axes[place].unit for place in keep),
            scale=tuple(placed.scale[place] for place in keep),
            translate=tuple(placed.translate[place] for place in keep),
            **_look(name, told, number if count > 1 else None),
        )
        for number, told in enumerate(described)
    ]


def _look(name: str, told: Mapping[str, Any], number: int | None) -> dict[str, Any]:
    label = told.get("label") or (None if number is None else f"channel {number}")
    window = told.get("window") or {}
    low, high = window.get("start"), window.get("end")
    colour = str(told.get("color") or "").lstrip("#")
    return {
        "name": f"{name} · {label}" if label else name,
        "colour": f"#{colour}" if len(colour) == 6 else None,
        "contrast": (float(low), float(high)) if low is not None and high is not None and high > low else None,
        "visible": bool(told.get("active", True)),
    }
