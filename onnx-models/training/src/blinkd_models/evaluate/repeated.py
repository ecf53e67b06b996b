"""The same crowded frames seen again and again: does the predicted sigma foretell each emitter's own error?

Comes in: a network and a condition. Goes out: per emitter its error, its predicted sigma, and its bound when alone
(DECODE, Fig. 2b). Never: moves an emitter between two exposures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from blinkd_models.emitters import Emitters
from blinkd_models.evaluate.bound import bound_nm2
from blinkd_models.evaluate.calibration import correlation
from blinkd_models.evaluate.comparison import match_tables
from blinkd_models.evaluate.condition import Condition
from blinkd_models.evaluate.match import Array
from blinkd_models.evaluate.runner import Runner, table
from blinkd_models.evaluate.simulated import record, truth_table
from blinkd_models.evaluate.table import Table
from blinkd_models.psf import render

FRAMES = 5
"""Of which the first and the last lack a neighbour and are not judged."""


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """For each of E emitters that were found at least half of the times, laterally: all [E] in nm, as sqrt(x^2 + y^2).

    error_nm: root mean error. sigma_nm: root mean predicted sigma. crlb_nm: bound if it were alone.
    """

    repeats: int
    error_nm: Array
    sigma_nm: Array
    crlb_nm: Array

    @property
    def sigma_correlation(self) -> float | None:
        """Pearson's, of error and sigma."""
        return correlation(self.sigma_nm, self.error_nm)

    @property
    def crlb_correlation(self) -> float | None:
        """Pearson's, of error and the bound."""
        return correlation(self.crlb_nm, self.error_nm)


def repeat(runner: Runner, *, condition: Condition, repeats: int, seed: int) -> Repeated:
    """Exposes one recording of the condition ``repeats`` times."""
    few = replace(condition, frames=FRAMES)
    recording = record(few, appearances=1, seed=seed)
    emitters = recording.emitters.where(recording.emitters.sequence == 0)
    photons = _expose(emitters, background=recording.background[0], condition=few, repeats=repeats, seed=seed + 1)
    found = runner.localize(photons)
    time = found.frame % FRAMES
    spotted = table(found.where((time > 0) & (time < FRAMES - 1)), pixel_size_nm=few.pixel_size_nm)
    asked = emitters.within(height=few.size_px, width=few.size_px).visible()
    asked = asked.where((asked.frame > 0) & (asked.frame < FRAMES - 1))
    truth = truth_table(asked, frames=FRAMES, background=recording.background, pixel_size_nm=few.pixel_size_nm)
    return _per_emitter(truth, spotted=spotted, condition=few, repeats=repeats)


def _expose(emitters: Emitters, *, background: Tensor, condition: Condition, repeats: int, seed: int) -> Tensor:
    """Photons [R, T, H, W] of the same light, with new noise each time."""
    light = render(
        psf=condition.one_psf(),
        image=emitters.frame,
        sequence=emitters.sequence,
        row_px=emitters.row_px,
        col_px=emitters.col_px,
        z_nm=emitters.z_nm,
        photons=emitters.photons,
        shape=(FRAMES, condition.size_px, condition.size_px),
    )
    expected = (light + background).expand(repeats, *light.shape)
    generator = torch.Generator().manual_seed(seed)
    return condition.camera.to_photons(condition.camera.expose(expected, generator=generator))


def _per_emitter(truth: Table, *, spotted: Table, condition: Condition, repeats: int) -> Repeated:
    """Matches every exposure with the same truth, and gathers by emitter."""
    count = len(truth)
    every = Table(
        frame=np.tile(truth.frame, repeats) + np.repeat(np.arange(repeats) * FRAMES, count),
        x_nm=np.tile(truth.x_nm, repeats),
        y_nm=np.tile(truth.y_nm, repeats),
        z_nm=np.tile(truth.z_nm, repeats),
    )
    matches = match_tables(truth=every, found=spotted, volume=condition.volume)
    emitter = matches.truth % max(1, count)
    predicted = (spotted.sigmas_nm(matches.localization)[:, :2] ** 2).sum(axis=1)
    times, squares, sigmas = (
        np.bincount(emitter, weights=weights, minlength=count) for weights in (None, matches.squared_nm2, predicted)
    )
    often = times >= max(1.0, repeats / 2)
    assert truth.photons is not None
    positions, photons = truth.positions_nm[often], truth.photons[often]
    bound = bound_nm2(optics=condition.optics(), positions_nm=positions, photons=photons, volume=condition.volume)
    return Repeated(
        repeats=repeats,
        error_nm=np.sqrt(squares[often] / times[often]),
        sigma_nm=np.sqrt(sigmas[often] / times[often]),
        crlb_nm=np.sqrt(bound[:, 0] + bound[:, 1]),
    )
