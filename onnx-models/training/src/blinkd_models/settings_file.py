"""Settings as TOML: read with every problem at once, written filled in.

Comes in: TOML text or plain dictionaries. Goes out: ``Settings``. Never: guesses what an unknown key meant.
"""

from __future__ import annotations

import math
import tomllib
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from blinkd_models.settings import PRESETS, Settings, SettingsError, plain

T = TypeVar("T")
NAME = "settings.toml"


def read(path: Path) -> dict[str, Any]:
    """The tables of a settings file as they stand, with the presets it names put beneath them."""
    return over_presets(tables(path), source=str(path))


def tables(path: Path) -> dict[str, Any]:
    """The tables of a settings file as they stand."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(["there is no such file"], source=str(path)) from None
    except tomllib.TOMLDecodeError as reason:
        raise SettingsError([f"not TOML: {reason}"], source=str(path)) from reason


def over_presets(content: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """``content`` over the presets that its key ``presets`` names."""
    own = dict(content)
    names = own.pop("presets", [])
    if not isinstance(names, list):
        raise SettingsError([f"presets is {names!r}; it must be a list"], source=source)
    return merge(*(preset(name) for name in names), own)


def preset(name: str) -> dict[str, Any]:
    """The plain values of a named part of a recipe."""
    if name not in PRESETS:
        raise SettingsError([f"there is no preset {name!r}; there are {', '.join(PRESETS)}"], source="presets")
    return PRESETS[name]


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Later layers override earlier ones, table by table."""
    out: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = out.get(key)
            out[key] = merge(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return out


def build(content: Mapping[str, Any], *, source: str) -> Settings:
    """Settings from plain values; what is not given keeps its default. Raises with every problem."""
    return build_as(Settings, content, source=source)


def build_as(kind: type[T], content: Mapping[str, Any], *, source: str) -> T:
    """The same for another recipe's dataclass."""
    problems: list[str] = []
    settings = _dataclass(kind, content, at="", problems=problems)
    if problems or not isinstance(settings, kind):
        raise SettingsError(problems, source=source)
    return settings


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Every plain value that both have and that differs, as ``name: one -> other``."""
    left, right = _flat(plain(one)), _flat(plain(other))
    return [f"{name}: {left[name]} -> {right[name]}" for name in left if name in right and left[name] != right[name]]


def text(settings: object) -> str:
    """All values as TOML, tables last."""
    content = plain(settings)
    values = [f"{key} = {_toml(value)}" for key, value in content.items() if not isinstance(value, dict)]
    for name, table in content.items():
        if isinstance(table, dict):
            values += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(values) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + " }"
    return repr(value)


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in content.items():
        out |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return out


def _dataclass(kind: type, content: Any, *, at: str, problems: list[str]) -> Any:
    """An instance of the dataclass ``kind``; notes what is wrong in ``problems``."""
    if not isinstance(content, Mapping):
        problems.append(f"{at.rstrip('.')} is {content!r}; it must be a table")
        return None
    hints = get_type_hints(kind)
    known = {entry.name for entry in fields(kind)}
    problems += [f"there is no setting {at}{key}" for key in content if key not in known]
    before = len(problems)
    values = {
        key: _value(hints[key], value, at=f"{at}{key}", problems=problems)
        for key, value in content.items()
        if key in known
    }
    if len(problems) > before:
        return None
    try:
        return kind(**values)
    except SettingsError as reason:
        problems += [at + part for part in reason.problems]
    except (TypeError, ValueError) as reason:
        problems.append(f"{at}{reason}")
    return None


def _value(hint: Any, value: Any, *, at: str, problems: list[str]) -> Any:
    """``value`` as the type that ``hint`` names."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _choice([kind for kind in inner if kind is not type(None)], value, at=at, problems=problems)
    if origin is Literal:
        if value not in inner:
            problems.append(f"{at} is {value!r}; it must be one of {', '.join(map(str, inner))}")
        return value
    if origin is tuple:
        return _tuple(inner, value, at=at, problems=problems)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint, value, at=f"{at}.", problems=problems)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if hint in (int, bool, str) and type(value) is hint:
        return value
    names = {float: "a finite number", int: "a whole number", bool: "true or false", str: "text"}
    problems.append(f"{at} is {value!r}; it must be {names.get(hint, 'left to its default: a file cannot say it')}")
    return None


def _choice(kinds: list[Any], value: Any, *, at: str, problems: list[str]) -> Any:
    """The first of several types that takes the value; the problems of the last if none does."""
    trial: list[str] = []
    for kind in kinds:
        trial = []
        out = _value(kind, value, at=at, problems=trial)
        if not trial:
            return out
    problems += trial
    return None


def _tuple(inner: tuple[Any, ...], value: Any, *, at: str, problems: list[str]) -> Any:
    """A tuple of fixed or, with ``...``, any length."""
    if not isinstance(value, list | tuple):
        problems.append(f"{at} is {value!r}; it must be a list")
        return None
    kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
    if len(kinds) != len(value):
        problems.append(f"{at} has {len(value)} values; it must have {len(kinds)}")
        return None
    return tuple(
        _value(kind, entry, at=f"{at}[{i}]", problems=problems)
        for i, (kind, entry) in enumerate(zip(kinds, value, strict=True))
    )
