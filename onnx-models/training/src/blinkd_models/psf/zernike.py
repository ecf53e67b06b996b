"""Zernike polynomials on the unit disc, in Noll's order, orthonormal.

Comes in: points of the pupil, Noll indices. Goes out: values whose mean square over the disc is 1.
Never: uses OSA/ANSI order (``osa_from_noll`` translates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

NAMES = {
    1: "piston", 2: "tilt along columns", 3: "tilt along rows", 4: "defocus", 5: "astigmatism, oblique",
    6: "astigmatism, vertical", 7: "coma along rows", 8: "coma along columns", 9: "trefoil, vertical",
    10: "trefoil, oblique", 11: "spherical", 12: "second astigmatism, vertical", 13: "second astigmatism, oblique",
    14: "quadrafoil, vertical", 15: "quadrafoil, oblique", 22: "second spherical",
}  # fmt: skip


def orders(noll: int) -> tuple[int, int]:
    """Radial and azimuthal order (n, m) of Noll index ``noll`` >= 1; m < 0 are the sines (Noll 1976, table I)."""
    if noll < 1:
        raise ValueError(f"Noll index {noll}: counts from 1 (piston)")
    n = (math.isqrt(8 * noll - 7) - 1) // 2
    place = noll - n * (n + 1) // 2 - 1
    m = 2 * ((place + 1) // 2) if n % 2 == 0 else 2 * (place // 2) + 1
    return n, m if noll % 2 == 0 else -m


def osa_from_noll(noll: int) -> int:
    """OSA/ANSI index (counts from 0) of a Noll index."""
    n, m = orders(noll)
    return (n * (n + 2) + m) // 2


def name(noll: int) -> str:
    """What the microscopist calls it."""
    n, m = orders(noll)
    return NAMES.get(noll, f"order {n}, {abs(m)}-fold" if m else f"spherical of order {n}")


def zernike(noll: Sequence[int], *, radius: Tensor, angle: Tensor) -> Tensor:
    """Values [J, ...] at polar points (any shape); angle from the columns' axis towards growing rows.

    Z = sqrt(2 (n + 1)) R_n^m(radius) cos or sin(m angle), sqrt(n + 1) R_n^0 for m = 0.
    """
    return torch.stack([_one(*orders(index), radius=radius, angle=angle) for index in noll])


def _one(n: int, m: int, *, radius: Tensor, angle: Tensor) -> Tensor:
    turns = abs(m)
    radial = torch.zeros_like(radius)
    for k in range((n - turns) // 2 + 1):
        divisor = math.factorial(k) * math.factorial((n + turns) // 2 - k) * math.factorial((n - turns) // 2 - k)
        radial = radial + (-1) ** k * math.factorial(n - k) / divisor * radius ** (n - 2 * k)
    if m == 0:
        return math.sqrt(n + 1) * radial
    around = torch.cos(turns * angle) if m > 0 else torch.sin(turns * angle)
    return math.sqrt(2 * (n + 1)) * radial * around
