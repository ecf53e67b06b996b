"""Pulls a small network towards a trained one on the same simulated frames.

Comes in: photons and the student's output. Goes out: a term of the loss. Never: trains the teacher.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from blinkd_models import warm_start
from blinkd_models.network import Decode
from blinkd_models.target import Scales

CONFIDENT = 0.5
"""Where the teacher's p is above, its means count."""
SIGMA_FLOOR = 0.02
"""Errors of the means are measured in the teacher's sigmas, which are taken to be at least this (network units)."""


class Teacher:
    """A trained network, in eval mode and without gradients."""

    def __init__(self, model: Decode, *, scales: Scales) -> None:
        self.model = model.eval().requires_grad_(False)
        self.scales = scales

    @classmethod
    def load(cls, path: Path, *, device: torch.device) -> Teacher:
        """From a bundle, a run or a checkpoint."""
        source = warm_start.load(path)
        return cls(source.model.to(device, memory_format=torch.channels_last), scales=source.scales)  # type: ignore[call-overload]

    @torch.no_grad()
    def show(self, photons: Tensor, *, scales: Scales, first: int, last: int, alone: bool) -> Tensor:
        """The teacher's output [N, 10, H, W] for sequences [B, T, H, W] in photons, in the student's units."""
        output = self.model.windows(self.scales.to_input(photons), first=first, last=last, alone=alone)
        factor = torch.ones(output.shape[1], device=output.device)
        factor[[1, 5]] = self.scales.photons / scales.photons
        factor[[4, 8]] = self.scales.z_nm / scales.z_nm
        factor[9] = self.scales.background / scales.background
        return output.float() * factor[:, None, None]

    def pull(self, output: Tensor, *, shown: Tensor, z: bool) -> Tensor:
        """Mean over frames of: cross entropy of p against the teacher's p, above its least value, and at confident
        pixels the Huber distance of the means in the teacher's sigmas, weighted with its p."""
        p, taught = output[:, 0], shown[:, 0]
        least = functional.binary_cross_entropy(taught, taught, reduction="sum")
        detection = functional.binary_cross_entropy(p, taught, reduction="sum") - least
        axes = 4 if z and self.model.architecture.z else 3
        sigma = shown[:, 5 : 5 + axes].clamp(min=SIGMA_FLOOR)
        distance = (output[:, 1 : 1 + axes] - shown[:, 1 : 1 + axes]) / sigma
        means = functional.huber_loss(distance, torch.zeros_like(distance), reduction="none").sum(1)
        return (detection + (means * taught * (taught > CONFIDENT)).sum()) / len(output)
