"""What a microscope shows of a perfect picture: few localizations, and a widefield image.

Comes in: a perfect picture. Goes out: counts, widefield and the target the network is asked for. Never: a structure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blinkd_models.anet.structures import SWITCH, Span, Structures, blur, draw, log_uniform

TARGET_FULL = 2.5
"""The target is 1 where the perfect picture is this many filament axes high; crossings of two stay below."""
MARGIN_PX = 40
"""Drawn around a picture and cut off, so that structures, blur and widefield do not end at its border."""
CAMERA_PX = 5
"""Pixels of the picture in one of the camera, about: 20 nm in 108."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Ranges of what goes wrong between structure and table. All in pixels of 20 nm where not said otherwise.

    axis_counts: localizations per pixel on a filament's axis, evenly in the logarithm; in the paper's scan 0.7.
    background: of it, blurred over 10 px (paper: 0.06), and even. unlabelled: largest part of the structure without
    label, in patches of patch_px. clustering: variance of the counts over their mean, less 1, at most (an emitter that
    blinks is found again). error_px: localization error beyond the target's own width. drift_px: left after correction.
    widefield_px: width of the microscope's PSF. widefield_photons: at the brightest place.
    """

    axis_counts: Span = (0.004, 3.0)
    background: float = 0.06
    even_background: float = 0.004
    unlabelled: float = 0.35
    patch_px: Span = (1.5, 12.0)
    clustering: float = 1.5
    error_px: float = 0.8
    drift_px: float = 2.0
    widefield_px: Span = (5.5, 9.5)
    widefield_photons: Span = (100.0, 3000.0)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """counts, widefield (0 to 1), target (0 to 1): [N, 1, H, W]; switch: [N]."""

    counts: Tensor
    widefield: Tensor
    target: Tensor
    switch: Tensor


def make_pairs(
    kinds: tuple[str, ...], *, count: int, side_px: int, structures: Structures, sampling: Sampling,
    generator: torch.Generator,
) -> Pairs:  # fmt: skip
    """Fresh pictures, their kinds in turn at random."""
    made = []
    for _ in range(count):
        pick = int(torch.randint(len(kinds), (), generator=generator, device=generator.device))
        perfect = draw(kinds[pick], side_px=side_px + 2 * MARGIN_PX, ranges=structures, generator=generator)
        counts = sample(perfect, sampling=sampling, generator=generator)
        wide = widefield(perfect, sampling=sampling, generator=generator)
        made.append((crop(counts), crop(wide), target_of(crop(perfect)), float(SWITCH[kinds[pick]])))
    stacked = [torch.stack(part)[:, None] for part in list(zip(*made, strict=True))[:3]]
    switch = torch.tensor([one[3] for one in made], device=generator.device)
    return Pairs(counts=stacked[0], widefield=stacked[1], target=stacked[2], switch=switch)


def crop(picture: Tensor) -> Tensor:
    """Without the margin."""
    return picture[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]


def target_of(perfect: Tensor) -> Tensor:
    """0 to 1."""
    return (perfect / TARGET_FULL).clamp(0.0, 1.0)


def sample(
    perfect: Tensor, *, sampling: Sampling, generator: torch.Generator, axis_counts: float | None = None
) -> Tensor:
    """Localizations counted per pixel [H, W]: Poisson, with everything that goes wrong.

    ``axis_counts`` is drawn where not given.
    """
    strength, error, drift, direction, back, even, holes, cluster = torch.rand(
        8, generator=generator, device=generator.device
    ).tolist()
    level = log_uniform(sampling.axis_counts, generator=generator) if axis_counts is None else axis_counts
    seen = perfect * _labelled(perfect, part=holes * sampling.unlabelled, sampling=sampling, generator=generator)
    seen = _smear(seen, error_px=error * sampling.error_px, drift_px=drift * sampling.drift_px, turn=direction)
    blurred = blur(perfect, sigma_px=10.0)
    mean = level * (seen + back * sampling.background * blurred / 0.3 + even * sampling.even_background / 0.3)
    if cluster * sampling.clustering > 0.05 and strength > 0.3:
        # Negative binomial: a gamma of this shape has variance over mean of 1 + mean / shape.
        shape = torch.clamp(mean / (cluster * sampling.clustering), min=1e-6)
        mean = _gamma(shape, generator=generator) * cluster * sampling.clustering
    return _counted(mean, generator=generator)


def poisson_only(perfect: Tensor, *, localizations: float, generator: torch.Generator) -> Tensor:
    """The paper's test pictures: samples of the perfect picture and nothing else, so many on average."""
    return _counted(perfect * (localizations / perfect.sum().clamp(min=1e-9)), generator=generator)


def widefield(perfect: Tensor, *, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """What the camera sees with all emitters on, brought to the picture's pixels and to 0 to 1: [H, W]."""
    sigma_px = log_uniform(sampling.widefield_px, generator=generator)
    photons = log_uniform(sampling.widefield_photons, generator=generator)
    haze, gain = torch.rand(2, generator=generator, device=generator.device).tolist()
    bright = blur(perfect, sigma_px=sigma_px)
    bright = bright + 0.3 * haze * blur(perfect, sigma_px=4.0 * sigma_px)
    height, width = perfect.shape
    small = functional.avg_pool2d(bright[None, None], CAMERA_PX, ceil_mode=True)
    small = torch.poisson(small * (photons / small.max().clamp(min=1e-9)) + 0.05 * photons, generator=generator)
    large = functional.interpolate(small, size=(height, width), mode="bilinear", align_corners=False)[0, 0]
    scaled = (large - large.min()) / (large.max() - large.min()).clamp(min=1e-9)
    # A window of a field of view does not always hold its brightest place.
    dimmed: Tensor = scaled * (0.4 + 0.6 * gain)
    return dimmed


def _counted(mean: Tensor, *, generator: torch.Generator) -> Tensor:
    """Poisson numbers. What is nearly 0 is 0, which draws no number: whether a processor keeps numbers below 1e-38 or
    not (PyTorch can be told) must not shift all that are drawn after them."""
    return torch.poisson(torch.where(mean > 1e-9, mean, 0.0), generator=generator)


def _labelled(perfect: Tensor, *, part: float, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """1 where there is label; about ``part`` of the plane has none."""
    size_px = log_uniform(sampling.patch_px, generator=generator)
    step = max(1, round(size_px))
    shape = [math.ceil(side / step) + 1 for side in perfect.shape]
    noise = torch.rand(1, 1, *shape, generator=generator, device=perfect.device)
    smooth = functional.interpolate(noise, size=tuple(perfect.shape), mode="bilinear", align_corners=False)[0, 0]
    return ((smooth - part) / 0.1).clamp(0.0, 1.0)


def _smear(picture: Tensor, *, error_px: float, drift_px: float, turn: float) -> Tensor:
    """Blurred by the error and along the drift's line."""
    out = blur(picture, sigma_px=error_px) if error_px > 0.15 else picture
    steps = round(2 * drift_px)
    if steps == 0:
        return out
    total = torch.zeros_like(out)
    for at in range(-steps, steps + 1):
        along = drift_px * at / (2.0 * steps)
        shift = (round(along * math.sin(2 * math.pi * turn)), round(along * math.cos(2 * math.pi * turn)))
        total += torch.roll(out, shifts=shift, dims=(0, 1))
    return total / (2 * steps + 1)


def _gamma(shape: Tensor, *, generator: torch.Generator) -> Tensor:
    """Gamma numbers of unit scale that follow the generator: Wilson-Hilferty's cube, good to some percent."""
    normal = torch.randn(shape.shape, generator=generator, device=shape.device)
    small = shape < 0.5
    raised = torch.where(small, shape + 1.0, shape)
    root = 1.0 - 1.0 / (9.0 * raised) + normal / (3.0 * raised.sqrt())
    value = raised * root.clamp(min=0.0) ** 3
    even = torch.rand(shape.shape, generator=generator, device=shape.device).clamp(min=1e-12)
    return torch.where(small, value * even ** (1.0 / shape), value)
