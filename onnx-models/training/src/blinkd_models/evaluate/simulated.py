"""Judges a network on simulations of one condition, as DECODE's Figure 2 does.

Comes in: a network and a condition. Goes out: ``Trial`` (tables and pairs), and ``Metrics``: one line of a card.
Never: changes a network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import torch

from blinkd_models.emitters import Emitters
from blinkd_models.evaluate.bound import bound_nm2
from blinkd_models.evaluate.comparison import match_tables
from blinkd_models.evaluate.condition import Condition, nominal_variance_nm2
from blinkd_models.evaluate.match import Array, Matches
from blinkd_models.evaluate.runner import Runner, of_model, table
from blinkd_models.evaluate.scores import Scores, score
from blinkd_models.evaluate.table import Table, joined
from blinkd_models.infer import PostProcess
from blinkd_models.network import Decode
from blinkd_models.simulate import Recording, simulate
from blinkd_models.target import Scales

WHOLE_FRAME = 0.999
"""An emitter that shines for so much of a frame shines for the whole frame."""
SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """One line of a card; lengths in nm. The axial values are None, and not written, in 2D.

    rmse_over_crlb, axial_over_crlb: emitters that shine for a whole frame, against the root mean of their own bounds;
    neighbouring frames can push it below 1. crlb_lateral_nm, crlb_axial_nm: of one isolated emitter with the
    condition's photons, averaged over the place in the pixel and over z.
    """

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
    rmse_axial_nm: float | None = None
    rmse_volume_nm: float | None = None
    crlb_axial_nm: float | None = None
    axial_over_crlb: float | None = None

    def as_dict(self) -> dict[str, float]:
        """Rounded to what the statistics carry."""
        known = ((name, value) for name, value in asdict(self).items() if value is not None)
        return {name: float(f"{value:.{SIGNIFICANT_DIGITS}g}") for name, value in known}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a network found in a recording of a condition. ``share`` [N]: part of the frame a true emitter shines."""

    condition: Condition
    truth: Table
    found: Table
    share: Array

    @cached_property
    def matches(self) -> Matches:
        """Pairs within the gate."""
        return match_tables(truth=self.truth, found=self.found, volume=self.condition.volume)

    @cached_property
    def scores(self) -> Scores:
        """Counts, errors, efficiency."""
        return score(self.matches, volume=self.condition.volume)

    def over_crlb(self) -> tuple[float, float]:
        """Error over bound, lateral and axial, of the found emitters that shine for a whole frame."""
        whole = self.share[self.matches.truth] > WHOLE_FRAME
        if not whole.any():
            return math.nan, math.nan
        chosen = self.matches.truth[whole]
        assert self.truth.photons is not None
        variance = bound_nm2(
            optics=self.condition.optics(),
            positions_nm=self.truth.positions_nm[chosen],
            photons=self.truth.photons[chosen],
            volume=self.condition.volume,
        ).mean(axis=0)
        squares = (self.matches.error_nm[whole] ** 2).mean(axis=0)
        lateral = math.sqrt((squares[0] + squares[1]) / (variance[0] + variance[1]))
        return lateral, math.sqrt(squares[2] / variance[2])

    def metrics(self) -> Metrics:
        """The card's line; where nothing was found the errors are NaN."""
        volume, scores = self.condition.volume, self.scores
        lateral, axial = self.over_crlb()
        bound = nominal_variance_nm2(self.condition)
        return Metrics(
            density_per_um2=self.condition.density_per_um2,
            photons=self.condition.photons,
            background_photons=self.condition.background_photons,
            ji=scores.jaccard or 0.0,
            precision=scores.precision or 0.0,
            recall=scores.recall or 0.0,
            rmse_lateral_nm=_known(scores.rmse_lateral_nm),
            crlb_lateral_nm=math.sqrt(bound[0] + bound[1]),
            rmse_over_crlb=lateral,
            efficiency=_known(scores.efficiency),
            rmse_axial_nm=_known(scores.rmse_axial_nm) if volume else None,
            rmse_volume_nm=_known(scores.rmse_volume_nm) if volume else None,
            crlb_axial_nm=math.sqrt(bound[2]) if volume else None,
            axial_over_crlb=axial if volume else None,
        )


def evaluate(
    model: Decode, *, condition: Condition, scales: Scales, post: PostProcess, grid_px: int, appearances: int = 4000,
    seed: int = 1,
) -> Metrics:  # fmt: skip
    """Metrics on fresh simulations of about ``appearances`` visible emitters."""
    runner = of_model(model, scales=scales, post=post, grid_px=grid_px)
    return judge(runner, record(condition, appearances=appearances, seed=seed), condition=condition).metrics()


def record(condition: Condition, *, appearances: int, seed: int) -> Recording:
    """A fresh recording with about so many visible emitters (each counts in every frame in which it is seen)."""
    per_sequence = condition.density_per_um2 * condition.field_um2 * condition.frames
    sequences = max(2, math.ceil(appearances / per_sequence))
    generator = torch.Generator().manual_seed(seed)
    side = condition.size_px
    return simulate(condition.scene(sequences), frames=condition.frames, height=side, width=side, generator=generator)


def judge(runner: Runner, recording: Recording, *, condition: Condition, alone: bool = False) -> Trial:
    """What the network finds; with ``alone`` each frame is its own neighbour, so that there is no context."""
    found = table(runner.localize(recording.photons, alone=alone), pixel_size_nm=condition.pixel_size_nm)
    return trial(recording, found, condition=condition)


def trial(recording: Recording, found: Table, *, condition: Condition) -> Trial:
    """Localizations beside the visible emitters of their recording."""
    side, size = condition.size_px, condition.pixel_size_nm
    true = recording.emitters.within(height=side, width=side).visible()
    return Trial(
        condition=condition,
        truth=truth_table(true, frames=condition.frames, background=recording.background, pixel_size_nm=size),
        found=found,
        share=true.share.numpy().astype(np.float64),
    )


def pooled(trials: Sequence[Trial]) -> Trial:
    """All trials as one, of the first one's condition: for what does not depend on density and brightness."""
    firsts, frames = [], 0
    for trial in trials:
        firsts.append(frames)
        frames += 1 + int(max(side.frame.max(initial=0) for side in (trial.truth, trial.found)))
    return Trial(
        condition=trials[0].condition,
        truth=joined([trial.truth for trial in trials], first_frames=firsts),
        found=joined([trial.found for trial in trials], first_frames=firsts),
        share=np.concatenate([trial.share for trial in trials]),
    )


def truth_table(true: Emitters, *, frames: int, background: torch.Tensor, pixel_size_nm: float) -> Table:
    """Emitters in nm from the corner; frames numbered through all sequences; the background of the emitter's pixel."""
    x, y, z, photons = (v.numpy().astype(np.float64) for v in (true.col_px, true.row_px, true.z_nm, true.photons))
    here = background[true.sequence, true.frame, true.row_px.round().long(), true.col_px.round().long()]
    return Table(
        frame=(true.sequence * frames + true.frame).numpy(),
        x_nm=(x + 0.5) * pixel_size_nm,
        y_nm=(y + 0.5) * pixel_size_nm,
        z_nm=z,
        photons=photons,
        background=here.numpy().astype(np.float64),
    )


def _known(value: float | None) -> float:
    return math.nan if value is None else value
