"""Training state on disk: written whole or not at all, read back exactly.

Comes in and goes out: ``State``. Never: decides when to save.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from blinkd_models.network import Architecture

SCHEMA = 1


@dataclass(kw_only=True)
class State:
    """Everything a training needs to go on as if it had never stopped."""

    architecture: dict[str, Any]
    model: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    rng: Tensor
    step: int
    elapsed_s: float
    settings: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def network(self) -> Architecture:
        """The architecture the weights belong to."""
        return Architecture(**self.architecture)


def save(state: State, *, path: Path) -> None:
    """Writes beside ``path`` and renames, so that a kill leaves the previous checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save({"schema": SCHEMA, **vars(state)}, partial)
    os.replace(partial, path)


def load(path: Path) -> State:
    """Reads a checkpoint; refuses another schema."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    schema = content.pop("schema", None)
    if schema != SCHEMA:
        raise ValueError(f"{path}: checkpoint schema {schema}, expected {SCHEMA}")
    return State(**content)
