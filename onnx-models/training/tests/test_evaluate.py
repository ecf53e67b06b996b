"""Matching, metrics, and the Cramér-Rao bound."""

import math

import numpy as np
import pytest
import torch

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.evaluate import Condition, Matches, evaluate, match, nominal_crlb_nm
from blinkd_models.infer import PostProcess
from blinkd_models.network import Architecture, Decode
from blinkd_models.psf import Gaussian2d
from blinkd_models.target import Scales


def _match(truth: list[tuple[int, float, float]], found: list[tuple[int, float, float]], **options: float) -> Matches:
    t, f = (np.array(side, dtype=float).reshape(-1, 3) for side in (truth, found))
    frames = t[:, 0].astype(np.int64), f[:, 0].astype(np.int64)
    return match(truth_frame=frames[0], truth_nm=t[:, 1:], found_frame=frames[1], found_nm=f[:, 1:], **options)


def test_counts_and_errors_of_a_small_example() -> None:
    matches = _match([(0, 0, 0), (0, 1000, 0), (1, 0, 0)], [(0, 3, 4), (1, 0, 300), (1, 0, -12)])
    assert len(matches.truth) == 2
    assert matches.jaccard == pytest.approx(2 / 4)
    assert matches.precision == pytest.approx(2 / 3)
    assert matches.recall == pytest.approx(2 / 3)
    assert matches.rmse_nm == pytest.approx(math.sqrt((25 + 144) / 2))
    assert matches.efficiency == pytest.approx(1 - math.hypot(0.5, 1e-2 * matches.rmse_nm))


def test_matching_is_one_to_one_and_finds_the_most_pairs() -> None:
    matches = _match([(0, 0, 0), (0, 200, 0)], [(0, 190, 0), (0, 420, 0)])
    assert len(matches.truth) == 2
    assert len(_match([(0, 0, 0)], [(0, 1, 0), (0, 2, 0)]).truth) == 1


def test_other_frames_and_distant_pairs_do_not_match() -> None:
    assert len(_match([(0, 0, 0)], [(1, 0, 0)]).truth) == 0
    assert len(_match([(0, 0, 0)], [(0, 251, 0)]).truth) == 0
    assert len(_match([(0, 0, 0)], [(0, 249, 0)]).truth) == 1


def _bound(*, photons: float, sigma: float, background: float) -> torch.Tensor:
    one = torch.ones(1)
    camera = Camera(qe=1.0, read_noise_e=0.0)
    return crlb_variance(
        psf=Gaussian2d(sigma_px=one * sigma),
        sequence=torch.zeros(1, dtype=torch.long),
        row_px=one * 0.2,
        col_px=one * -0.1,
        z_nm=one * 0.0,
        photons=one * photons,
        background=one * background,
        camera=camera,
        z=False,
    )[0]


def test_bound_without_background_is_sigma_squared_over_photons() -> None:
    # sigma much larger than a pixel, so that pixels do not matter; the pixel adds 1/12
    variance = _bound(photons=1000.0, sigma=2.0, background=1e-6)
    assert float(variance[0]) == pytest.approx((2.0**2 + 1 / 12) / 1000.0, rel=0.03)
    assert float(variance[3]) == pytest.approx(1000.0, rel=0.03)


def test_bound_with_background_follows_the_mle_formula_of_mortensen() -> None:
    photons, sigma, background = 1000.0, 1.2, 20.0
    width = sigma**2 + 1 / 12
    tau = 2 * math.pi * width * background / photons
    integral = sum(math.log(t) / (1 + t / tau) for t in (np.arange(200_000) + 0.5) / 200_000) / 200_000
    expected = width / photons / (1 + integral)
    assert float(_bound(photons=photons, sigma=sigma, background=background)[0]) == pytest.approx(expected, rel=0.05)


def test_bound_grows_with_background_and_read_noise() -> None:
    quiet = nominal_crlb_nm(Condition(background_photons=5.0))
    assert nominal_crlb_nm(Condition(background_photons=100.0)) > quiet
    assert nominal_crlb_nm(Condition(background_photons=5.0, camera=Camera(read_noise_e=5.0))) > quiet


def test_an_untrained_network_scores_nothing_but_does_not_fail() -> None:
    torch.manual_seed(0)
    model = Decode(Architecture(features=4)).eval()
    condition = Condition(size_px=32, frames=4)
    metrics = evaluate(model, condition=condition, scales=Scales(), post=PostProcess(), grid_px=8, appearances=50)
    assert metrics.ji == 0.0
    assert math.isnan(metrics.rmse_lateral_nm)
