"""What the six (or one) field components of an emitter look like in the pupil of an objective.

Comes in: points of the pupil, numerical aperture, refractive indices. Goes out: complex amplitudes on those points.
Never: adds aberrations, defocus or masks.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cosine(radius: Tensor, *, na: float, index: float) -> Tensor:
    """Complex cosine of the ray's angle in a medium; imaginary beyond the critical angle, where the wave decays."""
    squared = 1.0 - (radius * na / index) ** 2
    return torch.sqrt(torch.complex(squared, torch.zeros_like(squared)))


def scalar_field(radius: Tensor) -> Tensor:
    """One flat component, [1, n, n]: the textbook pupil, without polarization."""
    return torch.ones_like(radius).to(torch.complex128 if radius.dtype == torch.float64 else torch.complex64)[None]


def dipole_fields(
    radius: Tensor, *, angle: Tensor, na: float, index_immersion: float, index_sample: float
) -> tuple[Tensor, Tensor]:
    """Components [5, n, n] and their weights [5] for a freely rotating dipole (mean over all directions).

    A dipole along x, y or z makes a field along x and y in the pupil: p- and s-polarized parts, each with its Fresnel
    transmission from sample to immersion, times sqrt(cos) of the objective's sine condition over the cos of the
    plane-wave spectrum (Stallinga and Rieger, Opt. Express 18, 24461 (2010)). x seen along y and y seen along x are
    the same, so five components stand for six; the weights count that one twice. x runs along columns.
    """
    inside, outside = (cosine(radius, na=na, index=index) for index in (index_sample, index_immersion))
    lens = 2.0 * torch.sqrt(outside)
    along_p = lens / (index_sample * outside + index_immersion * inside)
    along_s = lens / (index_sample * inside + index_immersion * outside)
    cos, sin = torch.cos(angle), torch.sin(angle)
    tilted = along_p * inside
    axial = -along_p * (radius * na / index_sample)
    fields = torch.stack(
        [
            tilted * cos**2 + along_s * sin**2,
            tilted * sin**2 + along_s * cos**2,
            (tilted - along_s) * sin * cos,
            axial * cos,
            axial * sin,
        ]
    )
    return fields, radius.new_tensor([1.0, 1.0, 2.0, 1.0, 1.0]) / 3.0
