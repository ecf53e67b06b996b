"""Golden files of a bundle: frames in, raw output and localizations out, by the PyTorch reference.

Comes in: a network. Goes out: ``golden/`` and its entry in the card.
Never: is written without being asked.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blinkd_models import card
from blinkd_models.camera import Camera
from blinkd_models.evaluate import Condition
from blinkd_models.infer import PostProcess, localize, predict, write_csv
from blinkd_models.network import Decode
from blinkd_models.simulate import simulate
from blinkd_models.target import Scales

FRAMES = 6
CASES = {"": (64, 72), "odd_": (61, 75)}
"""File name prefix and frame size; the second does not fit the grid and is padded."""

CONDITION = Condition(density_per_um2=0.6, photons=3000.0, background_photons=20.0)


def write(model: Decode, *, bundle: Path, scales: Scales, post: PostProcess, seed: int = 7) -> dict[str, Any]:
    """Writes the files and returns the card's ``golden`` table."""
    folder = bundle / "golden"
    folder.mkdir(parents=True, exist_ok=True)
    sums: dict[str, str] = {}
    for prefix, (height, width) in CASES.items():
        generator = torch.Generator().manual_seed(seed + height)
        recording = simulate(CONDITION.scene(1), frames=FRAMES, height=height, width=width, generator=generator)
        adu = recording.adu[0]
        output = predict(model, photons=CONDITION.camera.to_photons(adu), scales=scales, grid_px=card.GRID_PX)
        found = localize(output, scales=scales, post=post, height=height, width=width)
        names = [f"{prefix}frames.npy", f"{prefix}output.npy", f"{prefix}localizations.csv"]
        np.save(folder / names[0], adu.numpy().astype(np.uint16))
        np.save(folder / names[1], output.numpy())
        write_csv(found, path=folder / names[2])
        sums |= {name: card.sha256(folder / name) for name in names}
    return {"camera": camera_table(CONDITION.camera), "sha256": sums}


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
