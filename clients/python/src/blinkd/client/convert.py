"""Messages become dataclasses, field by field.

In: a protobuf message and a dataclass whose fields have the message's names. Out: an instance; columns are numpy
arrays. Never: a field that exists on one side only (a test holds both to it).
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from google.protobuf.message import Message

T = TypeVar("T")
Take = Callable[[Message, str], Any]


def column(dtype: type[np.generic]) -> Any:
    """A field that is a column: repeated numbers, or little-endian bytes of them."""
    return dataclasses.field(metadata={"dtype": np.dtype(dtype)})


def convert(into: type[T], message: Message) -> T:
    """The dataclass of a message."""
    kind: Any = into
    made: T = kind(**{name: take(message, name) for name, take in _takers(kind)})
    return made


@cache
def _takers(into: Any) -> tuple[tuple[str, Take], ...]:
    hints = typing.get_type_hints(into)
    fields = [field for field in dataclasses.fields(into) if field.init and not field.metadata.get("own")]
    return tuple((field.name, _taker(hints[field.name], field.metadata)) for field in fields)


def own(default: Any) -> Any:
    """A field that the client adds to what the daemon says."""
    return dataclasses.field(default=default, metadata={"own": True})


def made(source: str, make: Callable[[Any], Any]) -> Any:
    """A field that is made of another field of the message."""
    return dataclasses.field(metadata={"source": source, "make": make})


def _taker(hint: Any, metadata: Mapping[str, Any]) -> Take:
    if "make" in metadata:
        return lambda message, _: metadata["make"](getattr(message, metadata["source"]))
    if "dtype" in metadata:
        return lambda message, name: array(getattr(message, name), metadata["dtype"])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _taker(next(one for one in arguments if one is not type(None)), metadata)
        return lambda message, name: inner(message, name) if message.HasField(name) else None
    if origin is tuple:
        item: Any = arguments[0]
        if dataclasses.is_dataclass(arguments[0]):
            return lambda message, name: tuple(convert(item, one) for one in getattr(message, name))
        return lambda message, name: tuple(getattr(message, name))
    if origin is not None and issubclass(origin, Mapping):
        return lambda message, name: dict(getattr(message, name))
    if dataclasses.is_dataclass(hint):
        kind: Any = hint
        return lambda message, name: convert(kind, getattr(message, name))
    if isinstance(hint, type) and issubclass(hint, enum.IntEnum):
        return lambda message, name: _member(hint, getattr(message, name))
    return getattr


def _member(kind: type[enum.IntEnum], value: int) -> enum.IntEnum:
    """A value of a newer daemon counts as the unspecified one."""
    try:
        return kind(value)
    except ValueError:
        return kind(0)


def array(values: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Shape (n,), read-only."""
    made = np.frombuffer(values, dtype) if isinstance(values, bytes) else np.array(values, dtype)
    made.flags.writeable = False
    return made
