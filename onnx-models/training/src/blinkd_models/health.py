"""Signs that training goes wrong although every number is finite.

Comes in: outputs and log rows. Goes out: what the detections look like, and a warning. Never: stops training.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from blinkd_models.target import Target

LOST, FLOODED, SATURATED = 0.05, 20.0, 0.5
"""Detections per emitter below and above which a log line counts as collapsed; likewise the saturated part."""
SURE = 0.999
"""p near its upper clamp of 0.99966."""


@torch.no_grad()
def detections(output: Tensor, *, target: Target) -> tuple[Tensor, Tensor, Tensor]:
    """Expected detections per frame, emitters asked for per frame, part of the pixels that are sure of one."""
    p = output[:, 0]
    return p.sum() / len(p), target.count.mean(), (p > SURE).float().mean()


class CollapseWatch:
    """Counts log lines in a row whose detections have gone to none or to all."""

    def __init__(self, *, intervals: int) -> None:
        self.intervals = intervals
        self.bad = 0

    def look(self, row: Mapping[str, float]) -> str | None:
        """A warning in the line that completes ``intervals`` bad ones in a row."""
        ratio = row["expected"] / max(row["asked"], 1e-9)
        flooded = ratio > FLOODED or row["saturated"] > SATURATED
        self.bad = self.bad + 1 if flooded or ratio < LOST else 0
        if self.bad != self.intervals:
            return None
        what = "every pixel detects an emitter" if flooded else "nothing is detected"
        return (
            f"warning: for {self.bad} log lines {what} "
            f"({row['expected']:.3g} per frame for {row['asked']:.3g} emitters); training has collapsed. "
            "Start anew with half the --learning-rate or a longer warm-up"
        )
