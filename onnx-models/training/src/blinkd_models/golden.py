"""Golden files of a bundle: frames in, raw output and localizations out, by the maker's reference.

Comes in: a network's outputs on frames that are drawn here. Goes out: ``golden/`` and its entry in the card.
Never: is written without being asked; frames of another PSF than the bundle's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blinkd_models import card
from blinkd_models.camera import Camera
from blinkd_models.infer import localize, write_csv
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Range, Ranges, Scene, draw_scene, simulate

FRAMES = 6
CASES = {"": (64, 72), "odd_": (61, 75)}
"""File name prefix and frame size; the second does not fit the grid and is padded."""

DENSITY_PER_UM2 = 0.6


def write(
    *, predict: Callable[[Tensor], Tensor], bundle: Path, purpose: Purpose,
    cases: dict[str, tuple[int, int]] = CASES, seed: int = 7,
) -> dict[str, Any]:  # fmt: skip
    """Writes the files and returns the card's ``golden`` table.

    ``predict``: photons [T, H, W] to raw output [T, 10, h, w], padded to the grid.
    """
    folder = bundle / "golden"
    folder.mkdir(parents=True, exist_ok=True)
    sums: dict[str, str] = {}
    for prefix, (height, width) in cases.items():
        generator = torch.Generator().manual_seed(seed + height)
        drawn = scene(purpose.ranges, camera=purpose.camera, generator=generator)
        adu = simulate(drawn, frames=FRAMES, height=height, width=width, generator=generator).adu[0]
        output = predict(purpose.camera.to_photons(adu))
        found = localize(output, scales=purpose.scales, post=purpose.post, height=height, width=width)
        names = [f"{prefix}frames.npy", f"{prefix}output.npy", f"{prefix}localizations.csv"]
        np.save(folder / names[0], adu.numpy().astype(np.uint16))
        np.save(folder / names[1], output.numpy())
        write_csv(found, path=folder / names[2])
        sums |= {name: card.sha256(folder / name) for name in names}
    return {"camera": camera_table(purpose.camera), "sha256": sums}


def scene(ranges: Ranges, *, camera: Camera, generator: torch.Generator) -> Scene:
    """One sequence of the middle of the ranges, with the PSF of the bundle; z is drawn from its whole range."""
    narrow = replace(
        ranges,
        pixel_size_nm=_middle(ranges.pixel_size_nm),
        psf_sigma_nm=_geometric(ranges.psf_sigma_nm),
        photons=_geometric(ranges.photons),
        background_photons=_geometric(ranges.background_photons),
        density_per_um2=(min(DENSITY_PER_UM2, ranges.density_per_um2[1]),) * 2,
        on_time_frames=(2.0, 2.0),
        uneven_background=0.0,
    )
    return replace(draw_scene(narrow, sequences=1, generator=generator), camera=camera)


def _middle(span: Range) -> Range:
    return ((span[0] + span[1]) / 2.0,) * 2


def _geometric(span: Range) -> Range:
    return (math.sqrt(max(span[0], 1e-3 * span[1]) * span[1]),) * 2


def camera_table(camera: Camera) -> dict[str, float]:
    """What is needed to turn counts into photons, in the card's words."""
    values = asdict(camera)
    names = {
        "offset_adu": "offset_adu",
        "e_per_adu": "e_per_adu",
        "qe": "qe",
        "em_gain": "em_gain",
        "spurious_e": "spurious",
    }
    return {short: float(values[name]) for name, short in names.items()}
