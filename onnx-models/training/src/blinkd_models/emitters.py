"""Blinking emitters: a homogeneous Poisson process in space and time.

Comes in: a density, brightness and on-time per sequence.
Goes out: one row per emitter and frame in which it shines (partial first and last frames included).
Never: draws an image.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

VISIBLE_PHOTONS = 50.0
"""Dimmer appearances are drawn but not asked for (DECODE, training details)."""

FLUX_MIN = 0.05
"""The Gaussian of brightness is cut at this part of its mean."""

SPREAD_STEPS, SPREAD_REACH = 64, 4.0
"""The mean over the brightness of emitters: so many points up to so many standard deviations."""


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
        (T > f); the mean over exponential T is exp(-f/tau) (1 - f + tau), and that is averaged over the Gaussian of
        brightness, of which f depends.
        """
        deviation = torch.linspace(-SPREAD_REACH, SPREAD_REACH, SPREAD_STEPS, device=self.photons.device)
        weight = torch.exp(-0.5 * deviation**2)
        flux = self.photons[:, None] * (1.0 + self.spread[:, None] * deviation).clamp(min=FLUX_MIN)
        fraction, on_time = VISIBLE_PHOTONS / flux, self.on_time_frames[:, None]
        frames = torch.exp(-fraction / on_time) * (1.0 - fraction + on_time) * (fraction <= 1.0)
        # Emitters that are never visible have no rate that makes them so; theirs is finite all the same.
        return self.density_per_px * weight.sum() / (frames * weight).sum(1).clamp(min=1e-3)


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
    """Appearances in ``frames`` frames of an image with ``margin_px`` of unseen field around it.

    The process is in its steady state from the first frame on: an exponential on-time has no memory, so those that
    shine as it opens (rate times mean on-time of them) shine on for another whole exponential on-time.
    """
    device = generator.device
    area = (height + 2.0 * margin_px) * (width + 2.0 * margin_px)
    rate = blinking.switch_on_rate() * area
    number = torch.poisson(rate * (frames + blinking.on_time_frames), generator=generator).long()
    sequence = torch.repeat_interleave(torch.arange(len(number), device=device), number)
    each = (len(sequence),)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(each, generator=generator, device=device) * (high - low) + low

    mean_on_time = blinking.on_time_frames[sequence]
    start = (uniform(0.0, 1.0) * (frames + mean_on_time) - mean_on_time).clamp(min=0.0)
    on_time = torch.empty(each, device=device).exponential_(generator=generator) * mean_on_time
    row, col = uniform(-0.5 - margin_px, height - 0.5 + margin_px), uniform(-0.5 - margin_px, width - 0.5 + margin_px)
    z = uniform(*z_range_nm)
    bright = 1.0 + blinking.spread[sequence] * torch.randn(each, generator=generator, device=device)
    flux = blinking.photons[sequence] * bright.clamp(min=FLUX_MIN)
    opens = torch.arange(frames, device=device, dtype=start.dtype)
    shining = torch.minimum((start + on_time)[:, None], opens + 1.0) - torch.maximum(start[:, None], opens)
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
