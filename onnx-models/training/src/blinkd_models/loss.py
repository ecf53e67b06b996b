"""The DECODE loss (Speiser et al. 2021, eqs. 1-6).

Comes in: network output and target. Goes out: three scalars, each a mean over frames.
Never: runs in reduced precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from blinkd_models.target import Target

REACH_PX = 4
"""The mixture is summed over the (2 * 4 + 1)^2 pixels around an emitter: no offset exceeds one pixel."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Terms of eq. 1, each a scalar."""

    count: Tensor
    localization: Tensor
    background: Tensor

    @property
    def total(self) -> Tensor:
        return self.count + self.localization + self.background


def decode_loss(output: Tensor, *, target: Target, z: bool, per_emitter: bool = False) -> Loss:
    """Loss of the output [N, 10, H, W], without z if ``z`` is false.

    The localization term is summed over a frame; ``per_emitter`` takes its mean over the frame's emitters (eq. 5).
    """
    frames = output.shape[0]
    p = output[:, 0]
    return Loss(
        count=count_loss(p, count=target.count).mean(),
        localization=localization_loss(output, target=target, z=z, per_emitter=per_emitter) / frames,
        background=((output[:, 9] - target.background) ** 2).sum() / frames,
    )


def count_loss(p: Tensor, *, count: Tensor) -> Tensor:
    """Eq. 3 per frame: p [N, H, W], count [N], result [N]."""
    mean = p.sum(dim=(1, 2))
    variance = (p * (1.0 - p)).sum(dim=(1, 2))
    return 0.5 * (count - mean) ** 2 / variance + 0.5 * torch.log(2.0 * math.pi * variance)


def localization_loss(output: Tensor, *, target: Target, z: bool, per_emitter: bool = False) -> Tensor:
    """Eq. 5 without its minus mean: -log of the mixture, summed over all emitters of all frames, or with
    ``per_emitter`` over the means of the frames."""
    if target.frame.numel() == 0:
        return output.sum() * 0.0
    axes = 4 if z else 3
    near, inside, centre = _surroundings(_mixture_maps(output, axes=axes), target=target)
    truth = torch.stack([target.photons, target.row_px, target.col_px, target.z])[:axes, :, None]
    deviation = (truth - centre[:axes] - near[1 : 1 + axes]) * near[1 + axes :]
    log_parts = near[0] - 0.5 * (deviation**2).sum(0) - 0.5 * axes * math.log(2.0 * math.pi)
    log_mixture = torch.logsumexp(log_parts.masked_fill(~inside, -torch.inf), dim=1)
    if per_emitter:
        log_mixture = log_mixture / target.count[target.frame]
    return -log_mixture.sum()


def _mixture_maps(output: Tensor, *, axes: int) -> Tensor:
    """[1 + 2 axes, N, H, W]: log of the weight over the product of sigmas (eqs. 4 and 5), means, 1 / sigmas.

    Logarithms are taken once per pixel here, not once per pixel and emitter nearby.
    """
    p, mean, sigma = output[:, 0], output[:, 1 : 1 + axes].unbind(1), output[:, 5 : 5 + axes].unbind(1)
    volume = math.prod(sigma[1:], start=sigma[0])
    log_weight = torch.log(p) - torch.log(p.sum(dim=(1, 2)))[:, None, None] - torch.log(volume)
    return torch.stack([log_weight, *mean, *(1.0 / s for s in sigma)])


def _surroundings(maps: Tensor, *, target: Target) -> tuple[Tensor, Tensor, Tensor]:
    """Around each emitter: the maps [C, E, 81], which of the pixels lie inside the frame [E, 81], and the means'
    origin [4, E, 81] (photons and z have none)."""
    _, _, height, width = maps.shape
    side = torch.arange(-REACH_PX, REACH_PX + 1, device=maps.device)
    rows = (target.row_px.round().long()[:, None, None] + side[:, None]).expand(-1, -1, len(side)).flatten(1)
    cols = (target.col_px.round().long()[:, None, None] + side).expand(-1, len(side), -1).flatten(1)
    inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
    flat = (target.frame[:, None] * height + rows.clamp(0, height - 1)) * width + cols.clamp(0, width - 1)
    near = maps.flatten(1).index_select(1, flat.flatten()).view(len(maps), *flat.shape)
    zero = torch.zeros_like(rows)
    return near, inside, torch.stack([zero, rows, cols, zero]).to(maps.dtype)
