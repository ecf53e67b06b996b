"""Perfect pictures of structures: what infinitely many localizations would show.

Comes in: a kind, a size, random numbers. Goes out: a density per pixel; 1 is the axis of one filament. Never: noise,
a camera, a label that is missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from blinkd_models.anet.convolve import both_ways, gaussian

SWITCH = {"filaments": 0, "nuclear_pores": 1, "mitochondria": 3}
"""What the network's switch says of each kind; the numbers are the published ones (2 is actin, which is not made)."""

PIXEL_NM = 20.0
SIGMA_PX = 1.1
"""Width of a line in the perfect picture: a labelled microtubule of 51 nm FWHM (paper, Fig. 4d)."""
AXIS = 1.0 / (SIGMA_PX * math.sqrt(2.0 * math.pi))
"""Height of a line of one point per pixel after blurring."""

PORE_NM, PORE_SPOTS = 150.0, 8
"""Diameter of a nuclear pore and its corners (paper, image simulations)."""
RIM = 6
"""Points around a mitochondrion for each point along it."""

Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Structures:
    """Ranges the pictures are drawn from, each evenly in the logarithm.

    length_per_um: length of filament per area, um/um^2. persistence_um: of a filament's direction. pores_per_um2.
    mitochondria_per_um2 and their radius_nm; their axes bend with the same law.
    """

    length_per_um: Span = (0.3, 5.0)
    persistence_um: Span = (2.0, 40.0)
    pores_per_um2: Span = (0.5, 8.0)
    mitochondria_per_um2: Span = (0.02, 0.25)
    radius_nm: Span = (120.0, 300.0)


def draw(kind: str, *, side_px: int, ranges: Structures, generator: torch.Generator) -> Tensor:
    """A perfect picture [H, W] of one kind, ``PIXEL_NM`` a pixel."""
    makers = {"filaments": _filaments, "nuclear_pores": _pores, "mitochondria": _mitochondria}
    if kind not in makers:
        raise ValueError(f"there is no structure {kind!r}; there are {', '.join(makers)}")
    return makers[kind](side_px, ranges, generator)


def blur(picture: Tensor, *, sigma_px: float) -> Tensor:
    """Gaussian blur of [..., H, W], zeros outside."""
    reach = max(1, math.ceil(3.5 * sigma_px))
    kernel = gaussian(sigma_px, taps=2 * reach + 1, like=picture)
    return both_ways(picture, kernel=kernel, padding=reach)


def log_uniform(span: Span, *, generator: torch.Generator) -> float:
    """One value, evenly in the logarithm."""
    low, high = math.log(span[0]), math.log(span[1])
    return math.exp(low + (high - low) * torch.rand((), generator=generator, device=generator.device).item())


def chains(
    count: int, *, steps: int, side_px: int, persistence_px: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Semi-flexible chains of one pixel a step that pass through the picture: x, y [count, steps] in pixels, and
    their directions. <cos> of the angle between two directions falls as exp(-length / (2 persistence)) in the plane.

    Half of the pictures have a common direction, as near a cell's edge.
    """
    device = generator.device
    start = torch.rand(count, 2, generator=generator, device=device) * side_px
    turns = torch.randn(count, steps, generator=generator, device=device) / math.sqrt(persistence_px)
    spread, common = torch.rand(2, generator=generator, device=device).tolist()
    spread = 1.0 if spread < 0.5 else 0.05 + spread / 4.0
    first = 2.0 * math.pi * (common + spread * torch.rand(count, generator=generator, device=device))
    # The given point is in the middle, so that both halves bend away from it.
    turned = torch.cumsum(turns, dim=1)
    middle = steps // 2
    angle = first[:, None] + turned - turned[:, middle : middle + 1]
    x, y = torch.cumsum(torch.cos(angle), dim=1), torch.cumsum(torch.sin(angle), dim=1)
    x = x - x[:, middle : middle + 1] + start[:, :1]
    y = y - y[:, middle : middle + 1] + start[:, 1:]
    return torch.stack([x, y]), angle


def splat(points: Tensor, *, weight: Tensor | float, side_px: int) -> Tensor:
    """Points [2, ...] in pixels (centres at integers) spread over their four neighbours: [side, side]."""
    x, y = points.reshape(2, -1)
    weights = weight.reshape(-1) if isinstance(weight, Tensor) else torch.full_like(x, weight)
    inside = (x > 0) & (y > 0) & (x < side_px - 1) & (y < side_px - 1)
    x, y, weights = x[inside], y[inside], weights[inside]
    left, top = x.floor(), y.floor()
    across, down = x - left, y - top
    at = (top * side_px + left).long()
    out = torch.zeros(side_px * side_px, device=points.device)
    for offset, part in (
        (0, (1 - across) * (1 - down)), (1, across * (1 - down)),
        (side_px, (1 - across) * down), (side_px + 1, across * down),
    ):  # fmt: skip
        out.index_add_(0, at + offset, part * weights)
    return out.reshape(side_px, side_px)


def _filaments(side_px: int, ranges: Structures, generator: torch.Generator) -> Tensor:
    um = PIXEL_NM / 1e3
    length_px = log_uniform(ranges.length_per_um, generator=generator) * (side_px * um) ** 2 / um
    # A chain through a random point stays inside for about 0.8 sides.
    count = max(1, round(length_px / (0.8 * side_px)))
    persistence_px = log_uniform(ranges.persistence_um, generator=generator) / um
    points, _ = chains(count, steps=2 * side_px, side_px=side_px, persistence_px=persistence_px, generator=generator)
    return blur(splat(points, weight=1.0 / AXIS, side_px=side_px), sigma_px=SIGMA_PX)


def _pores(side_px: int, ranges: Structures, generator: torch.Generator) -> Tensor:
    device = generator.device
    per_um2 = log_uniform(ranges.pores_per_um2, generator=generator)
    count = max(1, round(per_um2 * (side_px * PIXEL_NM / 1e3) ** 2))
    middle = torch.rand(count, 2, generator=generator, device=device) * side_px
    apart = torch.cdist(middle, middle) + torch.eye(count, device=device) * side_px
    # Of two that overlap, the later one goes.
    nearer = torch.tril(apart, diagonal=-1) + torch.triu(torch.full_like(apart, float(side_px)))
    middle = middle[nearer.min(dim=1).values > 1.15 * PORE_NM / PIXEL_NM]
    turn = torch.rand(len(middle), 1, generator=generator, device=device)
    angle = 2.0 * math.pi * (torch.arange(PORE_SPOTS, device=device) + turn) / PORE_SPOTS
    radius = PORE_NM / 2.0 / PIXEL_NM
    points = torch.stack([middle[:, :1] + radius * angle.cos(), middle[:, 1:] + radius * angle.sin()])
    spot = 2.0 * math.pi * SIGMA_PX**2
    return blur(splat(points, weight=spot, side_px=side_px), sigma_px=SIGMA_PX)


def _mitochondria(side_px: int, ranges: Structures, generator: torch.Generator) -> Tensor:
    """Outer membranes: the projection of tubes, thick at their rims."""
    device = generator.device
    per_um2 = log_uniform(ranges.mitochondria_per_um2, generator=generator)
    count = max(1, round(per_um2 * (side_px * PIXEL_NM / 1e3) ** 2))
    lengths = 20 + 180 * torch.rand(count, 1, generator=generator, device=device)
    points, angle = chains(count, steps=200, side_px=side_px, persistence_px=60.0, generator=generator)
    radius = log_uniform(ranges.radius_nm, generator=generator) / PIXEL_NM
    along = (torch.arange(200, device=device) - 100).abs()[None, :]
    # Round ends.
    left = ((lengths / 2 - along).clamp(min=0.0) / radius).clamp(max=1.0)
    thick = radius * torch.sqrt(1.0 - (1.0 - left) ** 2)
    around = 2.0 * math.pi * torch.rand(RIM, count, 200, generator=generator, device=device)
    across = thick[None] * around.cos()
    x = points[0][None] - across * angle.sin()[None]
    y = points[1][None] + across * angle.cos()[None]
    weight = (left > 0.0).float().expand(RIM, count, 200) / RIM
    return blur(splat(torch.stack([x, y]), weight=2.5 * weight / AXIS, side_px=side_px), sigma_px=SIGMA_PX)
