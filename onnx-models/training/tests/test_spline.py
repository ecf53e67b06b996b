"""The cubic-spline PSF: against its samples, against reference evaluations, and in the files of SMAP."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from blinkd_models.camera import Camera
from blinkd_models.crlb import crlb_variance
from blinkd_models.psf import CubicSpline, Gaussian2d, Psf, read_3dcal, render, write_3dcal
from blinkd_models.psf.smap import CalibrationFileError

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
REFERENCE = SHARED / "spline" / "made_3densestorm_bead_3dcal.mat"


def _shared(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path} is absent: the reference evaluations are not checked")
    return path


def _patches(spline: CubicSpline, row: Any, col: Any, z: Any) -> torch.Tensor:
    row, col, z = (torch.as_tensor(value, dtype=torch.float64).reshape(-1) for value in (row, col, z))
    return spline.patches(sequence=torch.zeros(len(row), dtype=torch.long), row_px=row, col_px=col, z_nm=z)


@pytest.fixture
def stack(generator: torch.Generator) -> torch.Tensor:
    return torch.rand((9, 11, 11), generator=generator, dtype=torch.float64)


@pytest.fixture
def spline(stack: torch.Tensor) -> CubicSpline:
    return CubicSpline.fit(stack, dz_nm=20.0, z0=4.0)


def test_every_reference_evaluation_is_met() -> None:
    with _shared(REFERENCE.with_name("made_3densestorm_bead_3dcal_ref_eval.csv")).open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    spline = read_3dcal(REFERENCE)
    x, y, z = (np.array([row[n] for row in rows]) for n in ("emitter_dx_px", "emitter_dy_px", "emitter_z_nm"))
    patches = _patches(spline, x - np.round(x), y - np.round(y), z)
    r = spline.radius_px
    for row, patch in zip(rows, patches, strict=True):
        at_row = int(row["pixel_dx"] - round(row["emitter_dx_px"])) + r
        at_col = int(row["pixel_dy"] - round(row["emitter_dy_px"])) + r
        assert float(patch[at_row, at_col]) == pytest.approx(row["psf_value"], abs=1e-6)
    assert len(rows) == 360


def test_the_reference_calibration_lies_transposed_and_can_be_turned() -> None:
    tifffile = pytest.importorskip("tifffile")
    beads = tifffile.imread(_shared(SHARED / "3densestorm" / "calibration.tif")).astype(float)
    turned = read_3dcal(_shared(REFERENCE), transpose=True)
    drawn = _patches(turned, torch.zeros(73), torch.zeros(73), torch.arange(-36.0, 37.0) * 10.0)[:, :14, :14].numpy()
    # The bead's middle is pixel (15, 16) of the stack; planes 4 to 76 were used.
    bead = beads[4:77, 8:22, 9:23]
    assert np.corrcoef(bead.ravel(), drawn.ravel())[0, 1] > 0.99
    assert np.corrcoef(bead.ravel(), drawn.transpose(0, 2, 1).ravel())[0, 1] < 0.99


def test_fit_meets_its_samples(spline: CubicSpline, stack: torch.Tensor) -> None:
    depth = (torch.arange(9.0) - 4.0) * 20.0
    drawn = _patches(spline, torch.zeros(9), torch.zeros(9), depth)
    ring = spline.radius_px - 5
    torch.testing.assert_close(drawn[:, ring : ring + 11, ring : ring + 11], stack, rtol=0.0, atol=1e-12)
    assert float(drawn.sum()) == pytest.approx(float(stack.sum()), rel=1e-9)


def test_fit_follows_a_smooth_psf_between_its_samples() -> None:
    psf = Gaussian2d(sigma_px=torch.tensor([1.3], dtype=torch.float64))
    zero = torch.zeros(1, dtype=torch.float64)
    first = torch.zeros(1, dtype=torch.long)
    sample = psf.patches(sequence=first, row_px=zero, col_px=zero, z_nm=zero)
    spline = CubicSpline.fit(sample.expand(6, -1, -1), dz_nm=50.0, z0=2.0)
    truth = psf.patches(sequence=first, row_px=zero + 0.31, col_px=zero - 0.42, z_nm=zero)
    drawn = _patches(spline, 0.31, -0.42, 37.0)
    ring = spline.radius_px - psf.radius_px
    # Cubic splines miss a function by at most 5/384 of its fourth derivative, here along two axes.
    bound = 2.0 * 5.0 / 384.0 * 3.0 / 1.3**4 * float(sample.max())
    assert float((drawn[:, ring:-ring, ring:-ring] - truth).abs().max()) < bound


def test_bound_of_a_fitted_gaussian_is_that_of_the_gaussian() -> None:
    gaussian = Gaussian2d(sigma_px=torch.tensor([1.5], dtype=torch.float64))
    zero = torch.zeros(1, dtype=torch.float64)
    sample = gaussian.patches(sequence=zero.long(), row_px=zero, col_px=zero, z_nm=zero)
    spline = CubicSpline.fit(sample.expand(6, -1, -1), dz_nm=50.0, z0=2.0)
    place = torch.linspace(-0.5, 0.5, 11, dtype=torch.float64)
    same = torch.ones(11, dtype=torch.float64)

    def bound(psf: Psf) -> torch.Tensor:
        return crlb_variance(
            psf=psf, sequence=torch.zeros(11, dtype=torch.long), row_px=place, col_px=-place, z_nm=same * 5.0,
            photons=same * 2000.0, background=same * 20.0, camera=Camera(), z=False,
        )  # fmt: skip

    # The bound of the background depends on the size of the patch, in which the spline has one ring more.
    for parameter in (0, 1, 3):
        torch.testing.assert_close(bound(spline)[:, parameter], bound(gaussian)[:, parameter], rtol=0.03, atol=0.0)


def test_value_slope_and_curvature_are_continuous_between_voxels(spline: CubicSpline) -> None:
    cubes = spline.coefficients.unflatten(3, (4, 4, 4))[:, 1:-1, 1:-1]
    for axis, power in ((0, 3), (1, 5), (2, 4)):
        pieces = cubes.movedim(power, -1)
        near, far = pieces.narrow(axis, 1, pieces.shape[axis] - 1), pieces.narrow(axis, 0, pieces.shape[axis] - 1)
        end = (far.sum(-1), far @ far.new_tensor([0.0, 1.0, 2.0, 3.0]), far @ far.new_tensor([0.0, 0.0, 1.0, 3.0]))
        for order in range(3):
            torch.testing.assert_close(end[order], near[..., order], rtol=0.0, atol=1e-11)


def test_gradients_agree_with_differences(spline: CubicSpline) -> None:
    place = [torch.tensor([0.2, -0.4], dtype=torch.float64, requires_grad=True) for _ in range(2)]
    depth = torch.tensor([13.0, -47.0], dtype=torch.float64, requires_grad=True)

    def draw(row: torch.Tensor, col: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return spline.patches(sequence=torch.zeros(2, dtype=torch.long), row_px=row, col_px=col, z_nm=z)

    assert torch.autograd.gradcheck(draw, (*place, depth))


def test_image_is_continuous_where_the_edge_of_the_volume_crosses_a_pixel(spline: CubicSpline) -> None:
    before, after = _patches(spline, [-1e-9, 1e-9], [0.0, 0.0], [5.0, 5.0])
    torch.testing.assert_close(before, after, rtol=0.0, atol=1e-7)


def test_depth_beyond_the_stack_is_its_last_plane(spline: CubicSpline) -> None:
    inside, outside = _patches(spline, [0.1, 0.1], [0.2, 0.2], [spline.z_range_nm[1], 5000.0])
    torch.testing.assert_close(inside, outside)
    inside, outside = _patches(spline, [0.1, 0.1], [0.2, 0.2], [spline.z_range_nm[0], -5000.0])
    torch.testing.assert_close(inside, outside)


def test_emitters_moved_by_one_pixel_draw_the_moved_image(spline: CubicSpline) -> None:
    def draw(row: float, col: float) -> torch.Tensor:
        one, first = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.long)
        return render(
            psf=spline, image=first, sequence=first, row_px=one * row, col_px=one * col, z_nm=one * 11.0,
            photons=one * 500.0, shape=(1, 40, 40),
        )[0]  # fmt: skip

    torch.testing.assert_close(draw(18.3, 20.4), draw(19.3, 21.4).roll((-1, -1), (0, 1)))
    torch.testing.assert_close(draw(18.5, 20.0), 0.5 * (draw(18.5 - 1e-9, 20.0) + draw(18.5 + 1e-9, 20.0)))


def test_any_number_of_emitters_draws_the_same_as_one_by_one(spline: CubicSpline, generator: torch.Generator) -> None:
    row, col, z = (torch.rand(70, generator=generator, dtype=torch.float64) - 0.5 for _ in range(3))
    together = _patches(spline, row, col, z * 40.0)
    alone = torch.cat([_patches(spline, row[e], col[e], z[e] * 40.0) for e in range(70)])
    torch.testing.assert_close(together, alone, rtol=0.0, atol=1e-12)
    assert _patches(spline, [], [], []).shape == (0, *together.shape[1:])


def test_calibration_survives_writing_and_reading(spline: CubicSpline, tmp_path: Path) -> None:
    write_3dcal(spline, tmp_path / "a_3dcal.mat")
    back = read_3dcal(tmp_path / "a_3dcal.mat")
    torch.testing.assert_close(back.coefficients, spline.coefficients.float())
    assert (back.dz_nm, back.z0, back.row0, back.col0) == (20.0, 4.0, 6.0, 6.0)
    with pytest.raises(CalibrationFileError, match=r"x0 holds one number"):
        write_3dcal(replace(spline, row0=5.0), tmp_path / "b_3dcal.mat")


def _fields(spline: CubicSpline) -> dict[str, Any]:
    coefficients = spline.coefficients.permute(1, 2, 0, 3).numpy().astype(np.float32)
    return {"coeff": coefficients, "dz": spline.dz_nm, "z0": spline.z0 + 1.0, "x0": spline.row0 + 1.0}


def test_struct_array_plain_array_and_old_top_level_layouts_are_read(spline: CubicSpline, tmp_path: Path) -> None:
    other = {**_fields(spline), "dz": 33.0}
    parts = np.array([({**_fields(spline)},), (other,)], dtype=[("cspline", object)]).reshape(1, 2)
    for name, content in {"array": {"SXY": parts}, "top": {"cspline": _fields(spline)}}.items():
        scipy.io.savemat(tmp_path / f"{name}.mat", content)
        assert torch.equal(read_3dcal(tmp_path / f"{name}.mat").coefficients, spline.coefficients.float())
    assert read_3dcal(tmp_path / "array.mat", part=1).dz_nm == 33.0
    with pytest.raises(CalibrationFileError, match="SXY has 2 elements"):
        read_3dcal(tmp_path / "array.mat", part=2)


@pytest.mark.parametrize(("cell", "parts"), [(True, 1), (False, 1), (True, 2)])
def test_hdf5_layout_is_read(spline: CubicSpline, tmp_path: Path, cell: bool, parts: int) -> None:
    path = tmp_path / "new_3dcal.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        structs = [file.create_group(f"#refs#/{n}") for n in range(parts)] if parts > 1 else []
        if parts > 1:
            file["SXY/cspline"] = np.array([[s.ref for s in structs]], dtype=h5py.ref_dtype)
        for group in structs or [file.create_group("SXY/cspline")]:
            for name, value in _fields(spline).items():
                plain = np.atleast_2d(value).T
                if name == "coeff" and cell:
                    inner = file.create_dataset(f"#refs#/coeff{len(file['#refs#'])}" if parts > 1 else "#refs#/c",
                                                data=plain)  # fmt: skip
                    group[name] = np.array([[inner.ref]], dtype=h5py.ref_dtype)
                    group[name].attrs["MATLAB_class"] = np.bytes_("cell")
                else:
                    group[name] = plain
    back = read_3dcal(path, part=parts - 1)
    assert torch.equal(back.coefficients, spline.coefficients.float())
    assert (back.dz_nm, back.z0, back.row0, back.col0) == (20.0, 4.0, 6.0, 6.0)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"coeff": None}, r"cspline\.coeff is missing"),
        ({"dz": None}, r"cspline\.dz is missing"),
        ({"x0": None}, r"cspline\.x0 is missing"),
        ({"z0": np.nan}, r"cspline\.z0 must be one finite number"),
        ({"z0": 400.0}, r"cspline\.z0 = 400\.0 lies outside"),
        ({"dz": -10.0}, r"cspline\.dz = -10\.0"),
        ({"dz": np.ones(3)}, r"cspline\.dz must be one finite number"),
        ({"coeff": np.ones((3, 3, 3))}, r"cspline\.coeff is float64 \(3, 3, 3\)"),
        ({"coeff": np.full((3, 3, 3, 64), np.inf)}, r"cspline\.coeff holds values that are not finite"),
    ],
)
def test_a_damaged_field_is_named(spline: CubicSpline, tmp_path: Path, damage: dict[str, Any], message: str) -> None:
    fields = {name: value for name, value in {**_fields(spline), **damage}.items() if value is not None}
    path = tmp_path / "bad_3dcal.mat"
    scipy.io.savemat(path, {"SXY": {"cspline": fields}})
    with pytest.raises(CalibrationFileError, match=message) as caught:
        read_3dcal(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("content", "message"), [(None, "no such file"), (b"no", "not a MATLAB"), (b"x" * 900, "not")])
def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "junk_3dcal.mat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CalibrationFileError, match=f"{re.escape(str(path))}: .*{message}"):
        read_3dcal(path)


def test_a_file_without_spline_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "other.mat"
    scipy.io.savemat(path, {"parameters": {"dz": 10.0}})
    with pytest.raises(CalibrationFileError, match=r"SXY is missing .*parameters"):
        read_3dcal(path)
