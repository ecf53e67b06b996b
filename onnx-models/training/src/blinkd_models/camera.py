"""Camera models: expected photons in, camera counts (ADU) out, and back.

Comes in: images of expected incident photons per pixel.
Goes out: noisy ADU (integers stored as float), or photons estimated from ADU.
Never: draws a scene or knows about emitters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Value = float | Tensor
"""A number for all images, or a tensor that broadcasts against them (one value per sequence, say)."""

ADU_MAX = 65535.0


@dataclass(frozen=True, kw_only=True)
class Camera:
    """An sCMOS camera (``em_gain == 1``) or an EMCCD (``em_gain > 1``).

    offset_adu: counts read without light. e_per_adu: electrons per count.
    qe: detected electrons per incident photon. spurious_e: clock-induced electrons per pixel and frame.
    read_noise_e: standard deviation in electrons, after the gain register for an EMCCD.
    """

    offset_adu: Value = 100.0
    e_per_adu: Value = 0.5
    qe: Value = 0.9
    em_gain: Value = 1.0
    spurious_e: Value = 0.0
    read_noise_e: Value = 1.6

    def expose(self, photons: Tensor, *, generator: torch.Generator) -> Tensor:
        """ADU for expected ``photons`` (any shape), DECODE eqs. 9-12: Poisson, gamma gain, Gaussian read noise."""
        electrons = torch.poisson(photons * self.qe + self.spurious_e, generator=generator)
        amplified = self._amplify(electrons, generator=generator)
        read = torch.randn(photons.shape, generator=generator) * self.read_noise_e
        return ((amplified + read) / self.e_per_adu + self.offset_adu).round_().clamp_(0.0, ADU_MAX)

    def to_photons(self, adu: Tensor) -> Tensor:
        """Incident photons from ADU: ((adu - offset) * e_per_adu / em_gain - spurious) / qe."""
        return ((adu - self.offset_adu) * self.e_per_adu / self.em_gain - self.spurious_e) / self.qe

    def noise_variance(self, photons: Tensor) -> Tensor:
        """Variance of :meth:`to_photons` for expected ``photons``, in photons squared (rounding left out)."""
        gain = torch.as_tensor(self.em_gain)
        excess = torch.where(gain > 1.0, 2.0, 1.0)
        electrons = photons * self.qe + self.spurious_e
        return (excess * electrons + (self.read_noise_e / gain) ** 2) / self.qe**2

    def _amplify(self, electrons: Tensor, *, generator: torch.Generator) -> Tensor:
        """Gain register: gamma with shape = electrons and scale = gain (eq. 11); untouched where the gain is 1."""
        gain = torch.as_tensor(self.em_gain)
        if bool((gain <= 1.0).all()):
            return electrons
        drawn = torch._standard_gamma(electrons.clamp(min=1e-3), generator=generator) * gain
        return torch.where(gain > 1.0, torch.where(electrons > 0.0, drawn, 0.0), electrons)
