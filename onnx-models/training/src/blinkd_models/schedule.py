"""The learning rate from the step and the spent budget.

Comes in: settings, step, fraction. Goes out: a number. Never: keeps state.
"""

from __future__ import annotations

import math

from blinkd_models.settings import Settings


def fraction(settings: Settings, *, step: int, elapsed_s: float) -> float:
    """Part of the budget that is spent, 0 to 1: of ``minutes`` or of ``steps``, whichever is further."""
    spent = elapsed_s / (60.0 * settings.minutes)
    if settings.steps is not None:
        spent = max(spent, step / settings.steps)
    return min(spent, 1.0)


def learning_rate(settings: Settings, *, step: int, spent: float) -> float:
    """Linear warm-up over the first steps, then half a cosine over the budget, or the paper's steps down."""
    warm = min(1.0, (step + 1) / settings.warmup_steps)
    high, low = settings.learning_rate, settings.final_learning_rate
    if settings.schedule == "published":
        return float(warm * high * settings.decay_factor ** (step // settings.decay_every_steps))
    return warm * (low + (high - low) * 0.5 * (1.0 + math.cos(math.pi * spent)))
