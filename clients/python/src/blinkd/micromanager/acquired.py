"""What the MDA engine says of a sequence and of its frames. Pure.

In: the engine's events and dictionaries. Out: positions, channels, the raw description of a series. Never: an
exception for something that is missing or cannot be written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

METADATA_LIMIT = 700 * 1024
"""Bytes of raw description that go into a series; what does not fit is left out, and that is said there."""

StagePosition = tuple[float, float] | tuple[float, float, float] | None


def channel_of(event: Any) -> str:  # noqa: ANN401
    """The preset of an event's channel; empty where it has none."""
    return str(getattr(getattr(event, "channel", None), "config", None) or "")


def stage_of(event: Any, meta: Mapping[str, Any]) -> tuple[StagePosition, bool]:  # noqa: ANN401
    """Where the stage is: as it said itself (True) when the engine asked it, else as the event told it to be."""
    position = meta.get("position")
    if isinstance(position, Mapping) and position.get("x") is not None and position.get("y") is not None:
        return _place(position["x"], position["y"], position.get("z")), True
    x_um, y_um = getattr(event, "x_pos", None), getattr(event, "y_pos", None)
    if x_um is None or y_um is None:
        return None, False
    return _place(x_um, y_um, getattr(event, "z_pos", None)), False


def _place(x_um: float, y_um: float, z_um: float | None) -> StagePosition:
    return (float(x_um), float(y_um)) if z_um is None else (float(x_um), float(y_um), float(z_um))


def number(value: object) -> float | None:
    """A number as a number."""
    return float(value) if isinstance(value, (int, float)) else None


def name_of(sequence: Any) -> str:  # noqa: ANN401
    """The name in a sequence's own metadata; else MDA."""
    metadata = getattr(sequence, "metadata", None)
    if not isinstance(metadata, Mapping):
        return "MDA"
    names = (metadata.get(key) for key in ("name", "pymmcore_widgets", "title"))
    return next((name for name in names if isinstance(name, str) and name), "MDA")


def describe(sequence: Any, summary: object, first_frame: Mapping[str, Any]) -> str:  # noqa: ANN401
    """The raw sequence, the engine's summary of devices and settings, and all that came with the series' first frame.

    As JSON. What is too long is left out: the summary first, then the sequence.
    """
    parts: dict[str, object] = {
        "first_frame": {key: value for key, value in first_frame.items() if key != "mda_event"},
        "useq": sequence.model_dump(mode="json", exclude_unset=True) if hasattr(sequence, "model_dump") else None,
        "summary": {key: value for key, value in summary.items() if key != "mda_sequence"}
        if isinstance(summary, Mapping)
        else None,
    }
    written: dict[str, str] = {}
    left = METADATA_LIMIT
    for key, value in parts.items():
        text = _json(value)
        if len(text) > left:
            text = json.dumps(f"left out: {len(text)} bytes")
        written[key] = text
        left -= len(text)
    return "{" + ", ".join(f"{json.dumps(key)}: {text}" for key, text in written.items()) + "}"


def _json(value: object) -> str:
    try:
        return json.dumps(value, default=str, skipkeys=True)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"left out: {error}")
