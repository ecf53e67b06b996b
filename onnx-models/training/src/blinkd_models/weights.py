"""weights.pt of a bundle: a network and what is needed to rebuild it.

Comes in and goes out: networks. Never: runs pickled code, or guesses an architecture.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from blinkd_models.liteloc import LiteLoc, LiteLocArchitecture
from blinkd_models.network import Architecture, Decode

NAME = "weights.pt"


def save_weights(model: Decode, *, bundle: Path) -> None:
    """Writes what :func:`load_weights` needs to rebuild the network."""
    content = io.BytesIO()
    torch.save({"architecture": model.architecture.as_dict(), "weights": model.state_dict()}, content)
    # Through memory: on a full disk PyTorch's own writer fails with an error that says nothing of disks.
    (bundle / NAME).write_bytes(content.getbuffer())


def load_weights(bundle: Path) -> Decode:
    """The PyTorch network of a bundle."""
    path = bundle / NAME
    if not path.exists():
        raise ValueError(f"{path} is missing; bundles of one graph or of int8 have no PyTorch weights")
    content = torch.load(path, map_location="cpu", weights_only=True)
    model = build(content["architecture"])
    model.load_state_dict(content["weights"])
    return model.eval()


def build(plain: dict[str, Any]) -> Decode:
    """An untrained network from :meth:`Architecture.as_dict`; ``network`` names its family, DECODE where absent."""
    values = dict(plain)
    family = values.pop("network", "decode")
    if family == "liteloc":
        return LiteLoc(LiteLocArchitecture(**values))
    if family != "decode":
        raise ValueError(f"architecture.network is {family!r}; this version knows decode and liteloc")
    return Decode(Architecture(**values))
