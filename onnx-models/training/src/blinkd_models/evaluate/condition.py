"""A simulated test: fixed optics and camera, emitters that blink.

Comes in: numbers, or a card. Goes out: scenes and the bound of an isolated emitter in them. Never: looks at a network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.emitters import Blinking
from blinkd_models.evaluate.bound import Optics, bound_nm2
from blinkd_models.evaluate.match import Array
from blinkd_models.evaluate.optics_range import OpticsRange, span_of
from blinkd_models.psf import Astigmatic, Gaussian2d, Psf
from blinkd_models.simulate import Scene

GAUSSIANS = ("gaussian", "astigmatic")
"""Kinds of PSF in a card that a ``Condition`` can draw by itself."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Density of visible emitters, photons per full frame, background per pixel; one PSF for all.

    The PSF is a round Gaussian of ``psf_sigma_nm``; with a range of ``z_nm`` an astigmatic one of that smallest width,
    ``focus_nm`` and ``depth_nm``. ``psf`` overrules both: any PSF for one sequence. ``optics_range``: what is promised
    of Gaussian optics, around those of the condition.
    """

    density_per_um2: float = 1.0
    photons: float = 2000.0
    background_photons: float = 20.0
    pixel_size_nm: float = 110.0
    psf_sigma_nm: float = 135.0
    z_nm: tuple[float, float] = (0.0, 0.0)
    focus_nm: float = 200.0
    depth_nm: float = 400.0
    psf: Psf | None = None
    optics_range: OpticsRange | None = None
    on_time_frames: float = 2.0
    spread: float = 0.1
    size_px: int = 64
    frames: int = 10
    camera: Camera = field(default_factory=Camera)

    @property
    def volume(self) -> bool:
        """Whether z is asked for."""
        return self.z_nm[0] < self.z_nm[1]

    @property
    def field_um2(self) -> float:
        """Area of the image."""
        return (self.size_px * self.pixel_size_nm / 1000.0) ** 2

    def one_psf(self) -> Psf:
        """The PSF, of every sequence the same."""
        if self.psf is not None:
            return _Shared(self.psf)
        sigma_px = torch.tensor([self.psf_sigma_nm / self.pixel_size_nm])
        if not self.volume:
            return _Shared(Gaussian2d(sigma_px=sigma_px))
        focus, depth = torch.tensor([self.focus_nm]), torch.tensor([self.depth_nm])
        return _Shared(Astigmatic(sigma_px=sigma_px, focus_nm=focus, depth_nm=depth))

    def optics(self) -> Optics:
        """What the bound needs."""
        return Optics(
            psf=self.one_psf(),
            pixel_size_nm=self.pixel_size_nm,
            background_photons=self.background_photons,
            camera=self.camera,
        )

    def scene(self, sequences: int) -> Scene:
        """The scene, ``sequences`` times."""

        def same(value: float) -> Tensor:
            return torch.full((sequences,), value)

        return Scene(
            pixel_size_nm=same(self.pixel_size_nm),
            psf=self.one_psf(),
            blinking=Blinking(
                density_per_px=same(self.density_per_um2 * (self.pixel_size_nm / 1000.0) ** 2),
                photons=same(self.photons),
                spread=same(self.spread),
                on_time_frames=same(self.on_time_frames),
            ),
            background_photons=same(self.background_photons),
            unevenness=same(0.0),
            camera=self.camera,
            z_nm=self.z_nm,
        )


def promised_condition(content: dict[str, Any], *, psf: Psf | None = None) -> Condition:
    """What a card promises: pixel size, PSF width and focal lengths from the middle of its ranges; background 20 if it
    lies in them. ``psf``: a measured PSF to use instead of a Gaussian.
    """
    ranges, shape = content["range"], content["psf"]
    kind = shape["kind"]
    if kind not in GAUSSIANS and psf is None:
        raise ValueError(f"the card's PSF is {kind!r}, not one of {', '.join(GAUSSIANS)}; the measured PSF is needed")
    low, high = ranges["background_photons"]
    return Condition(
        pixel_size_nm=_middle(ranges["pixel_size_nm"]),
        psf_sigma_nm=_middle(ranges["psf_sigma_nm"]),
        background_photons=min(max(Condition.background_photons, low), high),
        z_nm=(float(ranges["z_nm"][0]), float(ranges["z_nm"][1])),
        focus_nm=_middle(shape.get("focus_nm", Condition.focus_nm)),
        depth_nm=_middle(shape.get("depth_nm", Condition.depth_nm)),
        psf=psf,
        optics_range=OpticsRange.of_card(content) if psf is None else None,
    )


def promised(values: Iterable[float], *, span: Sequence[float]) -> list[float]:
    """Those that lie in a card's range."""
    return [value for value in values if span[0] <= value <= span[1]]


def _middle(value: Any) -> float:
    """Of a range; a single number is itself."""
    low, high = span_of(value)
    return 0.5 * (low + high)


class _Shared:
    """The first sequence's PSF for all sequences."""

    def __init__(self, psf: Psf) -> None:
        self.psf = psf

    @property
    def radius_px(self) -> int:
        return self.psf.radius_px

    def patches(self, *, sequence: Tensor, row_px: Tensor, col_px: Tensor, z_nm: Tensor) -> Tensor:
        return self.psf.patches(sequence=torch.zeros_like(sequence), row_px=row_px, col_px=col_px, z_nm=z_nm)


def nominal_crlb_nm(condition: Condition) -> float:
    """sqrt(var_x + var_y) of an isolated emitter of the condition's photons, averaged over the pixel, and over z."""
    variance = nominal_variance_nm2(condition)
    return math.sqrt(variance[0] + variance[1])


def nominal_variance_nm2(condition: Condition) -> Array:
    """Bounds [3] of x, y and z in nm^2, averaged over the place in the pixel and over z; z NaN in 2D."""
    side = (np.arange(8) + 0.5) / 8.0 * condition.pixel_size_nm
    depths = np.linspace(*condition.z_nm, 9) if condition.volume else np.zeros(1)
    places = np.stack(np.meshgrid(side, side, depths, indexing="ij"), axis=-1).reshape(-1, 3)
    photons = np.full(len(places), condition.photons)
    variance = bound_nm2(optics=condition.optics(), positions_nm=places, photons=photons, volume=condition.volume)
    mean: Array = variance.mean(axis=0)
    return mean


def grid(
    densities: Iterable[float] = (0.2, 1.0, 2.0, 3.0, 5.0),
    photons: Iterable[float] = (500.0, 1000.0, 2000.0, 5000.0, 10000.0),
    *,
    base: Condition | None = None,
) -> list[Condition]:
    """The conditions of a card: those of ``base`` (background 20) in all densities and brightnesses."""
    bright, like = list(photons), base or Condition()
    return [replace(like, density_per_um2=density, photons=flux) for density in densities for flux in bright]
