"""Chooses a bundle's post-processing thresholds: those of highest mean efficiency on simulations.

The paper's thresholds find next to nothing that is not there, and pass over emitters whose probability is spread over
four pixels; a network with another calibration than the paper's has its optimum elsewhere.
Comes in: a network and the condition it is for. Goes out: thresholds, with what each choice reached.
Never: uses a recording that the metrics of a card are measured on (``SEED``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blinkd_models.evaluate.condition import Condition, grid
from blinkd_models.evaluate.runner import Runner, table
from blinkd_models.evaluate.simulated import record, trial
from blinkd_models.infer import PostProcess, localize

SEED = 4021
DENSITIES = (0.2, 1.0, 2.0, 3.0)
PHOTONS = (1000.0, 5000.0)
CANDIDATES = tuple(
    PostProcess(candidate=candidate, second=second, accept=accept)
    for candidate in (0.15, 0.2, 0.3)
    for second in (0.5, 0.6, 0.7)
    for accept in (0.3, 0.4, 0.5, 0.6, 0.7)
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Thresholds, and efficiency (DECODE eq. 15) averaged over densities and brightnesses."""

    post: PostProcess
    efficiency: float


def ranked(
    runner: Runner, *, base: Condition, appearances: int = 1500, candidates: Sequence[PostProcess] = CANDIDATES
) -> list[Choice]:
    """Every candidate, the best first. The network runs once per condition; the thresholds share its output."""
    reached = np.zeros((len(candidates), 0))
    for condition in grid(DENSITIES, PHOTONS, base=base):
        recording = record(condition, appearances=appearances, seed=SEED)
        output, side = runner.outputs(recording.photons), condition.size_px
        column = []
        for post in candidates:
            found = localize(output, scales=runner.scales, post=post, height=side, width=side)
            here = trial(recording, table(found, pixel_size_nm=condition.pixel_size_nm), condition=condition)
            efficiency = here.scores.efficiency
            column.append(-np.inf if efficiency is None else efficiency)
        reached = np.column_stack([reached, column])
    choices = [
        Choice(post=post, efficiency=float(mean)) for post, mean in zip(candidates, reached.mean(axis=1), strict=True)
    ]
    return sorted(choices, key=lambda choice: -choice.efficiency)
