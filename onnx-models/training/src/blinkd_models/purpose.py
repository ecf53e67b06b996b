"""What a network was made for, and how its numbers are to be read: everything of a card but the network's shape.

Comes in: settings of a training, or another package's parameter file. Goes out: ``Purpose``. Never: touches a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
