"""The wave model against closed forms and symmetries."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import j1
from torch import Tensor

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.psf import render
from blinkd_models.psf.masks import double_helix, pupil_points, read_mask, saddle_point, tetrapod
from blinkd_models.psf.pupil import Optics, Pupil
from blinkd_models.psf.zernike import name, orders, osa_from_noll, zernike

SCALAR = Optics(na=0.9, wavelength_nm=600.0, pixel_size_nm=40.0, index_immersion=1.0, vectorial=False)
OIL = Optics(na=1.4, wavelength_nm=670.0, pixel_size_nm=100.0)
MASK = Path(__file__).resolve().parents[4] / "shared/data/deepstorm3d/mask_tetrapod.mat"


def _z(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _astigmatic(coefficient: float, *, noll: int = 6) -> Pupil:
    return Pupil(optics=OIL, noll=(noll,), zernike_rad=_z(coefficient))


def _widths(image: Tensor, *, within_px: float = 5.0) -> tuple[float, float]:
    """Variance along rows and along columns, of the light near the centre."""
    side = torch.arange(image.shape[0], dtype=image.dtype) - image.shape[0] // 2
    near = image * (side[:, None] ** 2 + side**2 <= within_px**2)
    share = near / near.sum()
    return float((share.sum(1) * side**2).sum()), float((share.sum(0) * side**2).sum())


def _long_axis(image: Tensor) -> tuple[float, float]:
    """Angle of the bright part's long axis from columns towards rows, and how far from round it is, 0 to 1."""
    side = torch.arange(image.shape[0], dtype=image.dtype) - image.shape[0] // 2
    bright = image * (image > 0.4 * image.max())
    across, down = bright.sum(0), bright.sum(1)
    uu, vv, uv = float(across @ side**2), float(down @ side**2), float(side @ bright @ side)
    return 0.5 * math.atan2(2 * uv, uu - vv), math.hypot(2 * uv, uu - vv) / (uu + vv)


def _airy(*, size_px: int, optics: Optics) -> Tensor:
    """(2 J1(v) / v)^2 integrated over pixels by Gauss-Legendre, as share of all light."""
    nodes, weights = np.polynomial.legendre.leggauss(5)
    place = ((np.arange(size_px) - size_px // 2)[:, None] + 0.5 * nodes) * optics.pixel_size_nm
    v = 2 * np.pi * optics.na / optics.wavelength_nm * np.hypot(place[:, :, None, None], place[None, None])
    v = np.maximum(v, 1e-9)
    density = np.pi * (optics.na / optics.wavelength_nm) ** 2 * (2 * j1(v) / v) ** 2
    pixels = np.einsum("iajb,a,b->ij", density, weights / 2, weights / 2) * optics.pixel_size_nm**2
    return torch.from_numpy(pixels)


def test_zernikes_are_orthonormal_on_the_disc() -> None:
    nodes, weights = (torch.from_numpy(p) for p in np.polynomial.legendre.leggauss(24))
    angle = torch.arange(64, dtype=torch.float64) * (2 * math.pi / 64)
    radius, weight = 0.5 * (nodes + 1.0), 0.5 * weights
    shapes = zernike(range(1, 46), radius=radius[:, None].expand(24, 64), angle=angle[None].expand(24, 64))
    inner = torch.einsum("irt,jrt,r->ij", shapes, shapes, weight * radius) * 2.0 / 64
    assert torch.allclose(inner, torch.eye(45, dtype=torch.float64), atol=1e-11)


def test_noll_indices_are_those_of_his_table() -> None:
    table = {1: (0, 0), 2: (1, 1), 3: (1, -1), 4: (2, 0), 5: (2, -2), 6: (2, 2), 7: (3, -1), 8: (3, 1), 9: (3, -3)}
    table |= {10: (3, 3), 11: (4, 0), 12: (4, 2), 13: (4, -2), 14: (4, 4), 15: (4, -4), 21: (5, -5), 22: (6, 0)}
    assert {noll: orders(noll) for noll in table} == table
    assert [osa_from_noll(noll) for noll in (1, 2, 3, 4, 5, 6, 11)] == [0, 2, 1, 4, 3, 5, 12]
    assert name(11) == "spherical"
    with pytest.raises(ValueError, match="counts from 1"):
        orders(0)


def test_clear_scalar_pupil_in_focus_is_the_airy_pattern() -> None:
    image = Pupil(optics=SCALAR, count=128).stack(z_nm=_z(0.0), size_px=31)[0]
    airy = _airy(size_px=31, optics=SCALAR)
    assert float((image - airy).abs().max() / airy.max()) < 1e-4
    assert float(image.sum()) == pytest.approx(float(airy.sum()), abs=1e-3)


def test_light_is_conserved_through_focus() -> None:
    wide = Pupil(optics=OIL, count=128, noll=(6, 8, 11), zernike_rad=_z(0.8, 0.4, -0.3))
    sums = wide.stack(z_nm=_z(-600.0, -200.0, 0.0, 300.0, 600.0), size_px=101).sum((1, 2))
    assert float(sums.max()) < 1.0
    assert float(sums.min()) > 0.94
    assert float(sums.max() - sums.min()) < 0.02


def test_finer_samples_change_nothing() -> None:
    pupil = _astigmatic(1.0)
    coarse, fine = (replace(pupil, oversampling=n).stack(z_nm=_z(-300.0, 250.0), size_px=21) for n in (1, 4))
    assert OIL.oversampling == 1
    assert float((coarse - fine).abs().max() / fine.max()) < 2e-3


def test_without_aberration_both_sides_of_the_focus_are_alike() -> None:
    below, above = Pupil(optics=OIL).stack(z_nm=_z(-350.0, 350.0), size_px=21)
    assert torch.allclose(below, above, atol=1e-12)
    assert torch.allclose(below, below.flip(0).T.flip(1), atol=1e-12)


def test_positive_vertical_astigmatism_is_narrow_along_columns_above_the_focus() -> None:
    above, below = _astigmatic(1.0).stack(z_nm=_z(300.0, -300.0), size_px=21)
    rows, cols = _widths(above)
    assert cols < 0.6 * rows
    rows, cols = _widths(below)
    assert rows < 0.6 * cols


def test_oblique_astigmatism_is_narrow_along_the_falling_diagonal_above_the_focus() -> None:
    above = _astigmatic(1.0, noll=5).stack(z_nm=_z(300.0), size_px=21)[0]
    side = torch.arange(21, dtype=torch.float64) - 10
    falling, rising = ((above * (side[:, None] + sign * side) ** 2).sum() for sign in (1, -1))
    assert float(falling) < 0.8 * float(rising)


def test_polarization_fades_with_the_square_of_the_aperture() -> None:
    def apart(na: float) -> float:
        optics = Optics(na=na, wavelength_nm=670.0, pixel_size_nm=100.0 / na)
        one, other = (Pupil(optics=replace(optics, vectorial=v)).stack(z_nm=_z(0.0), size_px=15) for v in (True, False))
        return float((one - other).abs().max() / other.max())

    assert apart(0.1) < 2e-3
    assert apart(0.2) / apart(0.1) == pytest.approx(4.0, rel=0.05)
    assert apart(1.4) > 0.1


def test_emitter_moves_with_row_and_column() -> None:
    still = Pupil(optics=OIL).stack(z_nm=_z(100.0), size_px=21)[0]
    moved = Pupil(optics=OIL).stack(z_nm=_z(100.0), size_px=21, row_px=2.0, col_px=-3.0)[0]
    assert torch.allclose(moved[4:19, 3:16], still[2:17, 6:19], atol=2e-5)
    half = Pupil(optics=OIL).stack(z_nm=_z(0.0), size_px=41, row_px=0.5)[0]
    assert torch.allclose(half[1:], half[1:].flip(0), atol=1e-9)


def test_blur_adds_its_variance() -> None:
    sharp = Pupil(optics=SCALAR)
    wide = replace(sharp, blur_px=torch.tensor(1.5, dtype=torch.float64))
    before, after = (p.stack(z_nm=_z(0.0), size_px=61)[0] for p in (sharp, wide))
    assert float(after.sum()) == pytest.approx(float(before.sum()), abs=3e-3)
    grain = torch.arange(-8.0, 9.0, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (grain / 1.5) ** 2)
    kernel = (kernel / kernel.sum())[None, None, None]
    again = torch.conv2d(torch.conv2d(before[None, None], kernel), kernel.transpose(2, 3))[0, 0]
    assert float((again - after[8:-8, 8:-8]).abs().max() / after.max()) < 2e-3


def test_every_parameter_has_the_right_slope() -> None:
    start = {
        "zernike_rad": _z(0.6, -0.3),
        "blur_px": torch.tensor(0.6, dtype=torch.float64),
        "z_nm": _z(120.0),
        "row_px": torch.tensor(0.2, dtype=torch.float64),
        "mask_rad": 0.1 * saddle_point(32),
    }

    def drawn(zernike_rad: Tensor, blur_px: Tensor, z_nm: Tensor, row_px: Tensor, mask_rad: Tensor) -> Tensor:
        pupil = Pupil(optics=OIL, noll=(6, 8), zernike_rad=zernike_rad, blur_px=blur_px, mask_rad=mask_rad, count=32)
        return pupil.stack(z_nm=z_nm, size_px=7, row_px=row_px)[0, 2, 4]

    values = [v.clone().requires_grad_() for v in start.values()]
    slopes = torch.autograd.grad(drawn(*values), values)
    for index, (value, slope) in enumerate(zip(start.values(), slopes, strict=True)):
        step = torch.zeros_like(value)
        place = tuple(n // 2 for n in value.shape)
        step[place] = 1e-4
        up, down = (drawn(*[v + s * step if i == index else v for i, v in enumerate(start.values())]) for s in (1, -1))
        assert float(slope[place]) == pytest.approx(float(up - down) / 2e-4, rel=1e-4, abs=1e-12)


def test_in_water_a_molecule_moves_less_than_it_seems_to_under_oil() -> None:
    """Paraxially the focus shift of a depth d in water is d n_oil / n_water; the objective sees z stretched as much."""
    optics = Optics(na=0.5, wavelength_nm=670.0, pixel_size_nm=200.0, moves="emitter", index_sample=1.33)
    focus = torch.arange(-2.0, 2.01, 0.1, dtype=torch.float64) * 1000.0 + 11_414.0
    peaks = [
        Pupil(optics=replace(optics, depth_nm=10_000.0, focus_nm=float(f))).stack(z_nm=_z(0.0), size_px=3)[0, 1, 1]
        for f in focus
    ]
    best = float(focus[int(torch.stack(peaks).argmax())])
    assert best == pytest.approx(10_000.0 * 1.518 / 1.33, abs=250.0)


def test_light_beyond_the_critical_angle_reaches_the_objective_only_from_close_by() -> None:
    tirf = Optics(na=1.49, wavelength_nm=670.0, pixel_size_nm=65.0, index_sample=1.33, moves="emitter")
    near, far = (Pupil(optics=replace(tirf, depth_nm=d))._waves(_z(0.0))[1] for d in (0.0, 1000.0))
    assert float(far) < 0.8 * float(near)


@pytest.mark.parametrize("mask", [saddle_point(64), tetrapod(64)])
def test_two_lobes_turn_by_a_right_angle_through_focus(mask: Tensor) -> None:
    below, above = Pupil(optics=OIL, mask_rad=mask).stack(z_nm=_z(-1200.0, 1200.0), size_px=41)
    (angle, length), (angle_above, length_above) = _long_axis(below), _long_axis(above)
    assert angle == pytest.approx(0.0, abs=0.01)
    assert abs(angle_above) == pytest.approx(math.pi / 2, abs=0.01)
    assert min(length, length_above) > 0.8


def test_double_helix_turns_with_z() -> None:
    images = Pupil(optics=OIL, mask_rad=double_helix(64)).stack(z_nm=_z(-400.0, 0.0, 400.0), size_px=31)
    angles, lengths = zip(*(_long_axis(image) for image in images), strict=True)
    steps = [math.remainder(b - a, math.pi) for a, b in itertools.pairwise(angles)]
    assert min(lengths) > 0.7
    assert steps[0] == pytest.approx(steps[1], abs=0.05)
    assert 0.2 < abs(steps[0]) < 1.2


def test_recorded_mask_makes_the_tetrapod_it_was_made_for() -> None:
    if not MASK.is_file():
        pytest.skip(f"no {MASK.name} in shared/data beside the repository")
    mask = read_mask(MASK)
    assert mask.shape == (165, 165)
    pupil = Pupil(optics=replace(OIL, pixel_size_nm=110.0), mask_rad=mask, count=128)
    below, above = pupil.stack(z_nm=_z(-1500.0, 1500.0), size_px=61)
    (angle, length), (angle_above, length_above) = _long_axis(below), _long_axis(above)
    assert abs(math.remainder(angle - angle_above, math.pi)) == pytest.approx(math.pi / 2, abs=0.1)
    assert min(length, length_above) > 0.8
    assert float(above.sum()) > 0.85


def test_mask_file_without_a_square_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mask.npy"
    np.save(path, np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"mask\.npy.*square"):
        read_mask(path)


def test_spline_of_a_pupil_is_the_pupil() -> None:
    pupil = replace(_astigmatic(0.8), radius_px=8)
    spline = pupil.spline(z_nm=torch.arange(-500.0, 501.0, 25.0, dtype=torch.float64), size_px=21)
    where = {"row_px": _z(0.3, -0.2), "col_px": _z(-0.4, 0.1), "z_nm": _z(-310.0, 287.0)}
    first = torch.zeros(2, dtype=torch.long)
    exact, fast = (p.patches(sequence=first, **where) for p in (pupil, spline))
    cut = (fast.shape[1] - exact.shape[1]) // 2
    fast = fast[:, cut : cut + exact.shape[1], cut : cut + exact.shape[2]]
    assert float((exact - fast).abs().max() / exact.max()) < 0.01


def test_pupil_draws_and_bounds_like_any_psf() -> None:
    pupil = replace(_astigmatic(0.8), radius_px=6)
    first, one = torch.zeros(1, dtype=torch.long), torch.ones(1, dtype=torch.float64)
    where = {"row_px": one * 10.2, "col_px": one * 9.9, "z_nm": one * 50.0, "photons": one * 1000.0}
    image = render(psf=pupil, image=first, sequence=first, shape=(1, 21, 21), **where)
    assert 700.0 < float(image.sum()) < 1000.0
    bound = crlb_variance(psf=pupil, sequence=first, background=one * 5.0, camera=Camera(), z=True, **where).sqrt()[0]
    assert 3.0 < float(bound[0]) * OIL.pixel_size_nm < 30.0
    assert 10.0 < float(bound[2]) < 100.0


def test_aperture_beyond_the_immersion_is_refused() -> None:
    with pytest.raises(ValueError, match=r"NA 1\.49 .* 1\.33.*oil 1\.518"):
        Optics(na=1.49, wavelength_nm=670.0, pixel_size_nm=65.0, index_immersion=1.33)
    with pytest.raises(ValueError, match="wavelength_nm is 0"):
        Optics(na=1.4, wavelength_nm=0.0, pixel_size_nm=65.0)


def test_pupil_points_reach_from_rim_to_rim() -> None:
    radius, angle = pupil_points(64)
    assert float(radius[:, 32].max()) == pytest.approx(1.0 - 1.0 / 64, abs=1e-3)
    assert float(angle[63, 32]) == pytest.approx(math.pi / 2, abs=0.02)
