"""Blinking and recorded light against the closed forms of a Poisson process."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from blinkd_models.camera import Camera
from blinkd_models.emitters import Blinking, Emitters, sample_emitters
from blinkd_models.psf import Gaussian2d
from blinkd_models.psf.gaussian import pixel_fraction
from blinkd_models.simulate import Scene, simulate

SIGMAS = 4.0
"""Every statistic may be off by so many of its standard errors."""


def _blinking(sequences: int, *, density: float, photons: float, spread: float, on_time: float) -> Blinking:
    def same(value: float) -> torch.Tensor:
        return torch.full((sequences,), value)

    return Blinking(
        density_per_px=same(density), photons=same(photons), spread=same(spread), on_time_frames=same(on_time)
    )


def _sample(
    sequences: int = 1, *, frames: int, size: int, density: float = 0.02, photons: float = 1000.0, spread: float = 0.2,
    on_time: float = 2.0, z: tuple[float, float] = (-300.0, 500.0), generator: torch.Generator,
) -> Emitters:  # fmt: skip
    return sample_emitters(
        blinking=_blinking(sequences, density=density, photons=photons, spread=spread, on_time=on_time),
        frames=frames, height=size, width=size, margin_px=3.0, z_range_nm=z, generator=generator,
    )  # fmt: skip


def _assert_near(values: torch.Tensor, expected: float) -> None:
    error = float(values.double().std()) / math.sqrt(len(values))
    assert abs(float(values.double().mean()) - expected) < SIGMAS * error


@pytest.mark.parametrize(("photons", "spread"), [(1000.0, 0.0), (120.0, 0.3), (60.0, 0.2)])
@pytest.mark.parametrize("on_time", [0.3, 2.0, 6.0])
def test_visible_emitters_of_short_sequences_are_poisson_from_the_first_to_the_last_frame(
    photons: float, spread: float, on_time: float, generator: torch.Generator
) -> None:
    sequences, size = 3000, 16
    seen = _sample(sequences, frames=3, size=size, photons=photons, spread=spread, on_time=on_time, generator=generator)
    seen = seen.within(height=size, width=size).visible()
    for frame in range(3):
        number = torch.bincount(seen.sequence[seen.frame == frame], minlength=sequences).double()
        expected = 0.02 * size**2
        assert abs(float(number.mean()) - expected) < SIGMAS * math.sqrt(expected / sequences)
        # Of a Poisson number, variance over mean is 1 with a standard error of sqrt(2 / n).
        assert abs(float(number.var() / number.mean()) - 1.0) < SIGMAS * math.sqrt(2.0 / sequences)


@pytest.mark.parametrize("on_time", [0.5, 3.0])
def test_on_times_are_exponential(on_time: float, generator: torch.Generator) -> None:
    frames = 80
    shown = _sample(frames=frames, size=60, on_time=on_time, generator=generator)
    number = int(shown.emitter.max()) + 1
    total = torch.zeros(number).index_add(0, shown.emitter, shown.share)
    first = torch.full((number,), frames).scatter_reduce(0, shown.emitter, shown.frame, "amin")
    last = torch.full((number,), -1).scatter_reduce(0, shown.emitter, shown.frame, "amax")
    whole = (first > 0) & (first < frames // 2)
    assert int((last[whole] == frames - 1).sum()) == 0
    lasted = total[whole]
    _assert_near(lasted, on_time)
    assert float(lasted.std()) == pytest.approx(on_time, rel=SIGMAS * math.sqrt(2.0 / len(lasted)))
    assert stats.kstest(lasted.numpy(), stats.expon(scale=on_time).cdf).pvalue > 1e-3
    # Started anywhere in a frame, it shines in more than k frames with probability tau e^(-k/tau) (e^(1/tau) - 1).
    spanned = (last - first + 1)[whole].double()
    for k in (1, 2, 4):
        chance = on_time * math.exp(-k / on_time) * (math.exp(1.0 / on_time) - 1.0)
        error = math.sqrt(chance * (1.0 - chance) / len(spanned))
        assert abs(float((spanned > k).double().mean()) - chance) < SIGMAS * error


def test_flux_is_gaussian_over_emitters(generator: torch.Generator) -> None:
    shown = _sample(frames=60, size=90, photons=1500.0, spread=0.15, generator=generator)
    full = shown.where(shown.share > 0.999)
    _, at = np.unique(full.emitter.numpy(), return_index=True)
    flux = full.photons[torch.from_numpy(at)] / full.share[torch.from_numpy(at)]
    assert len(flux) > 1000
    _assert_near(flux, 1500.0)
    assert float(flux.std()) == pytest.approx(225.0, rel=SIGMAS / math.sqrt(2.0 * len(flux)))
    assert stats.kstest(flux.numpy(), stats.norm(1500.0, 225.0).cdf).pvalue > 1e-3


def test_emitters_are_uniform_in_space_and_time(generator: torch.Generator) -> None:
    shown = _sample(frames=200, size=40, generator=generator)
    _, at = np.unique(shown.emitter.numpy(), return_index=True)
    one = shown.where(torch.from_numpy(at))
    one = one.where(one.frame > 0)
    assert len(one) > 2000
    # Somebody else's start lies anywhere within the frame: only whole frames are tested.
    assert stats.chisquare(torch.bincount(one.frame, minlength=200)[1:].numpy()).pvalue > 1e-3
    for values, low, high in ((one.row_px, -3.5, 42.5), (one.col_px, -3.5, 42.5), (one.z_nm, -300.0, 500.0)):
        assert stats.kstest(values.numpy(), stats.uniform(low, high - low).cdf).pvalue > 1e-3


def _squared_shares(on_time: float) -> float:
    """Mean over exponential on-times T of the integral of the squared share of one frame over all starts:
    T^2 - T^3 / 3 for T < 1, T - 1 / 3 above."""

    def weighted(t: float) -> float:
        return (t * t - t**3 / 3.0 if t < 1.0 else t - 1.0 / 3.0) * math.exp(-t / on_time) / on_time

    return float(integrate.quad(weighted, 0.0, 1.0)[0] + integrate.quad(weighted, 1.0, 60.0 * on_time)[0])


@pytest.mark.parametrize(
    "camera",
    [Camera(), Camera(offset_adu=200.0, e_per_adu=20.0, em_gain=200.0, read_noise_e=40.0, spurious_e=0.1)],
    ids=["scmos", "emccd"],
)
def test_recorded_light_has_the_mean_and_variance_of_filtered_poisson_noise(
    camera: Camera, generator: torch.Generator
) -> None:
    sequences, size, edge, sigma, background = 400, 22, 3, 1.1, 20.0
    blinking = _blinking(sequences, density=0.02, photons=1000.0, spread=0.2, on_time=2.0)
    scene = Scene(
        pixel_size_nm=torch.full((sequences,), 100.0),
        psf=Gaussian2d(sigma_px=torch.full((sequences,), sigma)),
        blinking=blinking,
        background_photons=torch.full((sequences,), background),
        unevenness=torch.zeros(sequences),
        camera=camera,
        z_nm=(0.0, 0.0),
    )
    recording = simulate(scene, frames=1, height=size, width=size, generator=generator)
    inside = recording.photons[:, 0, edge:-edge, edge:-edge].double()
    # Campbell: mean = rate * E[flux] * on-time; variance = rate * E[flux^2] * squared shares * squared PSF.
    rate = float(blinking.switch_on_rate()[0])
    mean = background + rate * 1000.0 * 2.0
    line = torch.linspace(-8.0, 8.0, 1601, dtype=torch.float64)
    profile = pixel_fraction(line, sigma_px=torch.tensor(sigma, dtype=torch.float64))
    light = rate * 1000.0**2 * (1.0 + 0.2**2) * _squared_shares(2.0) * (float((profile**2).sum()) * 0.01) ** 2
    noise = float(camera.noise_variance(torch.tensor(mean, dtype=torch.float64))) + float(camera.rounding_variance())
    _assert_near(inside.mean(dim=(1, 2)), mean)
    _assert_near(((inside - mean) ** 2).mean(dim=(1, 2)), light + noise)
