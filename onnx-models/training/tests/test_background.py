"""Backgrounds: their mean, their range, their smoothness."""

import math

import pytest
import torch

from blinkd_models.background import Clouds, expected_background, perlin_noise


def _clouds(sequences: int, *, cell: float = 20.0, octaves: int = 3) -> Clouds:
    return Clouds(
        amplitude=torch.full((sequences,), 0.6), cell_px=torch.full((sequences,), cell), octaves=octaves
    )  # fmt: skip


def _expected(sequences: int, *, clouds: Clouds | None, generator: torch.Generator) -> torch.Tensor:
    return expected_background(
        photons=torch.full((sequences,), 50.0), smooth=torch.zeros(sequences), clouds=clouds, height=48, width=64,
        generator=generator,
    )  # fmt: skip


def test_even_background_is_its_mean(generator: torch.Generator) -> None:
    assert torch.equal(_expected(2, clouds=None, generator=generator), torch.full((2, 1, 48, 64), 50.0))


def test_clouds_stay_within_their_amplitude_around_the_mean(generator: torch.Generator) -> None:
    drawn = _expected(500, clouds=_clouds(500), generator=generator)
    assert drawn.shape == (500, 1, 48, 64)
    assert float(drawn.min()) >= 50.0 * 0.4
    assert float(drawn.max()) <= 50.0 * 1.6
    each = drawn.mean(dim=(1, 2, 3))
    assert abs(float(each.mean()) - 50.0) < 4.0 * float(each.std()) / math.sqrt(500)
    assert float(drawn.std(dim=(1, 2, 3)).min()) > 1.0


def test_one_octave_has_the_variance_of_gradient_noise(generator: torch.Generator) -> None:
    # A corner's product has mean 0 and variance d^2 / 2; corners are independent. Averaged over a cell.
    t = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    fade = t**3 * (t * (6.0 * t - 15.0) + 10.0)
    weight, square = (1.0 - fade) ** 2, t**2
    expected = 4.0 * 0.5 * float((weight * square).mean() * weight.mean()) * 2.0
    noise = perlin_noise((3000, 16, 16), cell_px=torch.full((3000,), 8.0), octaves=1, generator=generator)
    each = (noise * math.sqrt(0.5)).double().square().mean(dim=(1, 2, 3))
    assert abs(float(each.mean()) - expected) < 4.0 * float(each.std()) / math.sqrt(3000)


def test_neighbouring_pixels_differ_less_the_larger_the_cell(generator: torch.Generator) -> None:
    def step(cell: float) -> float:
        noise = perlin_noise((50, 64, 64), cell_px=torch.full((50,), cell), octaves=1, generator=generator)
        return float(noise.diff(dim=-1).square().mean().sqrt())

    coarse, fine = step(32.0), step(8.0)
    assert fine / coarse == pytest.approx(4.0, rel=0.15)


def test_cells_may_differ_between_sequences(generator: torch.Generator) -> None:
    noise = perlin_noise((2, 60, 60), cell_px=torch.tensor([6.0, 60.0]), octaves=1, generator=generator)
    rough = noise.diff(dim=-1).square().mean(dim=(1, 2, 3))
    assert float(rough[0]) > 10.0 * float(rough[1])
