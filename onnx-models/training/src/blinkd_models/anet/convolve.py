"""Separable convolution of single pictures, as products of small matrices.

Comes in: pictures and a kernel. Goes out: pictures. Never: more than one channel at once; PyTorch's own convolution of
one channel took 20 times as long on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 32


def both_ways(picture: Tensor, *, kernel: Tensor, padding: int) -> Tensor:
    """[..., H, W] with a symmetric kernel of odd length along both axes, ``padding`` zeros at each border."""
    across = _last_axis(picture, kernel=kernel, padding=padding)
    return _last_axis(across.transpose(-1, -2), kernel=kernel, padding=padding).transpose(-1, -2)


def gaussian(sigma_px: float, *, taps: int, like: Tensor) -> Tensor:
    """One-dimensional, of sum 1."""
    at = torch.arange(taps, dtype=like.dtype, device=like.device) - (taps - 1) / 2.0
    kernel = torch.exp(-0.5 * (at / sigma_px) ** 2)
    return kernel / kernel.sum()


def _last_axis(picture: Tensor, *, kernel: Tensor, padding: int) -> Tensor:
    taps = len(kernel)
    outputs = picture.shape[-1] + 2 * padding - taps + 1
    blocks = -(-outputs // BLOCK)
    wanted = blocks * BLOCK + taps - 1
    padded = functional.pad(picture, (padding, wanted - picture.shape[-1] - padding))
    # Row i of the band holds the weights of input i for each output of a block.
    offset = torch.arange(BLOCK + taps - 1, device=kernel.device)[:, None] - torch.arange(BLOCK, device=kernel.device)
    inside = (offset >= 0) & (offset < taps)
    band = torch.where(inside, kernel[offset.clamp(0, taps - 1)], kernel.new_zeros(()))
    # One large product: batched ones of this size cost more than they compute.
    rows = padded.unfold(-1, BLOCK + taps - 1, BLOCK).reshape(-1, BLOCK + taps - 1)
    return (rows @ band).reshape(*picture.shape[:-1], blocks * BLOCK)[..., :outputs]
