"""Early estimates: fixed, typical, right about a perfect network, and never more than their share of the time."""

from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import Tensor

from blinkd_models import validation
from blinkd_models.network import Architecture, Decode
from blinkd_models.settings import Settings
from blinkd_models.simulate import Ranges, Recording
from blinkd_models.target import Scales

FIXED = validation.condition(Ranges(z_nm=(-600.0, 600.0)), density_per_um2=0.2, photons=2000.0)


class Oracle(Decode):
    """Knows the truth: puts each emitter on its pixel, ``off_px`` beside its place and ``off_nm`` above it."""

    def __init__(self, recording: Recording, *, off_px: float, off_nm: float) -> None:
        super().__init__(Architecture(features=4, z=True))
        asked = recording.emitters.within(height=validation.SIZE_PX, width=validation.SIZE_PX).visible()
        count = len(recording.photons) * validation.FRAMES
        self.shown = torch.zeros(count, 10, validation.SIZE_PX, validation.SIZE_PX)
        row, col = asked.row_px.round().long(), asked.col_px.round().long()
        frame = asked.sequence * validation.FRAMES + asked.frame
        values = [
            1.0,
            asked.photons / 2e4,
            asked.row_px - row,
            asked.col_px - col + off_px,
            (asked.z_nm + off_nm) / 3e3,
        ]
        for channel, value in enumerate(values):
            self.shown[frame, channel, row, col] = torch.as_tensor(value)
        self.next = 0
        self.context.register_forward_hook(self._show)

    def _show(self, _module: torch.nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        self.next += len(output)
        return self.shown[self.next - len(output) : self.next]


def test_an_oracle_scores_as_its_errors_say() -> None:
    recording = validation.record(FIXED, emitters=60, run=Path())
    oracle = Oracle(recording, off_px=0.1, off_nm=30.0)
    score = validation.score(oracle, recording=recording, fixed=FIXED, scales=Scales())
    assert score.emitters > 30
    assert score.ji > 0.95, "two emitters on one pixel or side by side cannot be told apart"
    assert score.lateral_nm == pytest.approx(0.1 * FIXED.pixel_size_nm[0], rel=0.1)
    assert score.axial_nm == pytest.approx(30.0, rel=0.1)


def test_the_simulation_is_always_the_same() -> None:
    one, other = (validation.record(FIXED, emitters=20, run=Path()) for _ in range(2))
    assert torch.equal(one.adu, other.adu)


def test_the_condition_is_typical_and_stays_within_what_is_trained() -> None:
    ranges = Ranges(photons=(5000.0, 9000.0), z_nm=(-600.0, 600.0), emccd=0.9)
    fixed = validation.condition(ranges, density_per_um2=1.0, photons=2000.0)
    assert (fixed.photons, fixed.density_per_um2, fixed.z_nm) == ((5000.0,) * 2, (1.0,) * 2, (-600.0, 600.0))
    assert (fixed.emccd, fixed.uneven_background) == (1.0, 0.0)
    for entry in fields(fixed):
        value = getattr(fixed, entry.name)
        if entry.name != "z_nm" and isinstance(value, tuple):
            assert value[0] == value[1], entry.name


def test_estimates_take_no_more_than_their_share_of_the_time() -> None:
    watch = validation.Validation(Settings(validate_every_min=5.0, validate_share=0.03), run=Path())
    assert [watch.due(elapsed_s=s) for s in (0.0, 299.0, 300.0)] == [False, False, True]
    watch.done(elapsed_s=300.0, cost_s=1.0)
    assert watch.next_s == 600.0, "a cheap one is due again after the interval"
    watch.done(elapsed_s=600.0, cost_s=30.0)
    assert watch.next_s == 600.0 + 1000.0, "a dear one waits until it was 3 % of the time"
    assert not validation.Validation(Settings(validate_every_min=0.0), run=Path()).due(elapsed_s=1e9)
