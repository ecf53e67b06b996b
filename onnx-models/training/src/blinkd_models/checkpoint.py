"""Training state on disk: written whole or not at all, read back exactly; the one before is kept.

Comes in and goes out: ``State``. Never: decides when to save.
"""

from __future__ import annotations

import errno
import io
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from blinkd_models.network import Architecture

T = TypeVar("T")
NAME, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"
SCHEMA = 2
READABLE = (1, 2)
COPIES = 4
"""Tensors per weight: the network, its moving average, the optimizer's two moments; 4 bytes each."""
GENERATIONS = 3
"""Files at the worst moment: the last, the one before, and the new one being written."""
SLACK_BYTES = 4 << 20
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(RuntimeError):
    """A checkpoint does not fit; the message says how much is needed. What was saved before is whole."""


@dataclass(kw_only=True)
class State:
    """Everything a training needs to go on as if it had never stopped.

    rng: of the training's own generator on ``device``; torch_rng: PyTorch's own on the CPU; sums, summed: of the log
    line that is being gathered. Fields with defaults came with schema 2.
    """

    architecture: dict[str, Any]
    model: dict[str, Tensor]
    average: dict[str, Tensor]
    optimizer: dict[str, Any]
    rng: Tensor
    step: int
    elapsed_s: float
    settings: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)
    device: str = "cpu"
    torch_rng: Tensor | None = None
    scaler: dict[str, Any] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    summed: int = 0

    def network(self) -> Architecture:
        """The architecture the weights belong to; what an older file does not say keeps its default."""
        return Architecture(**self.architecture)


def save(state: State, *, path: Path) -> None:
    """Writes beside ``path``, syncs and renames: a kill or a full disk leaves what was there, whole.

    The last file becomes ``checkpoint.previous.pt``; at no instant is there no ``path``.
    """
    put({"schema": SCHEMA, **vars(state)}, path=path)


def put(content: dict[str, Any], *, path: Path) -> None:
    """The same for any content of tensors and plain values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    partial, spare = path.with_suffix(".partial"), path.with_suffix(".spare")
    try:
        with partial.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
    except OSError as reason:
        partial.unlink(missing_ok=True)
        if reason.errno not in FULL:
            raise
        kept = f"{path} is whole" if path.exists() else "nothing was saved before"
        raise DiskFullError(f"{_short(buffer.tell(), folder=path.parent)}; {kept}") from reason
    if path.exists():
        spare.unlink(missing_ok=True)
        _second_name(path, spare)
        os.replace(spare, path.with_name(PREVIOUS))
    os.replace(partial, path)
    _sync_folder(path.parent)


def load(path: Path) -> State:
    """Reads a checkpoint; refuses another schema."""
    content = take(path)
    schema = content.pop("schema", None)
    if schema not in READABLE:
        raise ValueError(f"{path}: checkpoint schema {schema}, expected {' or '.join(map(str, READABLE))}")
    return State(**content)


def take(path: Path) -> dict[str, Any]:
    """What :func:`put` wrote."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as reason:
        raise ValueError(f"{path}: not a whole checkpoint ({type(reason).__name__})") from reason
    if not isinstance(content, dict):
        raise ValueError(f"{path}: checkpoint schema None, expected {' or '.join(map(str, READABLE))}")
    return content


def load_last_good(run: Path) -> tuple[State, Path] | None:
    """The newest whole checkpoint of a run and where it lay; None if the run has none."""
    return last_good(run, read=load)


def last_good(run: Path, *, read: Callable[[Path], T]) -> tuple[T, Path] | None:
    """The same for checkpoints that ``read`` reads."""
    paths = [path for path in (run / NAME, run / PREVIOUS) if path.exists()]
    problem: ValueError | None = None
    for path in paths:
        try:
            return read(path), path
        except ValueError as reason:
            problem = problem or reason
    if problem is not None:
        raise ValueError(f"{problem}; give another --run, or delete the file to start anew")
    return None


def needed_bytes(model: nn.Module) -> int:
    """Estimate of one checkpoint file of this network."""
    weights = sum(int(tensor.numel()) for tensor in model.state_dict().values())
    return 4 * COPIES * weights + SLACK_BYTES


def check_room(run: Path, *, model: nn.Module) -> None:
    """Raises before training if the checkpoints would not fit."""
    run.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for path in (run / NAME, run / PREVIOUS) if path.exists())
    needed = max(0, GENERATIONS * needed_bytes(model) - there)
    if shutil.disk_usage(run).free < needed:
        raise DiskFullError(f"{_short(needed, folder=run)}; nothing was started")


def _short(needed: int, *, folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"{folder}: checkpoints need {needed / 1e6:.1f} MB more, {free / 1e6:.1f} MB are free; "
        "make room or give --run on another disk"
    )


def _second_name(path: Path, other: Path) -> None:
    """A second name for the same file; a copy where the file system knows no hard links."""
    try:
        os.link(path, other)
    except OSError:
        shutil.copyfile(path, other)


def _sync_folder(folder: Path) -> None:
    """Makes the renames last a power cut, where folders can be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
