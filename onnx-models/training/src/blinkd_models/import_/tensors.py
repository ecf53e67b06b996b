"""Reads state dicts of other packages and puts their tensors into our networks.

Comes in: a file of weights, and which of our tensors each of theirs becomes. Goes out: a loaded network.
Never: runs code from the file; leaves a tensor unused, or one of ours untouched.
"""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

MAX_BYTES = 512 << 20
SHOWN = 3


class BadWeightsError(ValueError):
    """A file holds no weights, or those of another network; the message says which and what to do."""


def read_state(path: Path, *, remedy: str) -> dict[str, Tensor]:
    """The tensors of a bare state dict, or of the ``model_state`` in a checkpoint. ``remedy``: if it holds code."""
    try:
        _check_size(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error) or "Unsupported class" in str(error):
            raise BadWeightsError(f"{path} holds more than tensors and would run code when opened; {remedy}") from error
        raise BadWeightsError(f"{path} is not a file of PyTorch weights, or is damaged; copy it again") from error
    except (RuntimeError, EOFError, zipfile.BadZipFile, KeyError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, BadWeightsError):
            raise
        raise BadWeightsError(f"{path} is not a file of PyTorch weights, or is cut short; copy it again") from error
    except OSError as error:
        raise BadWeightsError(f"{path}: {error.strerror}; name the file of weights") from error
    if isinstance(content, Mapping) and isinstance(content.get("model_state"), Mapping):
        content = content["model_state"]
    return _tensors(content, path=path)


def sha1(path: Path) -> str:
    """DECODE's name for a model: the SHA-1 of its file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def fill(model: nn.Module, state: dict[str, Tensor], *, names: dict[str, str], file: Path) -> None:
    """Loads ``state`` into ``model``. ``names``: our tensor to theirs. Every tensor on either side is used once."""
    own = model.state_dict()
    assert set(names) == {name for name in own if not name.endswith("num_batches_tracked")}
    missing = [theirs for theirs in names.values() if theirs not in state]
    used = set(names.values())
    unexpected = [name for name in state if name not in used]
    shapes = [
        f"{theirs} is {_shape(state[theirs])} where {_shape(own[ours])} is expected"
        for ours, theirs in names.items()
        if theirs in state and state[theirs].shape != own[ours].shape
    ]
    problems = []
    if missing:
        problems.append(f"{len(missing)} tensors are missing, first {_list(missing)}")
    if unexpected:
        first = [f"{name} {_shape(state[name])}" for name in unexpected]
        problems.append(f"{len(unexpected)} tensors are unexpected, first {_list(first)}")
    if shapes:
        problems.append(f"{len(shapes)} tensors have another shape, first {_list(shapes)}")
    if problems:
        raise BadWeightsError(f"{file} holds another network than the parameter file describes: " + "; ".join(problems))
    model.load_state_dict({**own, **{ours: state[theirs].float() for ours, theirs in names.items()}})


def _check_size(path: Path) -> None:
    """Refuses a file that is, or unpacks to, more than any such network has."""
    if path.is_dir():
        raise BadWeightsError(f"{path} is a folder; name the file of weights in it")
    sizes = [path.stat().st_size]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            sizes.append(sum(entry.file_size for entry in archive.infolist()))
    if max(sizes) > MAX_BYTES:
        raise BadWeightsError(f"{path} holds more than {MAX_BYTES >> 20} MiB; no network of this kind is that large")


def _tensors(content: Any, *, path: Path) -> dict[str, Tensor]:
    """Checks that content is names and finite tensors."""
    if not isinstance(content, Mapping) or not content:
        raise BadWeightsError(
            f"{path} holds no state dict (names and tensors); save `model.state_dict()` and take that"
        )
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise BadWeightsError(f"{path}: {name!r} is no tensor; save `model.state_dict()` alone and take that")
        if not bool(torch.isfinite(value).all()):
            raise BadWeightsError(f"{path}: {name} holds values that are not finite; take weights saved earlier")
    return {name: value.dequantize() if value.is_quantized else value for name, value in content.items()}


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape))


def _list(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
