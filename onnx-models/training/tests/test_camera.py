"""Mean and variance of every camera model against the closed forms; maps; presets."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from blinkd_models.camera import PRESETS, Camera, CameraMapError, PixelSpread, preset

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SIDE = 300


def _maps() -> Camera:
    generator = torch.Generator().manual_seed(3)
    spread = PixelSpread(offset_sd_adu=4.0, gain_sd=0.05, read_noise_log_sd=0.5)
    return spread.applied(preset("scmos"), shape=(1, SIDE, SIDE), generator=generator)


CAMERAS = {
    **PRESETS,
    "default": Camera(),
    "no read noise": Camera(read_noise_e=0.0, e_per_adu=0.2),
    "emccd": Camera(offset_adu=398.6, e_per_adu=5.0, qe=0.8, em_gain=100.0, spurious_e=0.5, read_noise_e=50.0),
    "maps": _maps(),
}


@pytest.mark.parametrize("light", [5.0, 30.0, 400.0])
@pytest.mark.parametrize("name", CAMERAS)
def test_photons_read_back_have_the_closed_mean_and_variance(
    name: str, light: float, generator: torch.Generator
) -> None:
    camera = CAMERAS[name]
    expected = torch.full((1, 5, SIDE, SIDE), light)
    photons = camera.to_photons(camera.expose(expected, generator=generator)).double()
    variance = (camera.noise_variance(expected) + camera.rounding_variance()).double()
    # In units of each pixel's own noise, so that pixels may differ.
    z = (photons - light) / variance.sqrt()
    assert abs(float(z.mean())) < 4.0 / math.sqrt(z.numel())
    assert abs(float((z**2).mean()) - 1.0) < 4.0 * float((z**2).std()) / math.sqrt(z.numel())


def test_smlm2016_gives_six_counts_per_photon() -> None:
    assert preset("smlm2016").adu_per_photon == pytest.approx(6.00)
    with pytest.raises(ValueError, match="there is: scmos, smlm2016"):
        preset("ccd")


def test_counts_are_whole_and_within_sixteen_bits(generator: torch.Generator) -> None:
    adu = Camera().expose(torch.tensor([0.0, 100.0, 1e6]), generator=generator)
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


def test_gain_may_differ_between_pixels(generator: torch.Generator) -> None:
    camera = Camera(em_gain=torch.tensor([1.0, 100.0, 300.0]), e_per_adu=torch.tensor([0.5, 10.0, 30.0]), qe=1.0)
    photons = camera.to_photons(camera.expose(torch.full((100_000, 3), 40.0), generator=generator))
    expected = camera.noise_variance(torch.full((3,), 40.0)) + camera.rounding_variance()
    torch.testing.assert_close(photons.var(dim=0), expected, rtol=0.03, atol=0.0)


def test_nothing_comes_out_of_the_gain_register_where_nothing_went_in(generator: torch.Generator) -> None:
    dark = Camera(em_gain=300.0, e_per_adu=45.0, read_noise_e=0.0)
    assert torch.equal(dark.expose(torch.zeros(1000), generator=generator), torch.full((1000,), 100.0))


def test_pixels_differ_as_asked_and_only_where_asked(generator: torch.Generator) -> None:
    spread = PixelSpread(
        offset_sd_adu=torch.tensor([0.0, 2.0]), gain_sd=torch.tensor([0.0, 0.02]),
        read_noise_log_sd=torch.tensor([0.0, 0.3]),
    )  # fmt: skip
    camera = spread.applied(preset("scmos"), shape=(2, 200, 200), generator=generator)
    maps = [torch.as_tensor(m) for m in (camera.offset_adu, camera.e_per_adu, camera.read_noise_e)]
    assert [tuple(m.shape) for m in maps] == [(2, 1, 200, 200)] * 3
    assert [float(m[0].std()) for m in maps] == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    assert float(maps[0][1].std()) == pytest.approx(2.0, rel=0.03)
    assert float((0.46 / maps[1][1]).std()) == pytest.approx(0.02, rel=0.03)
    assert float(maps[2][1].log().std()) == pytest.approx(0.3, rel=0.03)


def test_storm_analysis_maps_are_offset_variance_and_gain(tmp_path: Path) -> None:
    maps = np.stack([np.full((4, 6), 90.0), np.full((4, 6), 8.0), np.full((4, 6), 2.0)])
    np.save(tmp_path / "calib.npy", maps)
    camera = Camera.from_maps(tmp_path / "calib.npy", qe=0.8)
    # Two counts per electron: half an electron per count, and sqrt(8) counts of noise are sqrt(2) electrons.
    assert float(camera.to_photons(torch.full((4, 6), 110.0))[0, 0]) == pytest.approx(10.0 / 0.8)
    torch.testing.assert_close(camera.read_noise_e, torch.full((4, 6), math.sqrt(2.0)))


def test_shared_storm_analysis_calibration_is_read(generator: torch.Generator) -> None:
    path = SHARED / "storm-analysis" / "calib.npy"
    if not path.exists():
        pytest.skip(f"{path} is absent: its maps are not read")
    camera = Camera.from_maps(path, qe=1.0)
    light = torch.full((2, 3, 256, 256), 50.0)
    photons = camera.to_photons(camera.expose(light, generator=generator))
    assert float(photons.mean()) == pytest.approx(50.0, abs=4.0 * math.sqrt(51.0 / photons.numel()))


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.ones((2, 4, 4)), r"holds float64 \(2, 4, 4\), expected 3 x H x W"),
        (np.full((3, 4, 4), np.nan), "not finite"),
        (np.stack([np.ones((4, 4)), np.ones((4, 4)), np.zeros((4, 4))]), "gain map has 16 impossible"),
        (np.stack([np.ones((4, 4)), -np.ones((4, 4)), np.ones((4, 4))]), "variance map has 16 impossible"),
        (None, "not camera maps"),
    ],
)
def test_maps_that_cannot_be_used_are_named(tmp_path: Path, maps: np.ndarray | None, message: str) -> None:
    path = tmp_path / "maps.npy"
    if maps is None:
        path.write_bytes(b"\x80\x04not numpy")
    else:
        np.save(path, maps)
    with pytest.raises(CameraMapError, match=message) as caught:
        Camera.from_maps(path)
    assert str(path) in str(caught.value)
