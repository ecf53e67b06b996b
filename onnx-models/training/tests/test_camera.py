"""Mean and variance of the camera models against their formulas."""

import pytest
import torch

from blinkd_models.camera import Camera

CAMERAS = [
    Camera(offset_adu=100.0, e_per_adu=0.5, qe=0.9, read_noise_e=1.6),
    Camera(offset_adu=398.6, e_per_adu=5.0, qe=0.8, em_gain=100.0, spurious_e=0.5, read_noise_e=50.0),
]


@pytest.mark.parametrize("camera", CAMERAS, ids=["scmos", "emccd"])
def test_photons_read_back_have_the_expected_mean_and_variance(camera: Camera, generator: torch.Generator) -> None:
    expected = torch.full((400_000,), 30.0)
    photons = camera.to_photons(camera.expose(expected, generator=generator))
    variance = float(camera.noise_variance(expected)[0])
    assert abs(float(photons.mean()) - 30.0) < 5.0 * (variance / len(expected)) ** 0.5
    assert float(photons.var()) == pytest.approx(variance, rel=0.03)


def test_counts_are_whole_and_within_sixteen_bits(generator: torch.Generator) -> None:
    adu = CAMERAS[0].expose(torch.tensor([0.0, 100.0, 1e6]), generator=generator)
    assert torch.equal(adu, adu.round())
    assert float(adu.max()) == 65535.0


def test_conversion_follows_the_documented_formula() -> None:
    camera = Camera(offset_adu=10.0, e_per_adu=2.0, em_gain=4.0, spurious_e=1.0, qe=0.5)
    assert float(camera.to_photons(torch.tensor(30.0))) == pytest.approx(((30 - 10) * 2 / 4 - 1) / 0.5)


def test_one_batch_can_mix_scmos_and_emccd(generator: torch.Generator) -> None:
    mixed = Camera(em_gain=torch.tensor([1.0, 200.0])[:, None], e_per_adu=torch.tensor([0.5, 20.0])[:, None], qe=1.0)
    photons = mixed.to_photons(mixed.expose(torch.full((2, 100_000), 50.0), generator=generator))
    low, high = photons.var(dim=1).tolist()
    assert high == pytest.approx(100.0, rel=0.03)
    assert low == pytest.approx(50.0 + 1.6**2, rel=0.03)
