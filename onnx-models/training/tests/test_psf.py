"""The rendered spot against numerical integration."""

import math

import pytest
import torch

from blinkd_models.psf import Astigmatic, Gaussian2d, render
from blinkd_models.psf.gaussian import pixel_fraction


def _spot(row: float, col: float, *, sigma: float = 1.2, size: int = 31) -> torch.Tensor:
    one = torch.ones(1)
    first = torch.zeros(1, dtype=torch.long)
    return render(
        psf=Gaussian2d(sigma_px=one * sigma),
        image=first,
        sequence=first,
        row_px=one * row,
        col_px=one * col,
        z_nm=one * 0.0,
        photons=one * 1000.0,
        shape=(1, size, size),
    )[0]


def test_all_photons_land_on_the_image() -> None:
    assert float(_spot(15.3, 14.8).sum()) == pytest.approx(1000.0, rel=1e-5)


def test_pixel_value_is_the_integral_over_the_pixel() -> None:
    fine = torch.linspace(-0.5, 0.5, 20_001, dtype=torch.float64)[:-1] + 0.5 / 20_000
    density = torch.exp(-0.5 * ((1.0 - 0.3 + fine) / 1.2) ** 2) / (1.2 * math.sqrt(2 * math.pi))
    share = pixel_fraction(torch.tensor(0.7, dtype=torch.float64), sigma_px=torch.tensor(1.2, dtype=torch.float64))
    assert float(share) == pytest.approx(float(density.mean()), rel=1e-7)


def test_centre_of_mass_is_the_position_with_pixel_centres_at_integers() -> None:
    spot = _spot(15.3, 12.8)
    index = torch.arange(31.0)
    assert float((spot.sum(1) * index).sum() / spot.sum()) == pytest.approx(15.3, abs=1e-3)
    assert float((spot.sum(0) * index).sum() / spot.sum()) == pytest.approx(12.8, abs=1e-3)


def test_emitter_beyond_the_edge_leaves_only_its_tail() -> None:
    assert 0.0 < float(_spot(-1.0, 15.0).sum()) < 500.0


def test_astigmatic_widths_cross_in_focus_and_swap_with_the_sign_of_z() -> None:
    psf = Astigmatic(sigma_px=torch.tensor([1.2]), focus_nm=torch.tensor([250.0]), depth_nm=torch.tensor([400.0]))
    z = torch.tensor([0.0, 300.0, -300.0])
    rows, cols = psf.widths(sequence=torch.zeros(3, dtype=torch.long), z_nm=z)
    assert float(rows[0]) == pytest.approx(float(cols[0]))
    assert float(rows[1]) == pytest.approx(float(cols[2]))
    assert float(rows[1]) > float(cols[1])
