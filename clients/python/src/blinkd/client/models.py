"""The networks on the daemon's machine. Names and units are those of `models.proto`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """From and to."""

    min: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A bundle: what it was trained for, and whether it runs."""

    name: str
    version: str
    engine: str
    description: str
    licence: str
    window_frames: int
    pixel_size_nm: Range | None
    psf_sigma_nm: Range | None
    photons: Range | None
    background_photons: Range | None
    z_nm: Range | None
    halo_px: int
    grid_px: int
    provider: str
    loaded: bool
    card_toml: str
    """Of `describe` only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheck:
    """The bundle's golden set, run again."""

    name: str
    passed: bool
    max_abs_difference: float
    report: str
