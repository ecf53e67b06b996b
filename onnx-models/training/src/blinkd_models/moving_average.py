"""The moving average of a network's weights, which is what leaves training.

Comes in: a network after an update. Goes out: its average, moved. Never: a gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def follow(average: nn.Module, *, network: nn.Module, decay: float, step: int) -> None:
    """Moves ``average`` towards ``network`` after update number ``step``; faster over the first ones."""
    decay = min(decay, (1.0 + step) / (10.0 + step))
    with torch.no_grad():
        averages: list[Tensor] = list(average.parameters())
        values: list[Tensor] = list(network.parameters())
        torch._foreach_lerp_(averages, values, 1.0 - decay)
