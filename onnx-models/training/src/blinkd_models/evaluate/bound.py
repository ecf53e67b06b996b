"""What the Cramér-Rao bound allows emitters whose truth is known.

Comes in: optics, background and camera, and true emitters in nm. Goes out: variances in nm^2.
Never: looks at neighbours, or at localizations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from blinkd_models.camera import Camera
from blinkd_models.crlb import Doubt, crlb_variance
from blinkd_models.evaluate.match import Array, Index
from blinkd_models.psf import Astigmatic, Gaussian2d, Psf

REGION_RADIUS_PX = 10
"""The bound is that of a fit in a square of 21 x 21 pixels around the emitter's own pixel."""

IDEAL_CAMERA = Camera(offset_adu=0.0, e_per_adu=1.0, qe=1.0, read_noise_e=0.0)
"""Counts photons; only Poisson noise."""


@dataclass(frozen=True, kw_only=True)
class Optics:
    """A PSF on square pixels, with a background and a camera; ``doubts``: what is not known exactly of the PSF."""

    psf: Psf
    pixel_size_nm: float
    background_photons: float
    camera: Camera = field(default_factory=lambda: IDEAL_CAMERA)
    doubts: Sequence[Doubt] = ()


def bound_nm2(
    *, optics: Optics, positions_nm: Array, photons: Array, volume: bool, sequence: Index | None = None
) -> Array:
    """Variances [N, 3] of x, y and z in nm^2 for emitters at [N, 3] nm from the corner; z is NaN without ``volume``.

    ``sequence`` [N]: which of the PSF's sequences each emitter is in; left out, the first.
    """
    size = optics.pixel_size_nm
    count = len(photons)
    column, row, depth = (torch.from_numpy(np.ascontiguousarray(axis)) for axis in positions_nm.T)
    variance = crlb_variance(
        psf=optics.psf,
        sequence=torch.zeros(count, dtype=torch.long) if sequence is None else torch.from_numpy(sequence),
        row_px=row / size - 0.5,
        col_px=column / size - 0.5,
        z_nm=depth,
        photons=torch.from_numpy(photons),
        background=torch.full((count,), optics.background_photons),
        camera=optics.camera,
        z=volume,
        doubts=optics.doubts,
    ).numpy()
    bounds: Array = np.column_stack([variance[:, 1] * size**2, variance[:, 0] * size**2, variance[:, 2]])
    return bounds


def parse_psf(text: str, *, pixel_size_nm: float) -> Psf:
    """``gaussian,sigma_nm=125`` or ``astigmatic,sigma_nm=125,focus_nm=200,depth_nm=400``."""
    kind, *parts = text.split(",")
    fields = {"gaussian": ("sigma_nm",), "astigmatic": ("sigma_nm", "focus_nm", "depth_nm")}.get(kind)
    if fields is None:
        raise ValueError(f"--psf {text}: {kind!r} is no kind; give gaussian,sigma_nm=… or astigmatic,sigma_nm=…,…")
    values = parse_values(parts, option=f"--psf {text}")
    if set(values) != set(fields):
        raise ValueError(f"--psf {text}: needs {', '.join(fields)} and nothing else")

    def one(value: float) -> torch.Tensor:
        return torch.tensor([value], dtype=torch.float64)

    sigma_px = one(values["sigma_nm"] / pixel_size_nm)
    if kind == "gaussian":
        return Gaussian2d(sigma_px=sigma_px, radius_px=REGION_RADIUS_PX)
    return Astigmatic(
        sigma_px=sigma_px,
        focus_nm=one(values["focus_nm"]),
        depth_nm=one(values["depth_nm"]),
        radius_px=REGION_RADIUS_PX,
    )


def parse_values(parts: list[str], *, option: str) -> dict[str, float]:
    """``name=number`` each; ``option`` is what to name when one is not."""
    values = {}
    for part in parts:
        name, _, number = part.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError:
            raise ValueError(f"{option}: {part!r} is not name=number") from None
    return values
