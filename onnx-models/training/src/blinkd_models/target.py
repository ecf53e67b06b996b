"""What the network is asked for: visible emitters per frame and the background, in network units.

Comes in: a recording. Goes out: ``Target``. Never: looks at a prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from blinkd_models.simulate import Recording


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Network units: input = (photons - offset) / scale; outputs times their scale give photons, nm and photons."""

    offset: float = 40.0
    scale: float = 100.0
    photons: float = 20000.0
    z_nm: float = 3000.0
    background: float = 200.0

    def to_input(self, photons: Tensor) -> Tensor:
        """Photons of any shape in network units."""
        return (photons - self.offset) / self.scale


@dataclass(frozen=True, kw_only=True)
class Target:
    """For N = B * T frames: emitters [E] (flat frame index, row, column in pixels, z and photons scaled),
    their number [N], and the scaled background [N, H, W]."""

    frame: Tensor
    row_px: Tensor
    col_px: Tensor
    z: Tensor
    photons: Tensor
    count: Tensor
    background: Tensor


def make_target(recording: Recording, *, scales: Scales, first: int, last: int) -> Target:
    """Target of the frames ``first`` to ``last`` (exclusive) of each sequence, flattened sequence by sequence."""
    sequences, _, height, width = recording.adu.shape
    asked = recording.emitters.within(height=height, width=width).visible()
    asked = asked.where((asked.frame >= first) & (asked.frame < last))
    frames = last - first
    flat = asked.sequence * frames + asked.frame - first
    return Target(
        frame=flat,
        row_px=asked.row_px,
        col_px=asked.col_px,
        z=asked.z_nm / scales.z_nm,
        photons=asked.photons / scales.photons,
        count=torch.bincount(flat, minlength=sequences * frames).float(),
        background=recording.background[:, first:last].flatten(0, 1) / scales.background,
    )
