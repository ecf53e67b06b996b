"""The bound against closed forms, analytic derivatives, and noise drawn by the camera."""

import math

import numpy as np
import pytest
import torch
from scipy.special import erf

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.evaluate.bound import IDEAL_CAMERA
from blinkd_models.evaluate.condition import Condition, nominal_crlb_nm, nominal_variance_nm2
from blinkd_models.evaluate.optics_range import OpticsRange
from blinkd_models.psf import Astigmatic, Gaussian2d, Psf

SIDE = np.arange(-7, 8)


def _bounds(
    psf: Psf, *, row: float, col: float, z: float, photons: float, background: float, volume: bool
) -> np.ndarray:
    def one(value: float) -> torch.Tensor:
        return torch.tensor([value], dtype=torch.float64)

    variance = crlb_variance(
        psf=psf, sequence=torch.zeros(1, dtype=torch.long), row_px=one(row), col_px=one(col), z_nm=one(z),
        photons=one(photons), background=one(background), camera=IDEAL_CAMERA, z=volume,
    )  # fmt: skip
    return variance[0].numpy()


def _profile(centre: float, sigma: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of a Gaussian per pixel, and its derivatives by the centre and by sigma, as textbooks write them."""
    high, low = SIDE + 0.5 - centre, SIDE - 0.5 - centre
    share = 0.5 * (erf(high / (math.sqrt(2.0) * sigma)) - erf(low / (math.sqrt(2.0) * sigma)))
    density_high, density_low = (np.exp(-0.5 * (d / sigma) ** 2) / math.sqrt(2.0 * math.pi) for d in (high, low))
    return share, (density_low - density_high) / sigma, (low * density_low - high * density_high) / sigma**2


@pytest.mark.parametrize("z", [-500.0, -200.0, 0.0, 90.0, 430.0])
def test_bound_of_the_astigmatic_psf_equals_that_of_analytic_derivatives(z: float) -> None:
    sigma0, focus, depth, photons, background, row, col = 1.2, 200.0, 400.0, 1500.0, 12.0, 0.17, -0.31
    widths, slopes = [], []
    for from_focus in (z + focus, z - focus):
        widths.append(sigma0 * math.sqrt(1.0 + (from_focus / depth) ** 2))
        slopes.append(sigma0**2 * from_focus / (depth**2 * widths[-1]))
    (r, dr, dr_sigma), (c, dc, dc_sigma) = _profile(row, widths[0]), _profile(col, widths[1])
    image = photons * np.outer(r, c) + background
    by_z = np.outer(dr_sigma * slopes[0], c) + np.outer(r, dc_sigma * slopes[1])
    parts = [photons * np.outer(dr, c), photons * np.outer(r, dc), photons * by_z, np.outer(r, c), np.ones((15, 15))]
    jacobian = np.stack([part.ravel() for part in parts])
    expected = np.diag(np.linalg.inv((jacobian / image.ravel()) @ jacobian.T))

    def one(value: float) -> torch.Tensor:
        return torch.tensor([value], dtype=torch.float64)

    psf = Astigmatic(sigma_px=one(sigma0), focus_nm=one(focus), depth_nm=one(depth))
    actual = _bounds(psf, row=row, col=col, z=z, photons=photons, background=background, volume=True)
    assert actual == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("z", [-450.0, 60.0])
def test_bound_of_optics_in_doubt_equals_that_of_analytic_derivatives_with_a_prior(z: float) -> None:
    sigma0, focus, depth, photons, background, row, col = 1.2, 200.0, 400.0, 4000.0, 12.0, 0.17, -0.31
    u = np.array([z + focus, z - focus]) / depth
    root = np.sqrt(1.0 + u**2)
    # Of the widths along rows and columns: by z, sigma0, focus and depth.
    by = [sigma0 * u / root / depth, root, sigma0 * u / root / depth * [1.0, -1.0], -sigma0 * u**2 / root / depth]
    (r, dr, dr_sigma), (c, dc, dc_sigma) = (_profile(at, sigma0 * w) for at, w in zip((row, col), root, strict=True))
    image = photons * np.outer(r, c) + background
    wide = [photons * (np.outer(dr_sigma * slope[0], c) + np.outer(r, dc_sigma * slope[1])) for slope in by]
    parts = [
        photons * np.outer(dr, c),
        photons * np.outer(r, dc),
        wide[0],
        np.outer(r, c),
        np.ones((15, 15)),
        *wide[1:],
    ]
    jacobian = np.stack([part.ravel() for part in parts])
    sds = {"sigma_px": 0.035, "focus_nm": 6.0, "depth_nm": 12.0}
    prior = np.diag([0.0] * 5 + [sd**-2 for sd in sds.values()])
    expected = np.diag(np.linalg.inv((jacobian / image.ravel()) @ jacobian.T + prior))[:5]

    def one(value: float) -> torch.Tensor:
        return torch.tensor([value], dtype=torch.float64)

    psf = Astigmatic(sigma_px=one(sigma0), focus_nm=one(focus), depth_nm=one(depth))
    half = math.sqrt(3.0)
    span = OpticsRange(
        sigma_nm=(100.0 * (sigma0 - half * 0.035), 100.0 * (sigma0 + half * 0.035)),
        focus_nm=(focus - half * 6.0, focus + half * 6.0),
        depth_nm=(depth - half * 12.0, depth + half * 12.0),
    )
    actual = crlb_variance(
        psf=psf, sequence=torch.zeros(1, dtype=torch.long), row_px=one(row), col_px=one(col), z_nm=one(z),
        photons=one(photons), background=one(background), camera=IDEAL_CAMERA, z=True,
        doubts=span.doubts(psf, pixel_size_nm=100.0),
    )  # fmt: skip
    assert actual[0].numpy() == pytest.approx(expected, rel=1e-4)
    known = _bounds(psf, row=row, col=col, z=z, photons=photons, background=background, volume=True)
    assert actual[0, 2] > 1.05 * known[2]


def test_constants_that_are_known_leave_the_bound_as_it_is() -> None:
    psf = Gaussian2d(sigma_px=torch.tensor([1.2], dtype=torch.float64))
    assert OpticsRange(sigma_nm=(120.0, 120.0)).doubts(psf, pixel_size_nm=100.0) == []
    content = {"psf": {"kind": "gaussian"}, "range": {"psf_sigma_nm": [110.0, 160.0]}}
    assert OpticsRange.of_card(content) == OpticsRange(sigma_nm=(110.0, 160.0))


@pytest.mark.parametrize(
    ("sigma", "photons", "background"), [(1.3, 1000.0, 10.0), (1.5, 3000.0, 40.0), (1.2, 500.0, 2.0)]
)
def test_bound_of_a_round_psf_follows_the_closed_form_of_rieger_and_stallinga(
    sigma: float, photons: float, background: float
) -> None:
    # sigma_a^2 / N (1 + 4 tau + sqrt(2 tau / (1 + 4 tau))), tau = 2 pi sigma_a^2 b / N
    psf = Gaussian2d(sigma_px=torch.tensor([sigma], dtype=torch.float64))
    widened = sigma**2 + 1.0 / 12.0
    tau = 2.0 * math.pi * widened * background / photons
    expected = widened / photons * (1.0 + 4.0 * tau + math.sqrt(2.0 * tau / (1.0 + 4.0 * tau)))
    actual = _bounds(psf, row=0.2, col=0.1, z=0.0, photons=photons, background=background, volume=False)
    assert math.sqrt(actual[0] / expected) == pytest.approx(1.0, abs=0.03)
    assert math.isnan(actual[2])


def test_bound_without_background_is_sigma_squared_over_photons() -> None:
    # sigma much larger than a pixel, so that pixels do not matter; the pixel adds 1/12 (Thompson et al.)
    psf = Gaussian2d(sigma_px=torch.tensor([2.0], dtype=torch.float64))
    variance = _bounds(psf, row=0.2, col=-0.1, z=0.0, photons=1000.0, background=1e-6, volume=False)
    assert variance[0] == pytest.approx((2.0**2 + 1 / 12) / 1000.0, rel=0.03)
    assert variance[3] == pytest.approx(1000.0, rel=0.03)


def test_bound_with_background_follows_the_mle_formula_of_mortensen() -> None:
    photons, sigma, background = 1000.0, 1.2, 20.0
    width = sigma**2 + 1 / 12
    tau = 2 * math.pi * width * background / photons
    integral = sum(math.log(t) / (1 + t / tau) for t in (np.arange(200_000) + 0.5) / 200_000) / 200_000
    psf = Gaussian2d(sigma_px=torch.tensor([sigma], dtype=torch.float64))
    variance = _bounds(psf, row=0.2, col=-0.1, z=0.0, photons=photons, background=background, volume=False)
    assert variance[0] == pytest.approx(width / photons / (1 + integral), rel=0.05)


def test_an_efficient_estimate_on_frames_of_the_camera_spreads_as_the_bound_says(generator: torch.Generator) -> None:
    # One step of Fisher scoring from the truth: its variance is the bound if the camera's noise is what is assumed.
    camera, sigma, photons, background, repeats = Camera(), 1.25, 2000.0, 20.0, 4000
    share, slope, _ = _profile(0.2, sigma)
    image = photons * np.outer(share, share) + background
    parts = [
        photons * np.outer(slope, share),
        photons * np.outer(share, slope),
        np.outer(share, share),
        np.ones((15, 15)),
    ]
    jacobian = np.stack([part.ravel() for part in parts])
    expected = torch.from_numpy(image).float().expand(repeats, 15, 15)
    frames = camera.to_photons(camera.expose(expected, generator=generator)).double().numpy().reshape(repeats, -1)
    weight = 1.0 / camera.noise_variance(torch.from_numpy(image)).numpy().ravel()
    fisher = (jacobian * weight) @ jacobian.T
    steps = np.linalg.solve(fisher, (jacobian * weight) @ (frames - image.ravel()).T)
    one = torch.tensor([0.2], dtype=torch.float64)
    bound = crlb_variance(
        psf=Gaussian2d(sigma_px=torch.tensor([sigma], dtype=torch.float64)), sequence=torch.zeros(1, dtype=torch.long),
        row_px=one, col_px=one, z_nm=0.0 * one, photons=one / 0.2 * photons, background=one / 0.2 * background,
        camera=camera, z=False,
    )[0]  # fmt: skip
    measured = steps.var(axis=1)
    for index, name in enumerate((0, 1, 3, 4)):
        assert math.sqrt(measured[index] / float(bound[name])) == pytest.approx(1.0, abs=0.04)


def test_bound_grows_with_background_and_read_noise() -> None:
    quiet = nominal_crlb_nm(Condition(background_photons=5.0))
    assert nominal_crlb_nm(Condition(background_photons=100.0)) > quiet
    assert nominal_crlb_nm(Condition(background_photons=5.0, camera=Camera(read_noise_e=5.0))) > quiet


def test_bound_of_a_condition_in_depth_has_a_third_axis() -> None:
    flat, deep = nominal_variance_nm2(Condition()), nominal_variance_nm2(Condition(z_nm=(-500.0, 500.0)))
    assert math.isnan(flat[2])
    assert deep[2] > deep[:2].sum() > flat[:2].sum()


def test_any_psf_may_take_the_place_of_the_gaussian() -> None:
    measured = Astigmatic(sigma_px=torch.tensor([1.2]), focus_nm=torch.tensor([200.0]), depth_nm=torch.tensor([400.0]))
    by_hand = nominal_variance_nm2(Condition(psf_sigma_nm=132.0, z_nm=(-300.0, 300.0)))
    given = nominal_variance_nm2(Condition(psf=measured, z_nm=(-300.0, 300.0)))
    assert given == pytest.approx(by_hand, rel=1e-4)
