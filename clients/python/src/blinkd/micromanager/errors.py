"""What can be wrong with a request to a microscope, each with its remedy."""

from __future__ import annotations


class MicroscopeError(Exception):
    """The microscope cannot do what was asked; the message names what is missing and what to do."""


def require_one_camera(channels: int) -> None:
    """Scans and live bursts drive one camera."""
    if channels > 1:
        raise MicroscopeError(
            f"the camera device has {channels} channels: choose one of its cameras (core.setCameraDevice), or run an "
            "MDA with Publisher attached, which makes a series for each"
        )


def require_stage(label: str) -> None:
    """Scans move an XY stage."""
    if not label:
        raise MicroscopeError("no XY stage: load one in the configuration and make it the default (Core-XYStage)")
