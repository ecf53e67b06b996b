"""Blinking emitters: a homogeneous Poisson process in space and time.

Comes in: a density, brightness and on-time per sequence.
Goes out: one row per emitter and frame in which it shines (partial first and last frames included).
Never: draws an image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

VISIBLE_PHOTONS = 50.0
"""Dimmer appearances are drawn but not asked for (DECODE, training details)."""

MEMORY_ON_TIMES = 6.0
"""Emitters may have been switched on this many mean on-times before the first frame."""


@dataclass(frozen=True, kw_only=True)
class Emitters:
    """Appearances, all [E]: emitter and sequence index, frame within the sequence, position, photons in that frame.

    share: part of the frame during which the emitter shines, 0 to 1.
    """

    emitter: Tensor
    sequence: Tensor
    frame: Tensor
    row_px: Tensor
    col_px: Tensor
    z_nm: Tensor
    photons: Tensor
    share: Tensor

    def __len__(self) -> int:
        return int(self.frame.numel())

    def where(self, keep: Tensor) -> Emitters:
        """The appearances chosen by a mask or an index."""
        return Emitters(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    def within(self, *, height: int, width: int) -> Emitters:
        """Those whose centre lies on the image, that is within (-0.5, N - 0.5)."""
        inside = (
            (self.row_px >= -0.5) & (self.row_px < height - 0.5) & (self.col_px >= -0.5) & (self.col_px < width - 0.5)
        )
        return self.where(inside)

    def visible(self) -> Emitters:
        """Those bright enough to be asked for."""
        return self.where(self.photons >= VISIBLE_PHOTONS)


@dataclass(frozen=True, kw_only=True)
class Blinking:
    """Per sequence, all [B]: visible emitters per pixel and frame; photons per full frame and their relative
    spread from emitter to emitter; mean on-time."""

    density_per_px: Tensor
    photons: Tensor
    spread: Tensor
    on_time_frames: Tensor

    def switch_on_rate(self) -> Tensor:
        """Emitters switched on per pixel and frame, [B], so that ``density_per_px`` of them are visible.

        An emitter of on-time T covers more than the fraction f of a frame for 1 - 2 f + T start times
        (T > f); the mean over exponential T is exp(-f/tau) (1 - f + tau).
        """
        fraction = (VISIBLE_PHOTONS / self.photons).clamp(max=1.0)
        chance = torch.exp(-fraction / self.on_time_frames) * (1.0 - fraction + self.on_time_frames)
        return self.density_per_px / chance


def sample_emitters(
    *,
    blinking: Blinking,
    frames: int,
    height: int,
    width: int,
    margin_px: float,
    z_range_nm: tuple[float, float],
    generator: torch.Generator,
) -> Emitters:
    """Appearances in ``frames`` frames of an image with ``margin_px`` of unseen field around it."""
    memory = math.ceil(MEMORY_ON_TIMES * float(blinking.on_time_frames.max()))
    area = (height + 2.0 * margin_px) * (width + 2.0 * margin_px)
    expected = blinking.switch_on_rate() * area * (frames + memory)
    number = torch.poisson(expected, generator=generator).long()
    sequence = torch.repeat_interleave(torch.arange(len(number)), number)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(sequence.shape, generator=generator) * (high - low) + low

    start = uniform(-memory, frames)
    on_time = torch.empty(sequence.shape).exponential_(generator=generator) * blinking.on_time_frames[sequence]
    row, col = uniform(-0.5 - margin_px, height - 0.5 + margin_px), uniform(-0.5 - margin_px, width - 0.5 + margin_px)
    z = uniform(*z_range_nm)
    bright = 1.0 + blinking.spread[sequence] * torch.randn(sequence.shape, generator=generator)
    flux = blinking.photons[sequence] * bright.clamp(min=0.05)
    frame = torch.arange(frames)
    shining = torch.minimum((start + on_time)[:, None], frame + 1.0) - torch.maximum(start[:, None], frame.float())
    emitter, seen = torch.nonzero(shining > 0.0, as_tuple=True)
    share = shining[emitter, seen]
    return Emitters(
        emitter=emitter,
        sequence=sequence[emitter],
        frame=seen,
        row_px=row[emitter],
        col_px=col[emitter],
        z_nm=z[emitter],
        photons=flux[emitter] * share,
        share=share,
    )
