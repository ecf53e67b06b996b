"""Blinking statistics and recordings against closed forms."""

import pytest
import torch

from blinkd_models.emitters import Blinking, sample_emitters
from blinkd_models.evaluate import Condition
from blinkd_models.simulate import Ranges, draw_scene, simulate
from blinkd_models.target import Scales, make_target


def _blinking(density: float, *, sequences: int = 1, photons: float = 1000.0, on_time: float = 2.0) -> Blinking:
    def same(value: float) -> torch.Tensor:
        return torch.full((sequences,), value)

    return Blinking(density_per_px=same(density), photons=same(photons), spread=same(0.0), on_time_frames=same(on_time))


@pytest.mark.parametrize("on_time", [0.5, 2.0, 5.0])
def test_visible_density_is_the_one_asked_for(on_time: float, generator: torch.Generator) -> None:
    frames, size = 10, 100
    emitters = sample_emitters(
        blinking=_blinking(0.05, on_time=on_time),
        frames=frames,
        height=size,
        width=size,
        margin_px=4.0,
        z_range_nm=(0.0, 0.0),
        generator=generator,
    )
    number = len(emitters.within(height=size, width=size).visible())
    expected = 0.05 * size**2 * frames
    assert number == pytest.approx(expected, abs=6.0 * (expected * (1.0 + 2.0 * on_time)) ** 0.5)


def test_an_emitter_shines_in_consecutive_frames_and_fully_between_first_and_last(generator: torch.Generator) -> None:
    emitters = sample_emitters(
        blinking=_blinking(0.01, on_time=4.0),
        frames=10,
        height=50,
        width=50,
        margin_px=0.0,
        z_range_nm=(0.0, 0.0),
        generator=generator,
    )
    for one in emitters.emitter.unique():
        shown = emitters.where(emitters.emitter == one)
        assert torch.equal(shown.frame, torch.arange(int(shown.frame[0]), int(shown.frame[0]) + len(shown)))
        assert bool((shown.share[1:-1] > 0.999).all())
        assert bool((shown.photons <= 1000.5).all())


def test_recording_of_an_empty_field_is_its_background(generator: torch.Generator) -> None:
    condition = Condition(density_per_um2=0.0, background_photons=20.0)
    recording = simulate(condition.scene(4), frames=10, height=64, width=64, generator=generator)
    assert len(recording.emitters) == 0
    assert float(recording.photons.mean()) == pytest.approx(20.0, abs=0.1)
    assert float(recording.photons.var()) == pytest.approx(
        float(condition.camera.noise_variance(torch.tensor(20.0))), rel=0.03
    )


def test_light_in_a_recording_is_background_plus_emitters(generator: torch.Generator) -> None:
    scene = draw_scene(Ranges(emccd=0.0), sequences=3, generator=generator)
    recording = simulate(scene, frames=8, height=60, width=60, generator=generator)
    for sequence in range(3):
        inside = recording.emitters.where(recording.emitters.sequence == sequence)
        light = float(recording.photons[sequence].sum() - recording.background[sequence].sum() * 8 / 8)
        assert light == pytest.approx(float(inside.photons.sum()), rel=0.25)


def test_target_asks_only_for_visible_emitters_of_the_chosen_frames(generator: torch.Generator) -> None:
    scene = draw_scene(Ranges(), sequences=2, generator=generator)
    recording = simulate(scene, frames=8, height=40, width=40, generator=generator)
    target = make_target(recording, scales=Scales(), first=1, last=8)
    asked = recording.emitters.within(height=40, width=40).visible()
    assert float(target.count.sum()) == int((asked.frame >= 1).sum()) == len(target.frame)
    assert target.background.shape == (14, 40, 40)
    assert float(target.photons.min()) * Scales().photons >= 49.99


def test_same_seed_draws_the_same_recording() -> None:
    def draw() -> torch.Tensor:
        generator = torch.Generator().manual_seed(5)
        return simulate(
            draw_scene(Ranges(), sequences=2, generator=generator), frames=4, height=24, width=24, generator=generator
        ).adu

    assert torch.equal(draw(), draw())
