"""Pairs from a dense table of localizations: a few frames of it, and nearly all of it.

Comes in: a table of one long recording. Goes out: the same as ``pairs`` makes of simulations. Never: invents structure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from blinkd_models.anet.pairs import MARGIN_PX, TARGET_FULL, Pairs, Sampling, crop, target_of, widefield
from blinkd_models.anet.structures import PIXEL_NM, SIGMA_PX, SWITCH, blur
from blinkd_models.evaluate.table import Table, read_table

FRAMES = (200, 500)
"""Consecutive frames of a sparse picture, from the first half; the paper took 300 to 500."""
DENSE_PART = 0.95
LEAST_FRAMES = 2000
"""Shorter tables have no dense picture."""
ELASTIC_PX, ELASTIC_CELL_PX = 6.0, 64.0
"""Largest displacement of the elastic deformation, and the distance over which it changes."""
FULL_QUANTILE = 0.995
"""Of the pixels with counts; as high as the target's axis times ``TARGET_FULL``."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A dense table: positions [2, N] in pixels of 20 nm, frames [N] from 0, and how many there are."""

    position_px: Tensor
    frame: Tensor
    frames: int

    @classmethod
    def read(cls, path: Path, *, pixel_nm: float) -> Recorded:
        """From a CSV as ``evaluate.table`` reads it; ``pixel_nm`` for tables in camera pixels."""
        return cls.of(read_table(path, pixel_size_nm=pixel_nm), name=str(path))

    @classmethod
    def of(cls, table: Table, *, name: str) -> Recorded:
        """Refuses tables that are too short."""
        frames = int(table.frame.max()) + 1 if len(table) else 0
        if frames < LEAST_FRAMES:
            raise ValueError(f"{name} has {frames} frames; a dense picture needs {LEAST_FRAMES}: give a longer table")
        nm = np.stack([table.x_nm, table.y_nm]) / PIXEL_NM - 0.5
        position = torch.from_numpy(nm.astype(np.float32))
        return cls(position_px=position, frame=torch.from_numpy(table.frame), frames=frames)

    def pairs(
        self, count: int, *, side_px: int, kind: str, sampling: Sampling, generator: torch.Generator
    ) -> Pairs:  # fmt: skip
        """Windows at random places, turned at random, deformed elastically; input and target alike."""
        made = [self._pair(side_px, sampling, generator) for _ in range(count)]
        counts, wide, target = (torch.stack(part)[:, None] for part in zip(*made, strict=True))
        switch = torch.full((count,), float(SWITCH[kind]), device=counts.device)
        return Pairs(counts=counts, widefield=wide, target=target, switch=switch)

    def _pair(self, side_px: int, sampling: Sampling, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        span, start, late, turn, which = torch.rand(5, generator=generator, device=generator.device).tolist()
        side = side_px + 2 * MARGIN_PX
        middle = self.position_px[:, int(which * (len(self.frame) - 1))]
        at = deformed(self.position_px - middle[:, None], turn=turn, generator=generator) + side / 2.0
        frames = FRAMES[0] + span * (FRAMES[1] - FRAMES[0])
        first = start * max(0.0, self.frames / 2.0 - frames)
        few = (self.frame >= first) & (self.frame < first + frames)
        begin = late * (1.0 - DENSE_PART) * self.frames
        many = (self.frame >= begin) & (self.frame < begin + DENSE_PART * self.frames)
        counts, dense = histogram(at[:, few], side_px=side), histogram(at[:, many], side_px=side)
        smooth = blur(dense, sigma_px=SIGMA_PX / 2.0)
        filled = smooth[smooth > 0.05 * smooth.max()]
        full = torch.quantile(filled, FULL_QUANTILE) if len(filled) else smooth.new_tensor(1.0)
        perfect = smooth * (TARGET_FULL / full)
        wide = widefield(perfect, sampling=sampling, generator=generator)
        return crop(counts), crop(wide), target_of(crop(perfect))


def histogram(position_px: Tensor, *, side_px: int) -> Tensor:
    """Counts per pixel [side, side]; centres at integers."""
    column, row = (position_px + 0.5).floor().long()
    inside = (column >= 0) & (row >= 0) & (column < side_px) & (row < side_px)
    flat = torch.bincount(row[inside] * side_px + column[inside], minlength=side_px * side_px)
    return flat.reshape(side_px, side_px).float()


def deformed(position_px: Tensor, *, turn: float, generator: torch.Generator) -> Tensor:
    """Turned about the origin, and pushed by a few smooth waves of random direction."""
    angle = 2.0 * math.pi * turn
    cosine, sine = math.cos(angle), math.sin(angle)
    x, y = position_px
    turned = torch.stack([cosine * x - sine * y, sine * x + cosine * y])
    waves = torch.randn(4, 5, generator=generator, device=generator.device)
    for along_x, along_y, push_x, push_y, phase in waves.tolist():
        wave = torch.sin((along_x * turned[0] + along_y * turned[1]) / ELASTIC_CELL_PX + phase)
        push = turned.new_tensor([push_x, push_y])[:, None] * ELASTIC_PX / 4.0
        turned = turned + push * wave
    return turned
