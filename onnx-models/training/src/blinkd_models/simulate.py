"""Draws recordings: scenes of random optics, brightness and camera in, ADU sequences with their truth out.

Comes in: ranges, or a fixed scene. Goes out: ``Recording``.
Never: trains, or looks at a network.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from blinkd_models.background import Clouds, expected_background
from blinkd_models.camera import Camera, PixelSpread
from blinkd_models.emitters import Blinking, Emitters, sample_emitters
from blinkd_models.psf import Astigmatic, CubicSpline, Gaussian2d, Psf, read_3dcal, render

Range = tuple[float, float]
MARGIN_PX = 4.0
"""Emitters this far outside the image still shine into it."""

PSFS = ("gaussian", "astigmatic", "spline")


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """What training draws from, one value per sequence; photons, background, density and on-time log-uniform.

    ``z_nm``: emitters lie between, uniformly. ``psf``: one of :data:`PSFS`; left out, a range of z of no width means
    a round PSF, any other an astigmatic one. ``psf_sigma_nm`` is for both, ``focus_nm`` and ``depth_nm`` for the
    latter (:class:`blinkd_models.psf.Astigmatic`); ``psf_file``, a ``_3dcal.mat`` relative to the run's folder, is
    for the spline. ``uneven_background``, ``cloudy_background``, ``emccd`` and ``scmos_maps`` are the shares of
    sequences with a smoothly varying background (standard deviation up to 0.4 of the mean), with one of Perlin noise
    (within ``cloud_amplitude`` of the mean, coarsest cell ``cloud_cell_px``), with an EMCCD, and with an sCMOS whose
    pixels differ; the rest has an even background, and pixels all alike.
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
    psf: str | None = None
    psf_file: str | None = None
    cloudy_background: float = 0.0
    cloud_amplitude: Range = (0.1, 0.6)
    cloud_cell_px: Range = (12.0, 60.0)
    scmos_maps: float = 0.0

    def psf_kind(self) -> str:
        """The PSF by name; refuses what does not fit together."""
        kind = self.psf or ("astigmatic" if self.z_nm[0] < self.z_nm[1] else "gaussian")
        if kind not in PSFS:
            raise ValueError(f"ranges.psf = {kind!r}: choose one of {', '.join(PSFS)}")
        if (kind == "spline") != (self.psf_file is not None):
            raise ValueError("ranges.psf = 'spline' and ranges.psf_file (a _3dcal.mat) go together: give both or none")
        if self.uneven_background + self.cloudy_background > 1.0:
            raise ValueError("ranges.uneven_background and ranges.cloudy_background are shares and sum to more than 1")
        return kind


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The physics of B sequences: pixel size [B], PSF, blinking, mean background [B] and its unevenness [B], camera.

    ``clouds`` and ``pixel_spread``: Perlin noise in the background, and how pixels differ; their maps are drawn with
    each recording.
    """

    pixel_size_nm: Tensor
    psf: Psf
    blinking: Blinking
    background_photons: Tensor
    unevenness: Tensor
    camera: Camera
    z_nm: Range
    clouds: Clouds | None = None
    pixel_spread: PixelSpread | None = None


@dataclass(frozen=True, kw_only=True)
class Recording:
    """adu, photons, background: [B, T, H, W] (counts, photons, expected photons); emitters: the truth; scene: with
    the camera's maps as they were drawn."""

    adu: Tensor
    photons: Tensor
    background: Tensor
    emitters: Emitters
    scene: Scene


Draw = Callable[[Range], Tensor]
"""Uniform numbers [B] in a range."""


def draw_scene(ranges: Ranges, *, sequences: int, generator: torch.Generator, run: Path = Path()) -> Scene:
    """A random scene of ``sequences`` sequences on the generator's device; ``run``: where ``psf_file`` lies."""

    def uniform(low_high: Range) -> Tensor:
        drawn = torch.rand(sequences, generator=generator, device=generator.device)
        return low_high[0] + (low_high[1] - low_high[0]) * drawn

    def log_uniform(low_high: Range) -> Tensor:
        return torch.exp(uniform((math.log(low_high[0]), math.log(low_high[1]))))

    pixel_nm = uniform(ranges.pixel_size_nm)
    psf = _draw_psf(ranges, pixel_nm=pixel_nm, uniform=uniform, device=generator.device, run=run)
    kind = uniform((0.0, 1.0))
    uneven = kind < ranges.uneven_background
    cloudy = ~uneven & (kind < ranges.uneven_background + ranges.cloudy_background)
    blinking = Blinking(
        density_per_px=log_uniform(ranges.density_per_um2) * (pixel_nm / 1000.0) ** 2,
        photons=log_uniform(ranges.photons),
        spread=uniform(ranges.photons_spread),
        on_time_frames=log_uniform(ranges.on_time_frames),
    )
    clouds = Clouds(amplitude=uniform(ranges.cloud_amplitude) * cloudy, cell_px=uniform(ranges.cloud_cell_px))
    camera, spread = _draw_camera(ranges, uniform=uniform)
    return Scene(
        pixel_size_nm=pixel_nm,
        psf=psf,
        blinking=blinking,
        background_photons=log_uniform(ranges.background_photons),
        unevenness=uniform((0.0, 0.4)) * uneven,
        camera=camera,
        z_nm=ranges.z_nm,
        clouds=clouds if ranges.cloudy_background > 0.0 else None,
        pixel_spread=spread if ranges.scmos_maps > 0.0 else None,
    )


def _draw_psf(ranges: Ranges, *, pixel_nm: Tensor, uniform: Draw, device: torch.device, run: Path) -> Psf:
    kind = ranges.psf_kind()
    if kind == "spline":
        path = run / str(ranges.psf_file)
        spline = _read_spline(path, path.stat().st_mtime_ns if path.exists() else 0, device)
        low, high = spline.z_range_nm
        if not low <= ranges.z_nm[0] <= ranges.z_nm[1] <= high:
            raise ValueError(f"{path} covers z from {low:g} to {high:g} nm; ranges.z_nm = {ranges.z_nm} leaves it")
        return spline
    waists = None if kind == "gaussian" else (ranges.focus_nm, ranges.depth_nm)
    return draw_gaussian(uniform, pixel_nm=pixel_nm, sigma_nm=ranges.psf_sigma_nm, waists_nm=waists)


def draw_gaussian(
    uniform: Draw, *, pixel_nm: Tensor, sigma_nm: Range, waists_nm: tuple[Range, Range] | None = None
) -> Gaussian2d | Astigmatic:
    """A Gaussian for every sequence; ``waists_nm``: focus and depth of an astigmatic one, a round one has none."""
    sigma_px = uniform(sigma_nm) / pixel_nm
    if waists_nm is None:
        return Gaussian2d(sigma_px=sigma_px)
    focus_nm, depth_nm = waists_nm
    return Astigmatic(sigma_px=sigma_px, focus_nm=uniform(focus_nm), depth_nm=uniform(depth_nm))


@lru_cache(maxsize=8)
def _read_spline(path: Path, modified_ns: int, device: torch.device) -> CubicSpline:
    """Read once, although each step of a training draws a scene. The image of an emitter must not jump at the edge of
    the volume, so it fades."""
    del modified_ns
    return read_3dcal(path).faded().to(device)


def _draw_camera(ranges: Ranges, *, uniform: Draw) -> tuple[Camera, PixelSpread]:
    """sCMOS cameras, some with pixels that differ, and EMCCDs; the camera's values [B, 1, 1, 1]."""
    kind = uniform((0.0, 1.0))
    is_em, differs = kind < ranges.emccd, kind >= 1.0 - ranges.scmos_maps * (1.0 - ranges.emccd)

    def either(em: Tensor, scmos: Tensor | float) -> Tensor:
        return torch.where(is_em, em, scmos)[:, None, None, None]

    camera = Camera(
        e_per_adu=either(uniform((5.0, 50.0)), uniform((0.2, 1.0))),
        qe=uniform((0.7, 1.0))[:, None, None, None],
        em_gain=either(uniform((50.0, 300.0)), 1.0),
        spurious_e=0.0,
        read_noise_e=either(uniform((20.0, 100.0)), uniform((0.7, 3.0))),
    )
    spread = PixelSpread(
        offset_sd_adu=uniform((0.5, 3.0)) * differs,
        gain_sd=uniform((0.005, 0.03)) * differs,
        read_noise_log_sd=uniform((0.1, 0.4)) * differs,
    )
    return camera, spread


def simulate(scene: Scene, *, frames: int, height: int, width: int, generator: torch.Generator) -> Recording:
    """Draws emitters, renders them on the background and exposes the camera, all on the generator's device."""
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
        emitter=emitters.emitter,
    ).view(sequences, frames, height, width)
    background = expected_background(
        photons=scene.background_photons,
        smooth=scene.unevenness,
        clouds=scene.clouds,
        height=height,
        width=width,
        generator=generator,
    ).expand_as(drawn)
    if scene.pixel_spread is not None:
        camera = scene.pixel_spread.applied(scene.camera, shape=(sequences, height, width), generator=generator)
        scene = replace(scene, camera=camera, pixel_spread=None)
    # A measured PSF rings a little below zero; no light is negative.
    adu = scene.camera.expose((drawn + background).clamp(min=0.0), generator=generator)
    return Recording(
        adu=adu, photons=scene.camera.to_photons(adu), background=background, emitters=emitters, scene=scene
    )
