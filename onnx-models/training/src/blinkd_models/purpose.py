"""What a network was made for, and how its numbers are to be read: everything of a card but the network's shape.

Comes in: settings of a training, or another package's parameter file. Goes out: ``Purpose``. Never: writes a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blinkd_models.camera import Camera
from blinkd_models.infer import PostProcess
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """``psf``: the card's table of that name. ``camera``: the one of the golden frames. ``recipe``: the settings of the
    training as TOML, if there was one."""

    description: str
    scales: Scales
    ranges: Ranges
    psf: dict[str, Any]
    training: dict[str, Any]
    version: str = "1"
    licence: str = "MIT OR Apache-2.0"
    recipe: str = ""
    post: PostProcess = field(default_factory=PostProcess)
    camera: Camera = field(default_factory=Camera)


def psf_table(ranges: Ranges) -> dict[str, Any]:
    """The simulated PSF, in the card's words; a measured one by its file's name and SHA-256."""
    if ranges.psf_file is not None:
        file = Path(ranges.psf_file)
        return {
            "kind": ranges.psf_kind(),
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
    if ranges.psf_kind() != "astigmatic":
        return {"kind": ranges.psf_kind()}
    return {
        "kind": "astigmatic",
        "sigma_nm": list(ranges.psf_sigma_nm),
        "focus_nm": list(ranges.focus_nm),
        "depth_nm": list(ranges.depth_nm),
    }
