"""Everything a report says, measured.

Comes in: a bundle and how much to measure. Goes out: ``Measurements``, plain numbers. Never: draws or writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from blinkd_models import card
from blinkd_models.evaluate import calibration, isolated
from blinkd_models.evaluate.bound import bound_nm2
from blinkd_models.evaluate.comparison import compare
from blinkd_models.evaluate.condition import Condition, grid, promised, promised_condition
from blinkd_models.evaluate.isolated import Isolated
from blinkd_models.evaluate.match import Array
from blinkd_models.evaluate.repeated import Repeated, repeat
from blinkd_models.evaluate.runner import Runner, of_bundle
from blinkd_models.evaluate.scores import Scores
from blinkd_models.evaluate.simulated import Metrics, Trial, judge, pooled, record
from blinkd_models.psf import Psf
from blinkd_models.report.cost import Cost, measure_cost

BACKGROUNDS = [5.0, 10.0, 20.0, 50.0, 100.0, 150.0]
CORNER_EDGES = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5])
"""Of min(|x - centre|, |y - centre|) in px: 0.5 is the corner of a pixel."""
DEPTH_BINS = 12
PHOTONS_OF_DEPTH = 2500.0
EXAMPLE_PX = 32


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to measure. ``appearances``: visible emitters per condition; ``emitters``: isolated ones, each shown in
    three ways; ``repeats``: exposures of one crowded recording; 0 leaves it out."""

    densities_per_um2: list[float] = field(default_factory=lambda: [0.2, 1.0, 2.0, 3.0])
    photons: list[float] = field(default_factory=lambda: [500.0, 1000.0, 2500.0, 5000.0])
    isolated_photons: list[float] = field(default_factory=lambda: [500.0, 1000.0, 2500.0, 5000.0, 10000.0])
    appearances: int = 2000
    emitters: int = 640
    repeats: int = 40
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Example:
    """A frame as the network saw it [H, W], in photons, with its trial of this one frame."""

    frame: Array
    trial: Trial


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """``without_context``: scores of the same recordings with each frame alone, in the order of ``metrics``.
    ``crowding``: per density, pooled over brightness, what ``compare`` says. ``corner``: rows of (distance from the
    pixel's middle lines in px, share found). ``depth``: rows of z, found, error, bias and bound; empty in 2D."""

    content: dict[str, Any]
    plan: Plan
    condition: Condition
    metrics: list[Metrics]
    scores: list[Scores]
    without_context: list[Scores]
    crowding: dict[float, dict[str, Any]]
    pooled: dict[str, Any]
    isolated: list[Isolated]
    corner: list[tuple[float, float]]
    depth: list[dict[str, float]]
    repeated: Repeated | None
    backgrounds: list[dict[str, float]]
    examples: list[Example]
    cost: Cost


def measure(
    bundle: Path, *, plan: Plan, psf: Psf | None = None, say: Callable[[str], None] = lambda _: None
) -> Measurements:
    """Runs the bundle's graphs on fresh simulations; ``say`` hears what is being done."""
    content = card.read(bundle)
    condition, runner = promised_condition(content, psf=psf), of_bundle(bundle)
    levels = promised(plan.photons, span=content["range"]["photons"])
    if not levels or not plan.densities_per_um2:
        raise ValueError(f"{bundle}: no brightness of {plan.photons} lies in the card's range; give other --photons")
    pairs = []
    for here in grid(plan.densities_per_um2, levels, base=condition):
        say(f"{here.density_per_um2:g} emitters/um2, {here.photons:g} photons")
        recording = record(here, appearances=plan.appearances, seed=plan.seed)
        pairs.append([judge(runner, recording, condition=here, alone=alone) for alone in (False, True)])
    with_context = [trial for trial, _ in pairs]
    if not any(len(trial.matches) for trial in with_context):
        raise ValueError(f"{bundle}: the network finds none of the emitters; train it longer, then judge it")
    say("isolated emitters")
    rows, alone = _isolated(runner, condition=condition, plan=plan, content=content)
    say("the same frames again")
    crowded = replace(condition, density_per_um2=max(plan.densities_per_um2), photons=1000.0)
    return Measurements(
        content=content,
        plan=plan,
        condition=condition,
        metrics=[trial.metrics() for trial in with_context],
        scores=[trial.scores for trial in with_context],
        without_context=[trial.scores for _, trial in pairs],
        crowding={density: _compare(_of_density(with_context, density)) for density in plan.densities_per_um2},
        pooled=_compare(with_context),
        isolated=rows,
        corner=_by_corner(alone),
        depth=_by_depth(alone, condition=condition),
        repeated=repeat(runner, condition=crowded, repeats=plan.repeats, seed=plan.seed) if plan.repeats else None,
        backgrounds=_backgrounds(runner, condition=condition, plan=plan, span=content["range"]["background_photons"]),
        examples=_examples(runner, condition=condition, seed=plan.seed + 5),
        cost=measure_cost(bundle, content=content),
    )


def _compare(trials: list[Trial]) -> dict[str, Any]:
    """What ``compare`` says of all trials together."""
    together = pooled(trials)
    condition = together.condition
    return compare(
        truth=together.truth,
        found=together.found,
        volume=condition.volume,
        pixel_size_nm=condition.pixel_size_nm,
        optics=condition.optics(),
    )


def _of_density(trials: list[Trial], density: float) -> list[Trial]:
    return [trial for trial in trials if trial.condition.density_per_um2 == density]


def _isolated(
    runner: Runner, *, condition: Condition, plan: Plan, content: dict[str, Any]
) -> tuple[list[Isolated], list[Trial]]:
    """All modes in all brightnesses, and the trials of emitters that shine in one frame only."""
    rows, dark = [], []
    for photons in promised(plan.isolated_photons, span=content["range"]["photons"]):
        here = replace(condition, photons=photons)
        trials = isolated.trials(runner, condition=here, emitters=plan.emitters, seed=plan.seed)
        rows += [isolated.summarize(trial, mode=mode) for mode, trial in trials.items()]
        if here.optics_range is not None:
            rows.append(isolated.varied(runner, condition=here, emitters=plan.emitters, seed=plan.seed))
        dark.append(trials["dark"])
    return rows, dark


def _by_corner(trials: list[Trial]) -> list[tuple[float, float]]:
    """Share of isolated emitters found, by how near a corner of their pixel they are."""
    together = pooled(trials)
    size = together.condition.pixel_size_nm
    truth = together.truth
    distance = np.minimum(*(np.abs(np.mod(axis / size, 1.0) - 0.5) for axis in (truth.x_nm, truth.y_nm)))
    seen = np.zeros(len(truth))
    seen[together.matches.truth] = 1.0
    place = np.clip(np.searchsorted(CORNER_EDGES, distance, side="right") - 1, 0, len(CORNER_EDGES) - 2)
    middles = 0.5 * (CORNER_EDGES[1:] + CORNER_EDGES[:-1])
    counts = np.bincount(place, minlength=len(middles))
    found = np.bincount(place, weights=seen, minlength=len(middles)) / np.maximum(counts, 1)
    return [(float(m), float(f)) for m, f, count in zip(middles, found, counts, strict=True) if count]


def _by_depth(trials: list[Trial], *, condition: Condition) -> list[dict[str, float]]:
    """Isolated emitters of about 2500 photons by z: found, error and bias, beside the bound."""
    if not condition.volume:
        return []
    trial = min(trials, key=lambda trial: abs(trial.condition.photons - PHOTONS_OF_DEPTH))
    matches, z = trial.matches, trial.truth.z_nm
    edges = np.linspace(*condition.z_nm, DEPTH_BINS + 1)
    place = np.clip(np.searchsorted(edges, z, side="right") - 1, 0, DEPTH_BINS - 1)
    rows = []
    for index in range(DEPTH_BINS):
        pairs = place[matches.truth] == index
        if not pairs.any():
            continue
        chosen, error = matches.truth[pairs], matches.error_nm[pairs]
        variance = bound_nm2(
            optics=trial.condition.optics(),
            positions_nm=trial.truth.positions_nm[chosen],
            photons=np.full(len(chosen), trial.condition.photons),
            volume=True,
        ).mean(axis=0)
        squares = (error**2).mean(axis=0)
        rows.append(
            {
                "z_nm": float(0.5 * (edges[index] + edges[index + 1])),
                "found": float(pairs.sum() / max(1, (place == index).sum())),
                "rmse_lateral_nm": float(np.sqrt(squares[0] + squares[1])),
                "rmse_axial_nm": float(np.sqrt(squares[2])),
                "bias_axial_nm": float(error[:, 2].mean()),
                "crlb_lateral_nm": float(np.sqrt(variance[0] + variance[1])),
                "crlb_axial_nm": float(np.sqrt(variance[2])),
            }
        )
    return rows


def _backgrounds(runner: Runner, *, condition: Condition, plan: Plan, span: list[float]) -> list[dict[str, float]]:
    """Mean and spread of the background found at emitters of 2000 photons, against the true one."""
    rows = []
    for background in promised(BACKGROUNDS, span=span):
        here = replace(condition, background_photons=background, density_per_um2=0.5, photons=2000.0)
        recording = record(here, appearances=max(50, plan.appearances // 8), seed=plan.seed)
        trial = judge(runner, recording, condition=here)
        assert trial.found.background is not None
        values = trial.found.background[trial.matches.localization]
        if len(values):
            rows.append({"true": background, "found": float(values.mean()), "sd": float(values.std())})
    return rows


def background_line(rows: list[dict[str, float]]) -> dict[str, float | None]:
    """Slope and intercept of found against true backgrounds."""
    return calibration.linearity(
        true=np.array([row["true"] for row in rows]), found=np.array([row["found"] for row in rows])
    )


def _examples(runner: Runner, *, condition: Condition, seed: int) -> list[Example]:
    """The middle frame of four small recordings, sparse and dense, dim and bright."""
    examples = []
    for photons in (1000.0, 5000.0):
        for density in (0.5, 2.0):
            here = replace(condition, density_per_um2=density, photons=photons, size_px=EXAMPLE_PX, frames=5)
            recording = record(here, appearances=1, seed=seed)
            trial = judge(runner, recording, condition=here)
            middle = here.frames // 2
            examples.append(
                Example(
                    frame=recording.photons[0, middle].numpy().astype(np.float64),
                    trial=replace(
                        trial,
                        truth=trial.truth.of_frame(middle),
                        found=trial.found.of_frame(middle),
                        share=trial.share[trial.truth.frame == middle],
                    ),
                )
            )
    return examples
