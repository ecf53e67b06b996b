"""The learning rate from the step and the spent budget.

Comes in: settings, step, fraction. Goes out: a number. Never: keeps state.
"""

from __future__ import annotations

import math
from typing import Protocol

from blinkd_models.settings import Settings


class Budget(Protocol):
    """What every recipe says of its length; read only."""

    @property
    def minutes(self) -> float: ...

    @property
    def steps(self) -> int | None: ...

    @property
    def warmup_steps(self) -> int: ...


def fraction(settings: Budget, *, step: int, elapsed_s: float) -> float:
    """Part of the budget that is spent, 0 to 1: of ``minutes`` or of ``steps``, whichever is further."""
    spent = elapsed_s / (60.0 * settings.minutes)
    if settings.steps is not None:
        spent = max(spent, step / settings.steps)
    return min(spent, 1.0)


def learning_rate(settings: Settings, *, step: int, spent: float) -> float:
    """Linear warm-up over the first steps, then half a cosine over the budget, or the paper's steps down."""
    high = settings.learning_rate
    if settings.schedule == "published":
        falling = settings.decay_factor ** (step // settings.decay_every_steps)
        return float(warm(settings, step=step) * high * falling)
    return warm(settings, step=step) * cosine(high, settings.final_learning_rate, spent=spent)


def warm(settings: Budget, *, step: int) -> float:
    """The part of the rate that the warm-up allows."""
    return min(1.0, (step + 1) / settings.warmup_steps)


def cosine(high: float, low: float, *, spent: float) -> float:
    """Half a cosine from ``high`` to ``low`` over the budget."""
    return low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * spent))
