"""Thresholds are chosen by what they reach, on a network whose output is known."""

import torch

from blinkd_models.evaluate.condition import Condition
from blinkd_models.evaluate.runner import Runner
from blinkd_models.evaluate.thresholds import CANDIDATES, ranked
from blinkd_models.infer import PostProcess
from blinkd_models.target import Scales


class Oracle:
    """Sees a bright pixel as an emitter of middling probability at its centre."""

    def frame(self, frames: torch.Tensor) -> torch.Tensor:
        return frames

    def context(self, previous: torch.Tensor, this: torch.Tensor, following: torch.Tensor) -> torch.Tensor:
        del previous, following
        peak = this == torch.nn.functional.max_pool2d(this, 5, stride=1, padding=2)
        p = torch.where(peak & (this > 0.5), 0.45, 0.001)
        return torch.cat([p, *[torch.full_like(p, 0.01)] * 9], dim=1)


def test_a_network_of_low_probabilities_gets_low_thresholds() -> None:
    runner = Runner(network=Oracle(), scales=Scales(), post=PostProcess(), grid_px=8)
    choices = ranked(runner, base=Condition(), appearances=200)
    assert choices[0].post.accept < 0.5
    assert choices[0].efficiency > 0.0
    strict = [choice.efficiency for choice in choices if choice.post.accept >= 0.5]
    assert max(strict) < choices[0].efficiency


def test_the_papers_thresholds_are_among_the_candidates() -> None:
    assert PostProcess() in CANDIDATES
