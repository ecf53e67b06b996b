"""Judges localizations against the truth: optimal matching, Jaccard index, errors, Cramér-Rao bound.

Comes in: a network or localizations, and the truth. Goes out: ``Metrics``.
Never: changes a network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.emitters import Blinking, Emitters
from blinkd_models.infer import Localizations, PostProcess, localize, predict
from blinkd_models.network import Decode
from blinkd_models.psf import Gaussian2d
from blinkd_models.simulate import Recording, Scene, simulate
from blinkd_models.target import Scales

GATE_NM = 250.0
EFFICIENCY_PER_NM = 1.0
WHOLE_FRAME = 0.999
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A simulated test: the optics and camera are fixed, the emitters blink."""

    density_per_um2: float = 1.0
    photons: float = 2000.0
    background_photons: float = 20.0
    pixel_size_nm: float = 110.0
    psf_sigma_nm: float = 135.0
    on_time_frames: float = 2.0
    spread: float = 0.1
    size_px: int = 64
    frames: int = 10
    camera: Camera = field(default_factory=Camera)

    def scene(self, sequences: int) -> Scene:
        """The scene, ``sequences`` times."""

        def same(value: float) -> Tensor:
            return torch.full((sequences,), value)

        return Scene(
            pixel_size_nm=same(self.pixel_size_nm),
            psf=Gaussian2d(sigma_px=same(self.psf_sigma_nm / self.pixel_size_nm)),
            blinking=Blinking(
                density_per_px=same(self.density_per_um2 * (self.pixel_size_nm / 1000.0) ** 2),
                photons=same(self.photons),
                spread=same(self.spread),
                on_time_frames=same(self.on_time_frames),
            ),
            background_photons=same(self.background_photons),
            unevenness=same(0.0),
            camera=self.camera,
            z_nm=(0.0, 0.0),
        )


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Counts, and for each true positive the index into truth and localizations, and its error [M] in nm^2."""

    truths: int
    localizations: int
    truth: Array
    localization: Array
    squared_nm2: Array

    @property
    def jaccard(self) -> float:
        matched = len(self.truth)
        return matched / max(1, self.truths + self.localizations - matched)

    @property
    def precision(self) -> float:
        return len(self.truth) / max(1, self.localizations)

    @property
    def recall(self) -> float:
        return len(self.truth) / max(1, self.truths)

    @property
    def rmse_nm(self) -> float:
        """Lateral: root of the mean of dx^2 + dy^2."""
        return math.sqrt(float(self.squared_nm2.mean())) if len(self.truth) else math.nan

    @property
    def efficiency(self) -> float:
        """1 - sqrt((1 - JI)^2 + (alpha * rmse / 100)^2), alpha = 1 / nm."""
        return 1.0 - math.hypot(1.0 - self.jaccard, EFFICIENCY_PER_NM * self.rmse_nm / 100.0)


def match(
    *, truth_frame: Array, truth_nm: Array, found_frame: Array, found_nm: Array, gate_nm: float = GATE_NM
) -> Matches:
    """Optimal one-to-one assignment within each frame; positions [_, 2] in nm, pairs beyond the gate do not count."""
    truth_ix: list[Array] = []
    found_ix: list[Array] = []
    errors: list[Array] = []
    for frame in np.intersect1d(truth_frame, found_frame):
        here, there = np.flatnonzero(truth_frame == frame), np.flatnonzero(found_frame == frame)
        distance = cdist(truth_nm[here], found_nm[there])
        # A pair beyond the gate costs as much as leaving both alone, so that the number of matches is maximal.
        cost = np.where(distance <= gate_nm, distance, 1e6)
        rows, cols = linear_sum_assignment(cost)
        good = distance[rows, cols] <= gate_nm
        truth_ix.append(here[rows[good]])
        found_ix.append(there[cols[good]])
        errors.append(distance[rows[good], cols[good]] ** 2)
    empty = np.zeros(0)
    return Matches(
        truths=len(truth_frame),
        localizations=len(found_frame),
        truth=np.concatenate(truth_ix) if truth_ix else empty.astype(np.int64),
        localization=np.concatenate(found_ix) if found_ix else empty.astype(np.int64),
        squared_nm2=np.concatenate(errors) if errors else empty,
    )


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """One line of a card. ``rmse_over_crlb``: emitters that shine for a whole frame, against the root mean
    square of their own bounds; neighbouring frames can push it below 1. ``crlb_lateral_nm``: of one isolated
    emitter with the condition's photons."""

    density_per_um2: float
    photons: float
    background_photons: float
    ji: float
    precision: float
    recall: float
    rmse_lateral_nm: float
    crlb_lateral_nm: float
    rmse_over_crlb: float
    efficiency: float

    def as_dict(self) -> dict[str, float]:
        """Rounded to what the statistics carry."""
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}


def evaluate(
    model: Decode,
    *,
    condition: Condition,
    scales: Scales,
    post: PostProcess,
    grid_px: int,
    appearances: int = 4000,
    seed: int = 1,
) -> Metrics:
    """Metrics on fresh simulations of about ``appearances`` visible emitters."""
    field_um2 = (condition.size_px * condition.pixel_size_nm / 1000.0) ** 2
    per_sequence = condition.density_per_um2 * field_um2 * condition.frames
    sequences = max(2, math.ceil(appearances / per_sequence))
    generator = torch.Generator().manual_seed(seed)
    recording = simulate(
        condition.scene(sequences),
        frames=condition.frames,
        height=condition.size_px,
        width=condition.size_px,
        generator=generator,
    )
    truth = recording.emitters.within(height=condition.size_px, width=condition.size_px).visible()
    found = _localize_all(model, recording=recording, scales=scales, post=post, grid_px=grid_px)
    matches = match(
        truth_frame=(truth.sequence * condition.frames + truth.frame).numpy(),
        truth_nm=torch.stack([truth.col_px, truth.row_px], dim=1).numpy() * condition.pixel_size_nm,
        found_frame=found.frame.numpy(),
        found_nm=torch.stack([found.x_px, found.y_px], dim=1).numpy() * condition.pixel_size_nm,
    )
    return Metrics(
        density_per_um2=condition.density_per_um2,
        photons=condition.photons,
        background_photons=condition.background_photons,
        ji=matches.jaccard,
        precision=matches.precision,
        recall=matches.recall,
        rmse_lateral_nm=matches.rmse_nm,
        crlb_lateral_nm=nominal_crlb_nm(condition),
        rmse_over_crlb=_over_crlb(matches, truth=truth, condition=condition),
        efficiency=matches.efficiency,
    )


def nominal_crlb_nm(condition: Condition) -> float:
    """sqrt(var_x + var_y) of an isolated emitter of the condition's photons, averaged over positions in the pixel."""
    side = torch.linspace(-0.45, 0.45, 10)
    row, col = torch.meshgrid(side, side, indexing="ij")
    same = torch.ones(row.numel())
    variance = crlb_variance(
        psf=condition.scene(1).psf,
        sequence=torch.zeros(row.numel(), dtype=torch.long),
        row_px=row.flatten(),
        col_px=col.flatten(),
        z_nm=same * 0.0,
        photons=same * condition.photons,
        background=same * condition.background_photons,
        camera=condition.camera,
        z=False,
    )
    return condition.pixel_size_nm * math.sqrt(float((variance[:, 0] + variance[:, 1]).mean()))


def grid(
    densities: Iterable[float] = (0.2, 1.0, 2.0, 3.0, 5.0),
    photons: Iterable[float] = (500.0, 1000.0, 2000.0, 5000.0, 10000.0),
) -> list[Condition]:
    """The conditions of a card, at background 20."""
    bright = list(photons)
    return [Condition(density_per_um2=density, photons=flux) for density in densities for flux in bright]


def _localize_all(
    model: Decode, *, recording: Recording, scales: Scales, post: PostProcess, grid_px: int
) -> Localizations:
    """Localizations of all sequences; frames are numbered through."""
    height, width = recording.photons.shape[-2:]
    outputs = [predict(model, photons=burst, scales=scales, grid_px=grid_px) for burst in recording.photons]
    return localize(torch.cat(outputs), scales=scales, post=post, height=height, width=width)


def _over_crlb(matches: Matches, *, truth: Emitters, condition: Condition) -> float:
    """RMS error over RMS bound of the matched emitters that shine for the whole frame."""
    index = torch.as_tensor(matches.truth, dtype=torch.long)
    whole = truth.share[index] > WHOLE_FRAME
    if not bool(whole.any()):
        return math.nan
    matched = truth.where(index[whole])
    variance = crlb_variance(
        psf=condition.scene(1).psf,
        sequence=torch.zeros(len(matched), dtype=torch.long),
        row_px=matched.row_px,
        col_px=matched.col_px,
        z_nm=matched.z_nm,
        photons=matched.photons,
        background=torch.full((len(matched),), condition.background_photons),
        camera=condition.camera,
        z=False,
    )
    bound_nm2 = float((variance[:, 0] + variance[:, 1]).mean()) * condition.pixel_size_nm**2
    return math.sqrt(float(matches.squared_nm2[whole.numpy()].mean()) / bound_nm2)
