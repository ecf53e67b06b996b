"""Early estimates of accuracy on small fixed simulations: while training, and to compare candidates.

Comes in: a network and the ranges it was trained for. Goes out: ``Score``. Never: replaces ``evaluate``, whose numbers
come from more emitters, all conditions and stand in cards.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blinkd_models.evaluate import match
from blinkd_models.infer import PostProcess, localize, predict
from blinkd_models.network import Decode
from blinkd_models.settings import Settings
from blinkd_models.simulate import Ranges, Recording, draw_scene, simulate
from blinkd_models.target import Scales

SIZE_PX, FRAMES, SEED = 64, 10, 20_000
DENSITY_PER_UM2, PHOTONS, BACKGROUND_PHOTONS, ON_TIME_FRAMES = 1.0, 2000.0, 20.0, 2.0
LOG_UNIFORM = ("photons", "background_photons", "density_per_um2", "on_time_frames")


@dataclass(frozen=True, kw_only=True)
class Score:
    """Jaccard index and r.m.s. errors of the matches; lateral sqrt(mean(dx^2 + dy^2)); axial NaN for 2D."""

    density_per_um2: float
    photons: float
    emitters: int
    ji: float
    lateral_nm: float
    axial_nm: float

    def as_dict(self) -> dict[str, float]:
        """Plain numbers; the emitters' number included."""
        return {name: float(value) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        if math.isnan(self.lateral_nm):
            return f"no localization matches any of {self.emitters} emitters yet"
        axial = "" if math.isnan(self.axial_nm) else f", axial {self.axial_nm:.0f} nm"
        return (
            f"JI {self.ji:.3f}, lateral {self.lateral_nm:.1f} nm{axial} "
            f"({self.emitters} emitters, {self.density_per_um2:g}/um2, {self.photons:g} photons)"
        )


def middle(ranges: Ranges) -> Ranges:
    """The ranges shrunk to their middle (geometric where training draws log-uniformly), but for z: typical optics on
    an even background, on an EMCCD only if most of the training is."""
    values: dict[str, Any] = {}
    for entry in fields(ranges):
        value = getattr(ranges, entry.name)
        if entry.name.endswith("background") and isinstance(value, float):
            values[entry.name] = 0.0
        if entry.name == "z_nm" or not isinstance(value, tuple) or len(value) != 2:
            continue
        low, high = value
        centre = math.sqrt(low * high) if entry.name in LOG_UNIFORM else 0.5 * (low + high)
        values[entry.name] = (centre, centre)
    return replace(ranges, **values, emccd=1.0 if ranges.emccd > 0.5 else 0.0)


def condition(
    ranges: Ranges,
    *,
    density_per_um2: float,
    photons: float,
    background_photons: float = BACKGROUND_PHOTONS,
    on_time_frames: float = ON_TIME_FRAMES,
) -> Ranges:
    """Typical optics with this brightness, each value moved into the training's range if it lies outside."""

    def within(value: float, low_high: tuple[float, float]) -> tuple[float, float]:
        inside = min(max(value, low_high[0]), low_high[1])
        return inside, inside

    return replace(
        middle(ranges),
        density_per_um2=within(density_per_um2, ranges.density_per_um2),
        photons=within(photons, ranges.photons),
        background_photons=within(background_photons, ranges.background_photons),
        on_time_frames=within(on_time_frames, ranges.on_time_frames),
    )


def record(fixed: Ranges, *, emitters: int, run: Path) -> Recording:
    """A simulation of about ``emitters`` visible appearances, always the same on the CPU."""
    area_um2 = (SIZE_PX * fixed.pixel_size_nm[0] / 1000.0) ** 2
    sequences = max(1, math.ceil(emitters / (fixed.density_per_um2[0] * area_um2 * FRAMES)))
    generator = torch.Generator().manual_seed(SEED)
    scene = draw_scene(fixed, sequences=sequences, generator=generator, run=run)
    return simulate(scene, frames=FRAMES, height=SIZE_PX, width=SIZE_PX, generator=generator)


@torch.no_grad()
def score(model: Decode, *, recording: Recording, fixed: Ranges, scales: Scales) -> Score:
    """Matches the network's localizations with the recording's truth. The network stays where it is."""
    device = next(model.parameters()).device
    grid_px = model.architecture.grid_px
    outputs = [predict(model, photons=burst.to(device), scales=scales, grid_px=grid_px) for burst in recording.photons]
    found = localize(torch.cat(outputs).cpu(), scales=scales, post=PostProcess(), height=SIZE_PX, width=SIZE_PX)
    truth = recording.emitters.within(height=SIZE_PX, width=SIZE_PX).visible()
    pixel_nm = fixed.pixel_size_nm[0]
    truth_nm = (torch.stack([truth.col_px, truth.row_px], dim=1) * pixel_nm).double().numpy()
    found_nm = (torch.stack([found.x_px, found.y_px], dim=1) * pixel_nm).double().numpy()
    matches = match(
        truth_frame=(truth.sequence * FRAMES + truth.frame).numpy(),
        truth_nm=truth_nm,
        found_frame=found.frame.numpy(),
        found_nm=found_nm,
    )
    here, there = np.asarray(matches.truth, dtype=np.int64), np.asarray(matches.localization, dtype=np.int64)
    matched = len(here)
    lateral = axial = math.nan
    if matched:
        lateral = math.sqrt(float(((truth_nm[here] - found_nm[there]) ** 2).sum(axis=1).mean()))
        if model.architecture.z:
            axial = math.sqrt(float(((truth.z_nm.numpy()[here] - found.z_nm.numpy()[there]) ** 2).mean()))
    return Score(
        density_per_um2=fixed.density_per_um2[0],
        photons=fixed.photons[0],
        emitters=len(truth),
        ji=matched / max(1, len(truth) + len(found) - matched),
        lateral_nm=lateral,
        axial_nm=axial,
    )


class Validation:
    """Decides when an early estimate is due, and makes it: every ``validate_every_min``, but never more than
    ``validate_share`` of the time."""

    EMITTERS = 600

    def __init__(self, settings: Settings, *, run: Path) -> None:
        self.settings = settings
        self.run = run
        self.fixed = condition(settings.ranges, density_per_um2=DENSITY_PER_UM2, photons=PHOTONS)
        self.recording: Recording | None = None
        self.next_s = 60.0 * settings.validate_every_min

    def due(self, *, elapsed_s: float) -> bool:
        """Whether the next estimate's time has come; never if ``validate_every_min`` is 0."""
        return self.settings.validate_every_min > 0.0 and elapsed_s >= self.next_s

    def score(self, model: Decode) -> Score:
        """The estimate; always on the same recording."""
        if self.recording is None:
            self.recording = record(self.fixed, emitters=self.EMITTERS, run=self.run)
        return score(model, recording=self.recording, fixed=self.fixed, scales=self.settings.scales)

    def done(self, *, elapsed_s: float, cost_s: float) -> None:
        """Plans the next one."""
        rest = cost_s / max(self.settings.validate_share, 1e-6)
        self.next_s = elapsed_s + max(60.0 * self.settings.validate_every_min, rest)
