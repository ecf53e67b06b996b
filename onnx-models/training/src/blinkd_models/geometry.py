"""What a network costs and how far it sees.

Comes in: a network. Goes out: halo in pixels, operations per pixel. Never: looks at trained weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from blinkd_models.network import Architecture, Decode
from blinkd_models.weights import build

START_PX = 160
LARGEST_PX = 1280


def measure_halo_px(architecture: Architecture) -> int:
    """Receptive radius, exactly: NaN in one pixel marks every output it reaches. All grid alignments are tried.

    How many channels a network has does not matter to how far it sees, so the leanest of its shape is asked.
    """
    model = build(architecture.leanest().as_dict()).double().eval()
    size, radius = START_PX, None
    while radius is None:
        if size > LARGEST_PX:
            raise ValueError(f"an output pixel depends on input more than {LARGEST_PX // 2} px away")
        radius = _reach_px(model, size=size)
        size *= 2
    return radius


def _reach_px(model: Decode, *, size: int) -> int | None:
    """Largest distance at which a pixel in the middle of a field of ``size`` shows; None where it leaves the field."""
    architecture = model.architecture
    middle, radius = size // 2, 0
    for shift in range(architecture.grid_px):
        at = middle + shift
        frames = torch.zeros(1, architecture.window_frames, size, size, dtype=torch.float64)
        frames[:, :, at, at] = torch.nan
        with torch.no_grad():
            reached = torch.isnan(model(frames)[0]).any(dim=0).nonzero()
        if int(reached.min()) == 0 or int(reached.max()) == size - 1:
            return None
        radius = max(radius, int((reached - at).abs().max()))
    return radius


def mflop_per_px(model: Decode) -> float:
    """Multiplications and additions of all convolutions per camera pixel: one frame pass and one context pass."""
    total = 0
    size = 64

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += 2 * layer.weight[0].numel() * output.numel()

    hooks = [layer.register_forward_hook(count) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        features = model.frame(torch.zeros(1, 1, size, size))
        model.context(features, features, features)
    for hook in hooks:
        hook.remove()
    return total / size**2 / 1e6
