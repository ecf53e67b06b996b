"""What the examples decide, without a microscope."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from blinkd.client.localizations import EMPTY

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_a_tile_is_ended_once_when_it_has_enough() -> None:
    def found(tile: int, n: int, lagged: int = 0) -> object:
        return replace(EMPTY, frame=np.zeros(n, np.uint32), tile=np.full(n, tile, np.uint32), lagged=lagged)

    ended: list[int] = []
    batches = [found(0, 60), found(0, 50), found(0, 50), found(1, 30), found(2, 50), found(2, 1, lagged=60)]
    example("end_tile_when_enough").watch_tiles(batches, 100, ended.append)
    assert ended == [0, 2]


def photoswitching(power: float, bleached: float) -> float:
    """Density under an activation power: saturates, and falls as the dyes are used up."""
    return 2.5 * (1 - math.exp(-power / 12)) * (1 - bleached)


def test_density_is_held_while_the_dyes_are_used_up() -> None:
    hand = example("hold_density").DensityHold(target_per_um2=0.8, lowest=0.5, highest=50.0, power=1.0)
    density, seen, steps = 0.0, [], 0
    for block in range(200):
        density += 0.5 * (photoswitching(hand.power, bleached=block / 400) - density)
        seen.append(density)
        before = hand.power
        steps += hand.next_power(density, frames=50 * block) is not None
        assert 1 / 1.5 - 1e-9 <= hand.power / before <= 1.5 + 1e-9
    settled = seen[60:]
    assert all(abs(d / 0.8 - 1) < 0.2 for d in settled), settled
    assert steps < 60, "it does not fidget"


def test_the_power_stays_within_its_limits_and_rests_within_the_dead_band() -> None:
    hold = example("hold_density").DensityHold
    low = hold(target_per_um2=0.8, lowest=0.5, highest=2.0, power=1.0, settle_frames=1)
    assert [low.next_power(0.0, frames) for frames in (1, 2, 3, 4)] == [1.5, 2.0, None, None]
    assert hold(target_per_um2=0.8, lowest=0.5, highest=2.0, power=1.0).next_power(0.85, 10) is None
    with pytest.raises(ValueError, match="lowest"):
        hold(target_per_um2=0.8, lowest=0.0, highest=2.0, power=1.0)
