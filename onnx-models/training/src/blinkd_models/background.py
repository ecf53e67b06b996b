"""Expected background light: even, smoothly uneven, or cloudy (Perlin noise).

Comes in: mean and unevenness per sequence. Goes out: photons per pixel [B, 1, H, W], constant in time.
Never: emitters or camera noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PERSISTENCE = 0.5
"""Each octave has half the amplitude of the one before, and half its cell."""

PEAK = math.sqrt(0.5)
"""|Perlin noise| in two dimensions with unit gradients never exceeds this."""


@dataclass(frozen=True, kw_only=True)
class Clouds:
    """Perlin noise per sequence, all [B]: ``amplitude``, the largest relative deviation from the mean (0: none), and
    ``cell_px``, the width of the coarsest cell."""

    amplitude: Tensor
    cell_px: Tensor
    octaves: int = 3


def expected_background(
    *,
    photons: Tensor,
    smooth: Tensor,
    clouds: Clouds | None,
    height: int,
    width: int,
    generator: torch.Generator,
) -> Tensor:
    """Photons per pixel [B, 1, H, W] of mean ``photons`` [B]; ``smooth`` [B] is the relative standard deviation of
    :func:`smooth_noise`. Never below a fifth of the mean, which clouds of an amplitude up to 0.8 do not touch.
    """
    shape = (len(photons), height, width)
    factor = 1.0 + _per_pixel(smooth) * smooth_noise(shape, generator=generator)
    if clouds is not None:
        noise = perlin_noise(shape, cell_px=clouds.cell_px, octaves=clouds.octaves, generator=generator)
        factor = factor + _per_pixel(clouds.amplitude) * noise
    return _per_pixel(photons) * factor.clamp(min=0.2)


def _per_pixel(value: Tensor) -> Tensor:
    return value[:, None, None, None]


def smooth_noise(shape: tuple[int, int, int], *, generator: torch.Generator) -> Tensor:
    """A bicubic surface through 4 x 4 standard normal numbers over each image, [B, 1, H, W]."""
    sequences, height, width = shape
    coarse = torch.randn((sequences, 1, 4, 4), generator=generator, device=generator.device)
    return functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)


def perlin_noise(shape: tuple[int, int, int], *, cell_px: Tensor, octaves: int, generator: torch.Generator) -> Tensor:
    """Perlin's gradient noise (2002), octaves added and scaled to within [-1, 1]; [B, 1, H, W], mean 0.

    Random unit gradients g sit on a lattice of ``cell_px`` [B] pixels. A pixel at the fractions (u, v) of its cell
    gets the four products g . (distance from the corner), blended with 6 t^5 - 15 t^4 + 10 t^3 along u and v.
    """
    total = torch.zeros((shape[0], 1, *shape[1:]), device=cell_px.device)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        total = total + weight * _gradient_noise(shape, cell_px=cell_px / 2.0**octave, generator=generator)
        weights += weight
        weight *= PERSISTENCE
    return total / (weights * PEAK)


def _gradient_noise(shape: tuple[int, int, int], *, cell_px: Tensor, generator: torch.Generator) -> Tensor:
    """One octave, within [-PEAK, PEAK]; the lattice is shifted at random against the pixels."""
    sequences, height, width = shape
    device = cell_px.device
    nodes = math.ceil(max(height, width) / float(cell_px.min())) + 2
    shift = torch.rand((2, sequences, 1), generator=generator, device=device)
    angle = torch.rand((sequences, nodes, nodes), generator=generator, device=device) * (2.0 * math.pi)
    rows = torch.arange(height, device=device) / cell_px[:, None] + shift[0]
    cols = torch.arange(width, device=device) / cell_px[:, None] + shift[1]
    i, j = rows.long(), cols.long()
    u, v = (rows - i)[:, :, None], (cols - j)[:, None, :]
    each = torch.arange(sequences, device=device)[:, None, None]

    def product(di: int, dj: int) -> Tensor:
        at = angle[each, (i + di)[:, :, None], (j + dj)[:, None, :]]
        return at.cos() * (u - di) + at.sin() * (v - dj)

    along_rows, along_cols = _fade(u), _fade(v)
    left = torch.lerp(product(0, 0), product(1, 0), along_rows)
    right = torch.lerp(product(0, 1), product(1, 1), along_rows)
    return torch.lerp(left, right, along_cols)[:, None]


def _fade(t: Tensor) -> Tensor:
    """6 t^5 - 15 t^4 + 10 t^3: no slope and no curvature at 0 and 1."""
    return t * t * t * (t * (6.0 * t - 15.0) + 10.0)
