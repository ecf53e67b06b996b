"""Takes typed values out of a parameter file and keeps a list of what is wrong.

Comes in: YAML or TOML. Goes out: values, or stand-ins together with a problem in the list.
Never: the first problem only: who corrects a file wants to see all.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1 << 20
Span = tuple[float, float]


class BadParametersError(ValueError):
    """A parameter file says too little or something else than is supported; every problem with its field."""


class Fields:
    """Values by dotted path, as ``Camera.baseline``. Call :meth:`finish` when all are taken."""

    def __init__(self, tree: dict[str, Any], *, file: str) -> None:
        self.tree, self.file = tree, file
        self.problems: list[str] = []
        self.taken: set[str] = set()

    @classmethod
    def read(cls, path: Path) -> Fields:
        """From ``.toml``, or YAML whatever the ending."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise BadParametersError(f"{path} is larger than {MAX_BYTES >> 20} MiB; it is no parameter file")
            text = path.read_text(encoding="utf-8")
            tree = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
        except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            kind = "TOML" if path.suffix == ".toml" else "YAML"
            reason = " ".join(str(error).split())
            raise BadParametersError(f"{path} is not {kind}: {reason}") from error
        except OSError as error:
            raise BadParametersError(f"{path}: {error.strerror}; name the parameter file") from error
        if not isinstance(tree, dict):
            raise BadParametersError(f"{path} holds no tables of values; name the parameter file")
        return cls(tree, file=str(path))

    def get(self, path: str, *, default: Any = None) -> Any:
        """The value as it is; ``default`` where it is absent or null."""
        self.taken.add(path)
        value: Any = self.tree
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return default if value is None else value

    def holds(self, path: str) -> bool:
        """Whether the field is there, null or not."""
        *tables, last = path.split(".")
        table = self.get(".".join(tables)) if tables else self.tree
        return isinstance(table, dict) and last in table

    def number(self, path: str, *, low: float = -1e9, high: float = 1e9, or_absent: float | None = None) -> float:
        """A finite number within low..high; ``or_absent`` where null or absent, if given."""
        value = self.get(path, default=or_absent)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        return float(self._wrong(path, value, f"a number from {low:g} to {high:g}", low))

    def whole(self, path: str, *, low: int, high: int) -> int:
        """A whole number within low..high."""
        value = self.get(path)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return int(self._wrong(path, value, f"a whole number from {low} to {high}", low))

    def span(self, path: str, *, low: float = -1e9, high: float = 1e9) -> Span:
        """Two finite numbers within low..high, the first not larger."""
        pair = self.pair(path)
        if not low <= pair[0] <= pair[1] <= high:
            self._wrong(path, list(pair), f"[smaller, larger] from {low:g} to {high:g}", None)
            return low, low
        return pair

    def pair(self, path: str) -> Span:
        """Two finite numbers in any order."""
        value = self.get(path)
        if isinstance(value, list) and len(value) == 2 and all(_is_number(entry) for entry in value):
            return float(value[0]), float(value[1])
        self._wrong(path, value, "two numbers", None)
        return 1.0, 1.0

    def text(self, path: str) -> str:
        """A text that is not empty."""
        value = self.get(path)
        if isinstance(value, str) and value.strip():
            return value
        return str(self._wrong(path, value, "a text", ""))

    def choice(self, path: str, choices: dict[str, str]) -> str:
        """A text that stands among ``choices``; what it means to us."""
        value = self.get(path)
        if isinstance(value, str) and value in choices:
            return choices[value]
        wanted = "one of " + ", ".join(choices)
        return str(self._wrong(path, value, wanted, next(iter(choices.values()))))

    def problem(self, path: str, text: str) -> None:
        """Names a problem of a field."""
        self.problems.append(f"{path} {text}")

    def finish(self, remedy: str = "") -> None:
        """Raises with everything that is wrong."""
        if self.problems:
            end = f". {remedy}" if remedy else ""
            raise BadParametersError(f"{self.file}: " + "; ".join(self.problems) + end)

    def refuse_unknown(self) -> None:
        """Every value that nobody has asked for is a problem."""
        for path in _leaves(self.tree):
            if path not in self.taken:
                self.problem(path, "is unknown; correct its spelling or take it out")

    def _wrong(self, path: str, value: Any, wanted: str, stand_in: Any) -> Any:
        found = "null" if value is None and self.holds(path) else "missing" if value is None else _short(value)
        self.problems.append(f"{path} is {found} where {wanted} is needed")
        return stand_in


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _leaves(tree: dict[str, Any], *, prefix: str = "") -> list[str]:
    paths: list[str] = []
    for key, value in tree.items():
        path = f"{prefix}{key}"
        paths += _leaves(value, prefix=f"{path}.") if isinstance(value, dict) else [path]
    return paths
