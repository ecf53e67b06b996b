"""How good a network's pictures are, on structures it has not seen.

Comes in: a network, held-back structures. Goes out: MS-SSIM against the number of localizations as in the paper's
Fig. 2g, the factor in localizations at equal MS-SSIM, and the height of seams. Never: trains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from blinkd_models.anet.network import Anet
from blinkd_models.anet.pairs import MARGIN_PX, Sampling, crop, poisson_only, target_of, widefield
from blinkd_models.anet.similarity import ms_ssim
from blinkd_models.anet.structures import SWITCH, Structures, draw

HELD_BACK_SEED = 910_000
"""Far from the seeds of trainings."""
SIDE_PX = 512
PER_UM2 = tuple(round(2.0 * 10.0 ** (i / 4.0), 2) for i in range(14))
"""Localizations per um^2 at which pictures are judged: 2 to 3,557; the paper's 200 to 2 million on 39 um^2 are 5 to
51,000, its scan has 200."""
LEVELS = (0.5, 0.65, 0.8, 0.9)
"""MS-SSIM at which numbers of localizations are compared; 0.65 is the paper's, of PALM at five times Nyquist."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """MS-SSIM of one way to a picture, mean and standard deviation over pictures, for each of ``per_um2``."""

    name: str
    per_um2: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def needed(self, level: float) -> float:
        """Localizations per um^2 at which the curve first reaches a level; NaN if it does not, or is above at once."""
        points = list(zip(self.per_um2, self.mean, strict=True))
        for (before, low), (after, high) in pairwise(points):
            if low < level <= high:
                part = (level - low) / (high - low)
                return math.exp(math.log(before) + part * (math.log(after) - math.log(before)))
        return math.nan


def curves(
    network: Anet, *, kind: str, structures: Structures, sampling: Sampling, pictures: int = 10,
    per_um2: Sequence[float] = PER_UM2,
) -> list[Curve]:  # fmt: skip
    """The sparse map, the network from it, from it and widefield; and from widefield alone at every number alike."""
    names = ("map", "network", "network and widefield", "widefield only")
    values: dict[str, list[list[float]]] = {name: [[] for _ in per_um2] for name in names}
    for picture in range(pictures):
        numbers = torch.Generator().manual_seed(HELD_BACK_SEED + picture)
        perfect = draw(kind, side_px=SIDE_PX + 2 * MARGIN_PX, ranges=structures, generator=numbers)
        wide = crop(widefield(perfect, sampling=sampling, generator=numbers))
        truth = normalized(target_of(crop(perfect)))
        alone = normalized(run(network, counts=torch.zeros_like(wide), widefield=wide, kind=kind, mask=(0.0, 1.0)))
        for at, density in enumerate(per_um2):
            localizations = density * (SIDE_PX * 0.02) ** 2
            counts = poisson_only(crop(perfect), localizations=localizations, generator=numbers)
            shown = {
                "map": normalized(counts),
                "network": normalized(run(network, counts=counts, widefield=wide, kind=kind, mask=(1.0, 0.0))),
                "network and widefield": normalized(
                    run(network, counts=counts, widefield=wide, kind=kind, mask=(1.0, 1.0))
                ),
                "widefield only": alone,
            }
            for name, one in shown.items():
                values[name][at].append(float(ms_ssim(one[None, None], truth[None, None])))
    return [_curve(name, per_um2=tuple(per_um2), values=values[name]) for name in names]


def factors(found: Sequence[Curve]) -> list[dict[str, float]]:
    """How many times fewer localizations the network needs for the same MS-SSIM, at each level that all reach."""
    of = {curve.name: curve for curve in found}
    rows = []
    for level in LEVELS:
        palm = of["map"].needed(level)
        sparse, both = of["network"].needed(level), of["network and widefield"].needed(level)
        row = {"ms_ssim": level, "map_per_um2": palm, "network_per_um2": sparse, "both_per_um2": both}
        row |= {"factor": palm / sparse, "factor_with_widefield": palm / both}
        rows.append({name: round(value, 3) for name, value in row.items() if math.isfinite(value)})
    return rows


def seam(network: Anet, *, kind: str, structures: Structures, window_px: int, overlap_px: int) -> dict[str, float]:
    """What two neighbouring windows say differently of the strip that both show: r.m.s. over all of it, and where the
    blended picture is made of both alike, of 0 to 1."""
    numbers = torch.Generator().manual_seed(HELD_BACK_SEED)
    width = 2 * window_px - overlap_px
    perfect = draw(kind, side_px=width + 2 * MARGIN_PX, ranges=structures, generator=numbers)
    counts = poisson_only(crop(perfect), localizations=100.0 * (width * 0.02) ** 2, generator=numbers)[:window_px]
    empty = torch.zeros(window_px, window_px)
    left, right = counts[:, :window_px], counts[:, -window_px:]
    one, other = (run(network, counts=half, widefield=empty, kind=kind, mask=(1.0, 0.0)) for half in (left, right))
    apart = (one[:, -overlap_px:] - other[:, :overlap_px]).square()
    middle = apart[:, overlap_px // 2 - 4 : overlap_px // 2 + 4]
    return {"strip": float(apart.mean().sqrt()), "middle": float(middle.mean().sqrt())}


@torch.no_grad()
def run(network: Anet, *, counts: Tensor, widefield: Tensor, kind: str, mask: tuple[float, float]) -> Tensor:
    """One picture [H, W]."""
    switch, masks = torch.tensor([float(SWITCH[kind])]), torch.tensor([mask])
    picture: Tensor = network(counts[None, None], widefield[None, None], switch, masks)
    return picture[0, 0]


def normalized(picture: Tensor) -> Tensor:
    """Linearly to a maximum of 1, without clipping (paper, "Quality metrics")."""
    return picture / picture.max().clamp(min=1e-6)


def _curve(name: str, *, per_um2: tuple[float, ...], values: list[list[float]]) -> Curve:
    stacked = torch.tensor(values)
    return Curve(
        name=name,
        per_um2=per_um2,
        mean=tuple(round(value, 4) for value in stacked.mean(dim=1).tolist()),
        spread=tuple(round(value, 4) for value in stacked.std(dim=1).tolist()),
    )
