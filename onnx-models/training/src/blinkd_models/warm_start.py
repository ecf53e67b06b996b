"""Starts a network from another one's weights, as far as they fit.

Comes in: a bundle or a checkpoint. Goes out: the network with copied or widened tensors, and what was left as it was.
Never: narrows a tensor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from blinkd_models import card, checkpoint
from blinkd_models.export import load_weights
from blinkd_models.network import Architecture, Decode
from blinkd_models.target import Scales

WEIGHTS = "weights.pt"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A trained network on the CPU, with the units it speaks."""

    model: Decode
    scales: Scales


def load(path: Path) -> Source:
    """The network of a bundle folder, a run folder or a checkpoint file (its averaged weights)."""
    if (path / WEIGHTS).is_file():
        return Source(model=load_weights(path), scales=card.scales(card.read(path)))
    file = path / checkpoint.NAME if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"{path}: neither a bundle with {WEIGHTS}, nor a run with {checkpoint.NAME}, nor a checkpoint")
    state = checkpoint.load(file)
    model = Decode(state.network())
    model.load_state_dict(state.average)
    return Source(model=model.eval(), scales=Scales(**state.settings.get("scales", {})))


def copy_into(model: Decode, *, source: Path) -> list[str]:
    """Copies every tensor whose name and shape fit; returns lines for the log.

    A network of the same shape with a whole multiple of the features starts as the same function (``widened``).
    """
    origin = load(source).model
    given, own = origin.state_dict(), model.state_dict()
    if (factor := _factor(origin.architecture, wider=model.architecture)) > 1:
        model.load_state_dict({name: widened(tensor, shape=own[name].shape) for name, tensor in given.items()})
        return [f"{source}: widened {factor} times, {len(own)} tensors; computes the same at first"]
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    model.load_state_dict(fitting, strict=False)
    lines = [f"{source}: copied {len(fitting)} of {len(own)} tensors"]
    for name, tensor in own.items():
        if name not in fitting:
            there = f"it is {tuple(given[name].shape)} there" if name in given else "there is none"
            lines.append(f"  not copied: {name} {tuple(tensor.shape)}, {there}")
    return lines


def widened(tensor: Tensor, *, shape: torch.Size) -> Tensor:
    """A weight or bias of a layer whose channels stand several times in a row (Chen et al. 2016, Net2WiderNet).

    Copies of an input channel share its weight in random parts that sum to 1, so that copies do not stay alike.
    """
    out = tensor.repeat_interleave(shape[0] // tensor.shape[0], dim=0)
    if tensor.dim() == 1 or shape[1] == tensor.shape[1]:
        return out
    copies = shape[1] // tensor.shape[1]
    parts = 0.5 + torch.rand(shape[0], tensor.shape[1], copies)
    parts = parts / parts.sum(dim=2, keepdim=True)
    return out.repeat_interleave(copies, dim=1) * parts.flatten(1)[:, :, None, None]


def _factor(narrow: Architecture, *, wider: Architecture) -> int:
    """How many times as many features, if only that and z differ, and it is a whole number; otherwise 1."""
    factor, rest = divmod(wider.features, narrow.features)
    heads = narrow.head_features * factor
    same = replace(narrow, features=wider.features, head_features=heads, z=wider.z) == wider
    return factor if same and rest == 0 and wider.squeeze == 1 else 1
