"""Optics that nobody knows exactly: the constants of a Gaussian PSF, each between the two ends that a card gives.

Comes in: a card. Goes out: PSFs drawn from the ranges, and the doubts that a bound takes into account.
Never: draws emitters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from blinkd_models.crlb import Doubt
from blinkd_models.psf import Astigmatic, Gaussian2d
from blinkd_models.simulate import draw_gaussian

RELATIVE_STEP = 1e-4
"""Of a constant, for its derivative."""

Span = tuple[float, float]
GaussianPsf = Gaussian2d | Astigmatic


@dataclass(frozen=True, kw_only=True)
class OpticsRange:
    """In nm; without ``focus_nm`` and ``depth_nm`` the PSF is round."""

    sigma_nm: Span
    focus_nm: Span | None = None
    depth_nm: Span | None = None

    @classmethod
    def of_card(cls, content: Mapping[str, Any]) -> OpticsRange:
        """The card's table ``psf``, or its ranges."""
        shape = content["psf"]
        sigma = span_of(shape.get("sigma_nm", content["range"]["psf_sigma_nm"]))
        if shape["kind"] == "gaussian":
            return cls(sigma_nm=sigma)
        return cls(sigma_nm=sigma, focus_nm=span_of(shape["focus_nm"]), depth_nm=span_of(shape["depth_nm"]))

    def draw(self, count: int, *, pixel_size_nm: float, generator: torch.Generator) -> GaussianPsf:
        """``count`` sequences, each with constants of its own, uniform in their ranges."""

        def uniform(span: Span) -> torch.Tensor:
            return span[0] + (span[1] - span[0]) * torch.rand(count, generator=generator)

        pixel_nm = torch.full((count,), pixel_size_nm)
        if self.focus_nm is None or self.depth_nm is None:
            return draw_gaussian(uniform, pixel_nm=pixel_nm, sigma_nm=self.sigma_nm)
        waists = (self.focus_nm, self.depth_nm)
        return draw_gaussian(uniform, pixel_nm=pixel_nm, sigma_nm=self.sigma_nm, waists_nm=waists)

    def doubts(self, psf: GaussianPsf, *, pixel_size_nm: float) -> list[Doubt]:
        """One per constant that has a range; its standard deviation is that of a uniform distribution."""
        spans = {"sigma_px": (self.sigma_nm[0] / pixel_size_nm, self.sigma_nm[1] / pixel_size_nm)}
        if self.focus_nm is not None and self.depth_nm is not None:
            spans |= {"focus_nm": self.focus_nm, "depth_nm": self.depth_nm}
        doubts = []
        for name, (low, high) in spans.items():
            if high <= low:
                continue
            step, value = RELATIVE_STEP * high, getattr(psf, name).double()
            plus, minus = (replace(psf, **{name: value + sign * step}) for sign in (1.0, -1.0))
            doubts.append(Doubt(plus=plus, minus=minus, step=step, sd=(high - low) / math.sqrt(12.0)))
        return doubts


def span_of(value: Any) -> Span:
    """A single number is a range of no width."""
    if isinstance(value, int | float):
        return float(value), float(value)
    return float(value[0]), float(value[1])
