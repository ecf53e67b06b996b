"""Emitters that are alone in space: does the network reach the Cramér-Rao bound (DECODE, Fig. 2a and Ext. Data Fig. 4)?

Comes in: a network and a condition. Goes out: per brightness and neighbourhood in time, errors beside the bound.
Never: puts two emitters where one PSF could see both, or lets one shine for a part of a frame.

One frame is shown in three ways, with the same noise. ``alone``: the frame is its own neighbour, as in a live view.
``dark``: its neighbours hold no emitter; like ``alone`` this is one frame's information about the position.
``three``: the emitter shines just as brightly in the neighbours; this is three times the information.
Also ``varied``: like ``dark``, but every image has optics of its own from the range that is promised. Nobody who does
not know them can reach the bound of known ones, so the bound is that of optics in doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from blinkd_models.emitters import Emitters
from blinkd_models.evaluate.bound import Optics, bound_nm2
from blinkd_models.evaluate.condition import Condition
from blinkd_models.evaluate.runner import Runner, table
from blinkd_models.evaluate.simulated import Trial, truth_table
from blinkd_models.evaluate.table import Table
from blinkd_models.infer import localize
from blinkd_models.psf import Psf, render

CELL_PX = 24
"""Each emitter has a square of its own, and sits within 4 px of its middle: neighbours are at least 16 px away."""
CELLS = 4
PLAY_PX = 4.0
IMAGES_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Isolated:
    """One mode at one brightness; lengths in nm, per axis x, y, z (NaN in 2D).

    found: share of the emitters found. crlb_nm: root mean bound of the found ones for one frame; three frames in which
    an emitter is equally bright allow 1/sqrt(3) of it. doubt_nm: of ``varied``, the same for optics that are known no
    better than the promised range; otherwise NaN. sigma_nm: root mean of what the network said.
    """

    photons: float
    mode: str
    emitters: int
    found: float
    false_positives: int
    rmse_nm: list[float]
    bias_nm: list[float]
    crlb_nm: list[float]
    sigma_nm: list[float]
    doubt_nm: list[float] = field(default_factory=lambda: [math.nan] * 3)

    @property
    def lateral_over_crlb(self) -> float:
        """sqrt(mse_x + mse_y) over that of the bound, one frame's."""
        return math.hypot(*self.rmse_nm[:2]) / math.hypot(*self.crlb_nm[:2])

    @property
    def lateral_over_doubt(self) -> float:
        """As ``lateral_over_crlb``, of optics in doubt."""
        return math.hypot(*self.rmse_nm[:2]) / math.hypot(*self.doubt_nm[:2])

    @property
    def axial_over_crlb(self) -> float:
        """NaN in 2D."""
        return self.rmse_nm[2] / self.crlb_nm[2]

    @property
    def axial_over_doubt(self) -> float:
        """As ``axial_over_crlb``, of optics in doubt."""
        return self.rmse_nm[2] / self.doubt_nm[2]

    @property
    def over_bound(self) -> tuple[float, float]:
        """Lateral and axial error over the bound of what was shown: three frames', or that of optics in doubt."""
        if self.mode == "varied":
            return self.lateral_over_doubt, self.axial_over_doubt
        frames = math.sqrt(3.0) if self.mode == "three" else 1.0
        return frames * self.lateral_over_crlb, frames * self.axial_over_crlb


def trials(runner: Runner, *, condition: Condition, emitters: int, seed: int) -> dict[str, Trial]:
    """The three modes on the same about ``emitters`` emitters, all of the condition's brightness."""
    images = math.ceil(emitters / CELLS**2)
    generator = torch.Generator().manual_seed(seed)
    true = _place(condition, images=images, generator=generator)
    light = _draw(condition.one_psf(), true=true, images=images)
    background = torch.full_like(light, condition.background_photons)

    def expose(expected: Tensor) -> Tensor:
        camera = condition.camera
        return camera.to_photons(camera.expose(expected, generator=generator))

    this, before, after = (expose(light + background) for _ in range(3))
    dark_before, dark_after = (expose(background) for _ in range(2))
    windows = {"alone": (this, this, this), "dark": (dark_before, this, dark_after), "three": (before, this, after)}
    truth = truth_table(true, frames=1, background=background[:, None], pixel_size_nm=condition.pixel_size_nm)
    return {mode: _trial(runner, frames, condition=condition, truth=truth) for mode, frames in windows.items()}


def varied(runner: Runner, *, condition: Condition, emitters: int, seed: int) -> Isolated:
    """The mode of that name; the condition has an ``optics_range``."""
    span, size_nm = condition.optics_range, condition.pixel_size_nm
    assert span is not None
    images = math.ceil(emitters / CELLS**2)
    generator = torch.Generator().manual_seed(seed)
    true = _place(condition, images=images, generator=generator)
    psf = span.draw(images, pixel_size_nm=size_nm, generator=generator)
    light = _draw(psf, true=true, images=images)
    background = torch.full_like(light, condition.background_photons)
    camera = condition.camera
    before, this, after = (
        camera.to_photons(camera.expose(expected, generator=generator))
        for expected in (background, light + background, background)
    )
    truth = truth_table(true, frames=1, background=background[:, None], pixel_size_nm=size_nm)
    trial = _trial(runner, (before, this, after), condition=condition, truth=truth)
    known = replace(condition.optics(), psf=psf)
    in_doubt = replace(known, doubts=span.doubts(psf, pixel_size_nm=size_nm))
    return replace(
        summarize(trial, mode="varied", optics=known), doubt_nm=_root_bound(trial, optics=in_doubt, own=True)
    )


def summarize(trial: Trial, *, mode: str, optics: Optics | None = None) -> Isolated:
    """Errors, bound and predicted sigma of the found emitters; ``optics``: of every image its own."""
    matches, found = trial.matches, trial.found
    nothing = [math.nan] * 3
    error = matches.error_nm
    rmse = bias = crlb = sigma = nothing
    if len(matches):
        crlb = _root_bound(trial, optics=optics or trial.condition.optics(), own=optics is not None)
        sigmas = found.sigmas_nm(matches.localization)
        rmse, sigma = (np.sqrt(v.mean(axis=0)).tolist() for v in (error**2, sigmas**2))
        bias = error.mean(axis=0).tolist()
    if not trial.condition.volume:
        rmse, bias, sigma = ([*values[:2], math.nan] for values in (rmse, bias, sigma))
    return Isolated(
        photons=trial.condition.photons,
        mode=mode,
        emitters=matches.truths,
        found=matches.recall,
        false_positives=matches.localizations - len(matches),
        rmse_nm=rmse,
        bias_nm=bias,
        crlb_nm=crlb,
        sigma_nm=sigma,
    )


def _trial(runner: Runner, frames: tuple[Tensor, Tensor, Tensor], *, condition: Condition, truth: Table) -> Trial:
    """What the network finds in the middle frames."""
    side = CELL_PX * CELLS
    found = localize(_outputs(runner, frames), scales=runner.scales, post=runner.post, height=side, width=side)
    return Trial(
        condition=condition,
        truth=truth,
        found=table(found, pixel_size_nm=condition.pixel_size_nm),
        share=np.ones(len(truth)),
    )


def _root_bound(trial: Trial, *, optics: Optics, own: bool) -> list[float]:
    """Root mean bounds of the found emitters; ``own``: each image is a sequence of the PSF."""
    truth, chosen = trial.truth, trial.matches.truth
    if not len(chosen):
        return [math.nan] * 3
    assert truth.photons is not None
    variance = bound_nm2(
        optics=optics,
        positions_nm=truth.positions_nm[chosen],
        photons=truth.photons[chosen],
        volume=trial.condition.volume,
        sequence=truth.frame[chosen] if own else None,
    )
    root: list[float] = np.sqrt(variance.mean(axis=0)).tolist()
    return root


def _place(condition: Condition, *, images: int, generator: torch.Generator) -> Emitters:
    """One emitter per cell, one frame per sequence."""
    cells = torch.arange(images * CELLS**2)
    sequence, cell = cells // CELLS**2, cells % CELLS**2

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(cells.shape, generator=generator) * (high - low) + low

    middle = 0.5 * (CELL_PX - 1)
    return Emitters(
        emitter=cells,
        sequence=sequence,
        frame=torch.zeros_like(sequence),
        row_px=(cell // CELLS) * CELL_PX + middle + uniform(-PLAY_PX, PLAY_PX),
        col_px=(cell % CELLS) * CELL_PX + middle + uniform(-PLAY_PX, PLAY_PX),
        z_nm=uniform(*condition.z_nm),
        photons=torch.full(cells.shape, condition.photons),
        share=torch.ones(cells.shape),
    )


def _draw(psf: Psf, *, true: Emitters, images: int) -> Tensor:
    """Expected photons [N, H, W] without background."""
    side = CELL_PX * CELLS
    return render(
        psf=psf,
        image=true.sequence,
        sequence=true.sequence,
        row_px=true.row_px,
        col_px=true.col_px,
        z_nm=true.z_nm,
        photons=true.photons,
        shape=(images, side, side),
    )


@torch.no_grad()
def _outputs(runner: Runner, frames: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Raw output [N, 10, H, W] of the middle frames, each [N, H, W]."""
    parts = zip(*(torch.split(frame, IMAGES_AT_ONCE) for frame in frames), strict=True)
    return torch.cat([runner.network.context(*(runner.features(frame) for frame in part)) for part in parts])
