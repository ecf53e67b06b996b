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


def decode_loss(output: Tensor, *, target: Target, z: bool) -> Loss:
    """Loss of the output [N, 10, H, W]; the localization term is summed over a frame, without z if ``z`` is false."""
    frames = output.shape[0]
    p = output[:, 0]
    return Loss(
        count=count_loss(p, count=target.count).mean(),
        localization=localization_loss(output, target=target, z=z) / frames,
        background=((output[:, 9] - target.background) ** 2).sum() / frames,
    )


def count_loss(p: Tensor, *, count: Tensor) -> Tensor:
    """Eq. 3 per frame: p [N, H, W], count [N], result [N]."""
    mean = p.sum(dim=(1, 2))
    variance = (p * (1.0 - p)).sum(dim=(1, 2))
    return 0.5 * (count - mean) ** 2 / variance + 0.5 * torch.log(2.0 * math.pi * variance)


def localization_loss(output: Tensor, *, target: Target, z: bool) -> Tensor:
    """Eq. 5 summed over all emitters of all frames (the paper divides by their number)."""
    _, channels, height, width = output.shape
    if target.frame.numel() == 0:
        return output.sum() * 0.0
    side = torch.arange(-REACH_PX, REACH_PX + 1)
    rows = (target.row_px.round().long()[:, None, None] + side[:, None]).expand(-1, -1, len(side)).flatten(1)
    cols = (target.col_px.round().long()[:, None, None] + side).expand(-1, len(side), -1).flatten(1)
    inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < width)
    flat = (target.frame[:, None] * height + rows.clamp(0, height - 1)) * width + cols.clamp(0, width - 1)
    near = output.permute(0, 2, 3, 1).reshape(-1, channels)[flat.flatten()].view(*flat.shape, channels)
    total = output[:, 0].sum(dim=(1, 2))[target.frame]
    log_weight = torch.log(near[..., 0]) - torch.log(total)[:, None]
    truth = torch.stack([target.photons, target.row_px, target.col_px, target.z], dim=-1)[:, None, :]
    zero = torch.zeros_like(rows)
    centre = torch.stack([zero, rows, cols, zero], dim=-1).to(output.dtype)
    axes = 4 if z else 3
    sigma = near[..., 5 : 5 + axes]
    deviation = (truth - centre - near[..., 1:5])[..., :axes] / sigma
    log_gauss = -0.5 * (deviation**2).sum(-1) - torch.log(sigma).sum(-1) - 0.5 * axes * math.log(2.0 * math.pi)
    log_mixture = torch.logsumexp((log_weight + log_gauss).masked_fill(~inside, -torch.inf), dim=1)
    return -log_mixture.sum()
