"""Starts a network from another one's weights, as far as they fit.

Comes in: a bundle or a checkpoint. Goes out: the network with copied tensors, and what was not copied.
Never: reshapes a tensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from blinkd_models import card, checkpoint
from blinkd_models.export import load_weights
from blinkd_models.network import Decode
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
    """Copies every tensor whose name and shape fit; returns lines for the log."""
    given, own = load(source).model.state_dict(), model.state_dict()
    fitting = {name: tensor for name, tensor in given.items() if name in own and own[name].shape == tensor.shape}
    model.load_state_dict(fitting, strict=False)
    lines = [f"{source}: copied {len(fitting)} of {len(own)} tensors"]
    for name, tensor in own.items():
        if name not in fitting:
            there = f"it is {tuple(given[name].shape)} there" if name in given else "there is none"
            lines.append(f"  not copied: {name} {tuple(tensor.shape)}, {there}")
    return lines
