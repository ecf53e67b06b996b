"""Camera models: expected photons in, camera counts (ADU) out, and back.

Comes in: images of expected incident photons per pixel.
Goes out: noisy ADU (integers stored as float), or photons estimated from ADU.
Never: draws a scene or knows about emitters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

Value = float | Tensor
"""A number for all images, or a tensor that broadcasts against them: one value per sequence [B, 1, 1, 1], one per
pixel [H, W], or both [B, 1, H, W]."""

ADU_MAX = 65535.0
ROUNDING_VARIANCE_ADU2 = 1.0 / 12.0


class CameraMapError(ValueError):
    """Camera maps that cannot be used; the message names the file, the map and the remedy."""


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

    @classmethod
    def from_maps(cls, path: Path, *, qe: float = 0.9) -> Camera:
        """An sCMOS camera of per-pixel maps [H, W] from a storm-analysis calibration ``.npy`` of 3 x H x W.

        The maps are offset (ADU), variance (ADU squared) and gain (ADU per electron), in this order.
        """
        maps = _read_maps(path)
        offset, variance, gain = (torch.from_numpy(each.astype(np.float32)) for each in maps)
        for name, bad in (("gain", gain <= 0.0), ("variance", variance < 0.0)):
            if bool(bad.any()):
                raise CameraMapError(f"{path}: the {name} map has {int(bad.sum())} impossible pixels; mend them first")
        return cls(offset_adu=offset, e_per_adu=1.0 / gain, qe=qe, read_noise_e=variance.sqrt() / gain)

    @property
    def adu_per_photon(self) -> Value:
        """Counts that one incident photon adds on average."""
        return self.qe * self.em_gain / self.e_per_adu

    def to(self, device: torch.device | str) -> Camera:
        """The same on another device."""
        moved = {f.name: v.to(device) for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor)}
        return replace(self, **moved)

    def expose(self, photons: Tensor, *, generator: torch.Generator) -> Tensor:
        """ADU for expected ``photons`` (any shape), DECODE eqs. 9-12: Poisson, gamma gain, Gaussian read noise."""
        electrons = torch.poisson(photons * self.qe + self.spurious_e, generator=generator)
        amplified = self._amplify(electrons, generator=generator)
        read = torch.randn(photons.shape, generator=generator, device=photons.device) * self.read_noise_e
        return ((amplified + read) / self.e_per_adu + self.offset_adu).round_().clamp_(0.0, ADU_MAX)

    def to_photons(self, adu: Tensor) -> Tensor:
        """Incident photons from ADU: ((adu - offset) * e_per_adu / em_gain - spurious) / qe."""
        return ((adu - self.offset_adu) * self.e_per_adu / self.em_gain - self.spurious_e) / self.qe

    def noise_variance(self, photons: Tensor) -> Tensor:
        """Variance of :meth:`to_photons` for expected ``photons``, in photons squared (rounding left out)."""
        gain = torch.as_tensor(self.em_gain, device=photons.device)
        excess = 1.0 + (gain > 1.0).to(photons.dtype)
        electrons = photons * self.qe + self.spurious_e
        return (excess * electrons + (self.read_noise_e / gain) ** 2) / self.qe**2

    def rounding_variance(self) -> Value:
        """What whole counts add to :meth:`noise_variance`: a twelfth of a count squared, in photons squared."""
        return ROUNDING_VARIANCE_ADU2 / self.adu_per_photon**2

    def _amplify(self, electrons: Tensor, *, generator: torch.Generator) -> Tensor:
        """Gain register: gamma with shape = electrons and scale = gain (eq. 11); untouched where the gain is 1."""
        gain = torch.as_tensor(self.em_gain, device=electrons.device)
        if gain.ndim == electrons.ndim and gain.numel() == len(gain) == len(electrons):
            # One gain per sequence: only those with a register are worth the gamma numbers.
            amplified = electrons.clone()
            for sequence in torch.nonzero(gain.flatten() > 1.0).flatten().tolist():
                amplified[sequence] = _register(electrons[sequence], gain=gain[sequence], generator=generator)
            return amplified
        if bool((gain <= 1.0).all()):
            return electrons
        return torch.where(gain > 1.0, _register(electrons, gain=gain, generator=generator), electrons)


def _register(electrons: Tensor, *, gain: Tensor, generator: torch.Generator) -> Tensor:
    """Electrons behind the register; none where none came in."""
    drawn = torch._standard_gamma(electrons.clamp(min=1e-3), generator=generator) * gain
    return drawn * (electrons > 0.0)


@dataclass(frozen=True, kw_only=True)
class PixelSpread:
    """How the pixels of an sCMOS sensor differ, all numbers or [B]; nothing where zero.

    offset_sd_adu: of a normal offset. gain_sd: of a normal gain, relative. read_noise_log_sd: of the logarithm of a
    log-normal read noise.
    """

    offset_sd_adu: Value
    gain_sd: Value
    read_noise_log_sd: Value

    def applied(self, camera: Camera, *, shape: tuple[int, int, int], generator: torch.Generator) -> Camera:
        """``camera`` with maps [B, 1, H, W] drawn around its values, for ``shape`` (B, H, W)."""
        sequences, height, width = shape
        device = generator.device

        def normal(sd: Value) -> Tensor:
            each = torch.as_tensor(sd, device=device).reshape(-1, 1, 1, 1)
            return each * torch.randn((sequences, 1, height, width), generator=generator, device=device)

        return replace(
            camera,
            offset_adu=camera.offset_adu + normal(self.offset_sd_adu),
            e_per_adu=camera.e_per_adu / (1.0 + normal(self.gain_sd)).clamp(min=0.2),
            read_noise_e=camera.read_noise_e * torch.exp(normal(self.read_noise_log_sd)),
        )


PRESETS = {
    "scmos": Camera(offset_adu=100.0, e_per_adu=0.46, qe=0.9, read_noise_e=1.5),
    "smlm2016": Camera(offset_adu=100.0, e_per_adu=45.0, qe=0.9, em_gain=300.0, spurious_e=0.002, read_noise_e=74.4),
}
"""Cameras by name: a back-illuminated sCMOS, and the EMCCD of the SMLM 2016 challenge."""


def preset(name: str) -> Camera:
    """A camera of :data:`PRESETS`."""
    if name not in PRESETS:
        raise ValueError(f"camera {name!r} is unknown; there is: {', '.join(PRESETS)}")
    return PRESETS[name]


def _read_maps(path: Path) -> np.ndarray:
    try:
        maps = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CameraMapError(f"{path}: not camera maps ({error}); expected a .npy of 3 x H x W") from error
    if not isinstance(maps, np.ndarray) or maps.ndim != 3 or len(maps) != 3 or maps.dtype.kind not in "fiu":
        found = f"{maps.dtype} {maps.shape}" if isinstance(maps, np.ndarray) else type(maps).__name__
        raise CameraMapError(f"{path}: holds {found}, expected 3 x H x W: offset, variance, gain")
    if not np.isfinite(maps).all():
        raise CameraMapError(f"{path}: holds values that are not finite; calibrate the camera again")
    return maps
