"""Draws recordings: scenes of random optics, brightness and camera in, ADU sequences with their truth out.

Comes in: ranges, or a fixed scene. Goes out: ``Recording``.
Never: trains, or looks at a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blinkd_models.camera import Camera
from blinkd_models.emitters import Blinking, Emitters, sample_emitters
from blinkd_models.psf import Astigmatic, Gaussian2d, Psf, render

Range = tuple[float, float]
MARGIN_PX = 4.0
"""Emitters this far outside the image still shine into it."""


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """What training draws from, one value per sequence; photons, background, density and on-time log-uniform.

    ``z_nm``: emitters lie between, uniformly; a range of no width means a round PSF, any other an astigmatic one with
    ``focus_nm`` and ``depth_nm`` (:class:`blinkd_models.psf.Astigmatic`). ``uneven_background`` and ``emccd`` are the
    shares of sequences with a background that varies in space, and with an EMCCD.
    """

    pixel_size_nm: Range = (95.0, 130.0)
    psf_sigma_nm: Range = (110.0, 160.0)
    photons: Range = (500.0, 10000.0)
    photons_spread: Range = (0.02, 0.3)
    background_photons: Range = (5.0, 150.0)
    density_per_um2: Range = (0.1, 6.0)
    on_time_frames: Range = (1.0, 5.0)
    z_nm: Range = (0.0, 0.0)
    focus_nm: Range = (200.0, 200.0)
    depth_nm: Range = (400.0, 400.0)
    uneven_background: float = 0.3
    emccd: float = 0.15


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The physics of B sequences: pixel size [B], PSF, blinking, mean background [B] and its unevenness [B], camera."""

    pixel_size_nm: Tensor
    psf: Psf
    blinking: Blinking
    background_photons: Tensor
    unevenness: Tensor
    camera: Camera
    z_nm: Range


@dataclass(frozen=True, kw_only=True)
class Recording:
    """adu, photons, background: [B, T, H, W] (counts, photons, expected photons); emitters: the truth."""

    adu: Tensor
    photons: Tensor
    background: Tensor
    emitters: Emitters
    scene: Scene


def draw_scene(ranges: Ranges, *, sequences: int, generator: torch.Generator) -> Scene:
    """A random scene of ``sequences`` sequences."""

    def uniform(low_high: Range) -> Tensor:
        return low_high[0] + (low_high[1] - low_high[0]) * torch.rand(sequences, generator=generator)

    def log_uniform(low_high: Range) -> Tensor:
        return torch.exp(uniform((math.log(low_high[0]), math.log(low_high[1]))))

    pixel_nm = uniform(ranges.pixel_size_nm)
    sigma_px = uniform(ranges.psf_sigma_nm) / pixel_nm
    psf: Psf = Gaussian2d(sigma_px=sigma_px)
    if ranges.z_nm[0] < ranges.z_nm[1]:
        psf = Astigmatic(sigma_px=sigma_px, focus_nm=uniform(ranges.focus_nm), depth_nm=uniform(ranges.depth_nm))
    uneven = torch.rand(sequences, generator=generator) < ranges.uneven_background
    blinking = Blinking(
        density_per_px=log_uniform(ranges.density_per_um2) * (pixel_nm / 1000.0) ** 2,
        photons=log_uniform(ranges.photons),
        spread=uniform(ranges.photons_spread),
        on_time_frames=log_uniform(ranges.on_time_frames),
    )
    return Scene(
        pixel_size_nm=pixel_nm,
        psf=psf,
        blinking=blinking,
        background_photons=log_uniform(ranges.background_photons),
        unevenness=uniform((0.0, 0.4)) * uneven,
        camera=_draw_camera(ranges.emccd, sequences=sequences, generator=generator),
        z_nm=ranges.z_nm,
    )


def _draw_camera(emccd: float, *, sequences: int, generator: torch.Generator) -> Camera:
    """sCMOS cameras, and EMCCDs with the probability ``emccd``; all values [B, 1, 1, 1]."""

    def uniform(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(sequences, generator=generator))[:, None, None, None]

    is_em = uniform(0.0, 1.0) < emccd
    return Camera(
        e_per_adu=torch.where(is_em, uniform(5.0, 50.0), uniform(0.2, 1.0)),
        qe=uniform(0.7, 1.0),
        em_gain=torch.where(is_em, uniform(50.0, 300.0), 1.0),
        spurious_e=0.0,
        read_noise_e=torch.where(is_em, uniform(20.0, 100.0), uniform(0.7, 3.0)),
    )


def simulate(scene: Scene, *, frames: int, height: int, width: int, generator: torch.Generator) -> Recording:
    """Draws emitters, renders them on the background and exposes the camera."""
    emitters = sample_emitters(
        blinking=scene.blinking,
        frames=frames,
        height=height,
        width=width,
        margin_px=MARGIN_PX,
        z_range_nm=scene.z_nm,
        generator=generator,
    )
    sequences = len(scene.pixel_size_nm)
    drawn = render(
        psf=scene.psf,
        image=emitters.sequence * frames + emitters.frame,
        sequence=emitters.sequence,
        row_px=emitters.row_px,
        col_px=emitters.col_px,
        z_nm=emitters.z_nm,
        photons=emitters.photons,
        shape=(sequences * frames, height, width),
    ).view(sequences, frames, height, width)
    background = _background(scene, height=height, width=width, generator=generator).expand_as(drawn)
    adu = scene.camera.expose(drawn + background, generator=generator)
    return Recording(
        adu=adu, photons=scene.camera.to_photons(adu), background=background, emitters=emitters, scene=scene
    )


def _background(scene: Scene, *, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Expected background [B, 1, H, W]: constant in time; smooth in space where the scene is uneven."""
    sequences = len(scene.background_photons)
    coarse = torch.randn((sequences, 1, 4, 4), generator=generator)
    smooth = functional.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)
    factor = 1.0 + scene.unevenness[:, None, None, None] * smooth
    return scene.background_photons[:, None, None, None] * factor.clamp(min=0.2)
