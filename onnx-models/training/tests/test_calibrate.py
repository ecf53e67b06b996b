"""Calibration of simulated beads whose pupil is known, and of stacks that cannot be calibrated."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

from blinkd_models.calibrate import BeadStack, Calibration, CalibrationError, calibrate, charts, read_stack
from blinkd_models.calibrate.average import average
from blinkd_models.calibrate.beads import find_beads
from blinkd_models.calibrate.calibration import fitting_na, in_focus
from blinkd_models.calibrate.files import numbers, write
from blinkd_models.calibrate.noise import photon_transfer
from blinkd_models.calibrate.stack import check_saturation
from blinkd_models.calibrate.verdict import Figures, judge
from blinkd_models.cli import parser
from blinkd_models.psf import read_3dcal
from blinkd_models.psf.pupil import Optics, Pupil

REAL = Path(__file__).resolve().parents[4] / "shared/data/3densestorm/calibration.tif"
OPTICS = Optics(na=1.4, wavelength_nm=670.0, pixel_size_nm=110.0)
ZERNIKE = {6: 0.7, 5: 0.1, 8: -0.15, 11: 0.2}
SLICES, DZ_NM, FOCUS_NM = 21, 50.0, 480.0
GAIN, OFFSET, BACKGROUND = 2.0, 100.0, 15.0
PLACES = ((24.3, 30.8, 0.0), (61.6, 52.1, 70.0), (28.0, 66.4, -60.0))
Counts = NDArray[np.uint16]


def _field(
    *, places: tuple[tuple[float, float, float], ...] = PLACES, photons: float = 60_000.0, side: int = 90, seed: int = 3
) -> Counts:
    """Counts [Z, side, side] of beads at (row, column, z in nm): Poisson, gain, offset."""
    pupil = Pupil(
        optics=OPTICS,
        noll=tuple(ZERNIKE),
        zernike_rad=torch.tensor(list(ZERNIKE.values()), dtype=torch.float64),
        blur_px=torch.tensor(0.3, dtype=torch.float64),
    )
    expected = np.full((SLICES, side + 60, side + 60), BACKGROUND)
    for row, col, up in places:
        z = torch.arange(SLICES, dtype=torch.float64) * DZ_NM - FOCUS_NM + up
        near = (round(row), round(col))
        spot = pupil.stack(z_nm=z, size_px=41, row_px=row - near[0], col_px=col - near[1]) * photons
        expected[:, near[0] + 10 : near[0] + 51, near[1] + 10 : near[1] + 51] += spot.numpy()
    drawn = np.random.default_rng(seed).poisson(expected[:, 30:-30, 30:-30])
    return np.asarray(np.round(drawn * GAIN + OFFSET), dtype=np.uint16)


def _stack(counts: NDArray[np.generic]) -> BeadStack:
    return BeadStack(name="beads.tif", counts=counts)


@pytest.fixture(scope="module")
def three_beads() -> Calibration:
    return calibrate(_stack(_field()), dz_nm=DZ_NM, optics=OPTICS, noll_last=11)


def test_retrieved_pupil_is_the_one_that_made_the_beads(three_beads: Calibration) -> None:
    pupil = three_beads.fit.pupil
    assert pupil.zernike_rad is not None
    for noll, value in zip(pupil.noll, pupil.zernike_rad.tolist(), strict=True):
        assert value == pytest.approx(ZERNIKE.get(noll, 0.0), abs=0.02), f"Noll {noll}"
    assert three_beads.fit.z_scale == pytest.approx(1.0, abs=0.02)
    brightest = PLACES[2]
    focus_nm = three_beads.fit.z0_nm + three_beads.averaged.first_slice * DZ_NM
    assert focus_nm == pytest.approx(FOCUS_NM - brightest[2], abs=10.0)


def test_both_psfs_leave_little_but_noise(three_beads: Calibration) -> None:
    assert three_beads.pupil_residual.beyond_noise < 0.02
    assert three_beads.spline_residual.beyond_noise < 0.04
    assert three_beads.verdict.grade == "good"
    assert three_beads.verdict.text.startswith("good: ")


def test_beads_are_found_aligned_and_added(three_beads: Calibration) -> None:
    assert three_beads.averaged.kept.all()
    found = {(int(r), int(c)) for r, c in three_beads.found.places}
    assert found == {(24, 31), (62, 52), (28, 66)}
    truth = {(24, 31): PLACES[0], (62, 52): PLACES[1], (28, 66): PLACES[2]}
    beads = [truth[(int(row), int(col))] for row, col in three_beads.found.places]
    within = np.array([(-up / DZ_NM, row - round(row), col - round(col)) for row, col, up in beads])
    shifts = three_beads.averaged.shifts
    assert shifts[:, 0] - shifts[0, 0] == pytest.approx(within[:, 0] - within[0, 0], abs=0.15)
    assert shifts[:, 1:] - shifts[0, 1:] == pytest.approx(within[:, 1:] - within[0, 1:], abs=0.05)


def test_light_and_gain_are_measured_without_a_data_sheet(three_beads: Calibration) -> None:
    assert three_beads.noise.counts_per_photon == pytest.approx(GAIN, rel=0.15)
    assert three_beads.figures.photons == pytest.approx(3 * 60_000.0, rel=0.2)


def test_spline_is_centred_and_gives_shares_of_the_light(three_beads: Calibration) -> None:
    spline = three_beads.spline
    assert spline.row0 == spline.col0
    zero = torch.zeros(1)
    patch = spline.patches(sequence=zero.long(), row_px=zero, col_px=zero, z_nm=zero)[0]
    assert 0.75 < float(patch.sum()) < 1.0
    drawn = three_beads.fit.pupil.stack(z_nm=torch.zeros(1, dtype=torch.float64), size_px=21)[0]
    middle = spline.radius_px
    assert float((patch[middle - 10 : middle + 11, middle - 10 : middle + 11] - drawn).abs().max() / drawn.max()) < 0.03
    assert float(patch.min()) > -1e-4


def test_astigmatism_shows_in_the_widths_with_the_right_sign(three_beads: Calibration) -> None:
    along, across = three_beads.data_widths_px
    assert three_beads.angle_rad == pytest.approx(0.5 * np.arctan2(0.1, 0.7), abs=0.05)
    above, below = three_beads.z_nm > 250.0, three_beads.z_nm < -250.0
    assert (along[above] < across[above]).all()
    assert (along[below] > across[below]).all()


def test_bound_of_spline_and_pupil_agree(three_beads: Calibration) -> None:
    for spline, pupil in zip(three_beads.spline_bounds, three_beads.pupil_bounds, strict=True):
        inner = slice(5, -5)
        assert np.median(spline.depth_nm[inner] / pupil.depth_nm[inner]) == pytest.approx(1.0, abs=0.1)
        assert np.median(spline.row_nm[inner] / pupil.row_nm[inner]) == pytest.approx(1.0, abs=0.1)


def test_folder_holds_page_numbers_and_psfs(three_beads: Calibration, tmp_path: Path) -> None:
    write(three_beads, optics=OPTICS, folder=tmp_path)
    names = {"report.html", "calibration.json", "spline_3dcal.mat", "spline.npz", "pupil_3dcal.mat"}
    assert {p.name for p in tmp_path.iterdir()} == names
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("src='data:image/") == 6
    assert "http" not in page
    assert "good: " in page
    text = (tmp_path / "calibration.json").read_text(encoding="utf-8")
    assert json.loads(text) == numbers(three_beads, optics=OPTICS)
    assert json.loads(text)["verdict"]["grade"] == "good"
    read = read_3dcal(tmp_path / "spline_3dcal.mat")
    assert torch.allclose(read.coefficients, three_beads.spline.coefficients)
    stored = np.load(tmp_path / "spline.npz")
    assert float(stored["z0"]) == three_beads.spline.z0


def test_same_numbers_make_the_same_chart(three_beads: Calibration) -> None:
    with charts.look():
        first, second = (charts.svg(charts.residuals(three_beads)) for _ in range(2))
    assert first == second
    assert b"<dc:date>" not in first


def test_unusable_psf_is_not_left_behind(
    three_beads: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blinkd_models.calibrate.files.page", lambda *_, **__: "")
    bad = replace(three_beads, verdict=judge(replace(three_beads.figures, spline_excess=0.5)))
    write(three_beads, optics=OPTICS, folder=tmp_path)
    write(bad, optics=OPTICS, folder=tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"report.html", "calibration.json"}
    write(bad, optics=OPTICS, folder=tmp_path, anyway=True)
    assert (tmp_path / "spline_3dcal.mat").is_file()


def test_wrong_step_is_named_with_the_step_that_fits() -> None:
    done = calibrate(
        _stack(_field(places=PLACES[:1], side=60)), dz_nm=2.0 * DZ_NM, optics=OPTICS, window_nm=1600.0, noll_last=8
    )
    assert done.verdict.grade == "not usable"
    assert "wrong step size" in done.verdict.text
    assert done.fit.z_scale == pytest.approx(0.5, abs=0.03)
    assert "--dz-nm 5" in done.verdict.text or "--dz-nm 49" in done.verdict.text


FINE = Figures(
    spline_excess=0.01, pupil_excess=0.02, z_scale=1.0, dz_nm=10.0, fitting_na=1.4, photons=1e5, walk_nm_per_um=5.0,
    blur_nm=30.0, below_focus_nm=500.0, above_focus_nm=500.0, depth_of_field_nm=500.0, flicker=0.02,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "grade", "word"),
    [
        ({}, "good", "both explain"),
        ({"spline_excess": 0.06}, "usable, but", "spline leaves 6.0%"),
        ({"spline_excess": 0.2}, "not usable", "record again"),
        ({"pupil_excess": 0.1}, "usable, but", "use the spline"),
        ({"pupil_excess": 0.5}, "usable, but", "--mask"),
        ({"pupil_excess": 0.5, "z_scale": 2.0}, "usable, but", "--mask"),
        ({"z_scale": 1.2, "fitting_na": 1.46}, "usable, but", "1.46 would fit"),
        ({"z_scale": 1.5}, "not usable", "--dz-nm 15"),
        ({"photons": 5000.0}, "usable, but", "average more beads"),
        ({"photons": 500.0}, "not usable", "expose longer"),
        ({"walk_nm_per_um": 120.0}, "usable, but", "sideways"),
        ({"blur_nm": 90.0}, "usable, but", "vibration"),
        ({"above_focus_nm": 100.0}, "usable, but", "above the focus"),
        ({"flicker": 0.3}, "usable, but", "lamp"),
    ],
)
def test_verdict_names_grade_and_reason(change: dict[str, float], grade: str, word: str) -> None:
    verdict = judge(replace(FINE, **change))
    assert verdict.grade == grade
    assert word in verdict.text


def _saved(path: Path, counts: NDArray[np.generic], **how: str) -> Path:
    tifffile.imwrite(path, counts, **how)
    return path


@pytest.mark.parametrize(
    ("counts", "how", "message"),
    [
        (np.zeros((40, 50), np.uint16), {}, "single picture.*z-stack"),
        (np.zeros((30, 40, 50, 3), np.uint8), {"photometric": "rgb"}, "colour picture.*grey"),
        (np.zeros((40, 50, 3), np.uint8), {"photometric": "rgb"}, "colour picture.*grey"),
        (np.zeros((2, 30, 40, 50), np.uint16), {}, "axes 2 x 30 x 40 x 50.*one channel"),
        (np.zeros((4, 40, 50), np.uint16), {}, "too short, 4 slices"),
        (np.full((9, 40, 50), np.nan, np.float32), {}, "not finite"),
    ],
)
def test_file_that_is_no_stack_is_refused(
    tmp_path: Path, counts: NDArray[np.generic], how: dict[str, str], message: str
) -> None:
    with pytest.raises(CalibrationError, match=rf"stack\.tif.*{message}"):
        read_stack(_saved(tmp_path / "stack.tif", counts, **{"photometric": "minisblack", **how}))


def test_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"none\.tif: no such file"):
        read_stack(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("not a picture")
    with pytest.raises(CalibrationError, match=r"text\.tif: cannot be read"):
        read_stack(tmp_path / "text.tif")


def test_falling_z_turns_the_stack_over(tmp_path: Path) -> None:
    counts = np.arange(9 * 4 * 5, dtype=np.uint16).reshape(9, 4, 5)
    path = _saved(tmp_path / "stack.tif", counts, photometric="minisblack")
    assert (read_stack(path, z_falls=True).counts == counts[::-1]).all()
    assert (read_stack(path).counts == counts).all()


def _noise_only() -> NDArray[np.generic]:
    return np.asarray(np.random.default_rng(1).poisson(30.0, (SLICES, 60, 60)) + 100, dtype=np.uint16)


def _clipped(counts: Counts, top: int) -> NDArray[np.generic]:
    return np.minimum(counts, top)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_noise_only, "no beads found.*exposure"),
        (lambda: _field(places=((4.0, 30.0, 0.0),), side=60), "row 4, column 30 sits at the edge.*7 pixels"),
        (lambda: _field(places=((25.0, 25.0, 0.0), (32.0, 31.0, 0.0)), side=60), "2 beads found.*dilute"),
        (lambda: _field(places=((25.0, 25.0, 0.0),), photons=500.0, side=50), "too few photons.*expose longer"),
        (lambda: _clipped(_field(places=((25.0, 25.0, 0.0),), side=50), 3000), "saturated.*3000.*halve"),
        (lambda: _field()[:, :12, :12], "12 x 12 pixels are smaller.*larger region"),
        (lambda: _field(places=((25.0, 25.0, 0.0),), side=50)[:8], "too short: 8 slices of 50 nm span 350 nm"),
    ],
)
def test_stack_that_cannot_be_calibrated_says_what_to_do(make: Callable[[], NDArray[np.generic]], message: str) -> None:
    with pytest.raises(CalibrationError, match=rf"beads\.tif: .*{message}"):
        calibrate(_stack(make()), dz_nm=DZ_NM, optics=OPTICS)


@pytest.mark.parametrize(("z0_nm", "side"), [(-30.0, "before the first"), (1030.0, "behind the last")])
def test_focus_outside_the_stack_is_refused(three_beads: Calibration, z0_nm: float, side: str) -> None:
    with pytest.raises(CalibrationError, match=f"beads.tif: the focus lies {side} slice; record"):
        in_focus(replace(three_beads.fit, z0_nm=z0_nm), name="beads.tif", dz_nm=DZ_NM, slices=SLICES)


def test_full_well_of_the_camera_counts_as_saturated_even_in_one_pixel() -> None:
    counts = np.full((9, 5, 5), 100, np.uint16)
    counts[4, 2, 2] = 4095
    with pytest.raises(CalibrationError, match="saturated, 1 pixels in 1 slices stand at 4095"):
        check_saturation(counts, name="beads.tif")
    counts[4, 2, 2] = 4090
    check_saturation(counts, name="beads.tif")


def test_edge_and_crowded_beads_are_left_out() -> None:
    places = (*PLACES, (70.0, 80.5, 0.0), (80.0, 12.0, 0.0), (76.0, 17.0, 0.0))
    found = find_beads(_field(places=places), name="beads.tif", pixel_size_nm=OPTICS.pixel_size_nm)
    assert {(int(r), int(c)) for r, c in found.places} == {(24, 31), (62, 52), (28, 66)}
    assert found.crowded == 2
    assert found.at_edge >= 1


def test_beads_align_below_the_pixel_and_a_strange_one_is_left_out() -> None:
    one, other = (
        _field(places=((25.0 + d, 25.0 - d, 100.0 * d),), side=51, photons=3e5)[:, 12:39, 12:39].astype(np.float64)
        for d in (0.0, 0.4)
    )
    disc = OFFSET + 5000.0 * (np.hypot(*np.mgrid[-13:14, -13:14]) < 7.0) * np.ones((SLICES, 1, 1))
    done = average([one, other, disc], noise=photon_transfer(one))
    assert done.kept.tolist() == [True, True, False]
    assert done.shifts[1] - done.shifts[0] == pytest.approx([-0.8, 0.4, -0.4], abs=0.12)
    assert len(done.photons) >= SLICES - 2


@pytest.mark.parametrize("gain", [0.5, 4.0])
def test_gain_follows_from_the_noise(gain: float) -> None:
    level = 50.0 + 4000.0 * np.exp(-np.hypot(*np.mgrid[-15:16, -15:16]) / 5.0)
    drawn = np.random.default_rng(4).poisson(level / gain, (40, 31, 31)) * gain + 100.0
    assert photon_transfer(drawn).counts_per_photon == pytest.approx(gain, rel=0.1)


def test_suggested_aperture_is_the_stated_one_where_the_step_fits() -> None:
    assert fitting_na(OPTICS, z_scale=1.0) == pytest.approx(1.4, abs=1e-6)
    assert fitting_na(OPTICS, z_scale=0.9) < 1.4 < fitting_na(OPTICS, z_scale=1.1) < 1.518


def _arguments(*words: str) -> argparse.Namespace:
    return parser().parse_args(["--threads", "1", "calibrate", *words])


def test_mistake_on_the_command_line_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--stack", str(tmp_path / "no.tif"), "--dz-nm", "10", "--pixel-size-nm", "65", "--wavelength-nm", "670"]
    for na, word in (("1.49", "no such file"), ("1.6", "NA 1.6 is not below")):
        arguments = _arguments(*words, "--na", na, "--out", str(tmp_path / "out"))
        assert arguments.call(arguments) == 2
        error = capsys.readouterr().err
        assert word in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_recorded_bead_is_calibrated_by_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not REAL.is_file():
        pytest.skip("no shared/data/3densestorm/calibration.tif beside the repository")
    stack = _saved(tmp_path / "beads.tif", tifffile.imread(REAL)[::4], photometric="minisblack")
    arguments = _arguments(
        "--stack", str(stack), "--dz-nm", "40", "--pixel-size-nm", "65", "--na", "1.4", "--wavelength-nm", "670",
        "--window-nm", "1700", "--noll-last", "11", "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert arguments.call(arguments) == 0
    assert capsys.readouterr().out.count("\n") == 1
    found = json.loads((tmp_path / "out/calibration.json").read_text(encoding="utf-8"))
    assert found["verdict"]["grade"] == "usable, but"
    assert found["figures"]["spline_excess"] < 0.04
    assert found["figures"]["pupil_excess"] < 0.08
    assert found["figures"]["z_scale"] == pytest.approx(1.05, abs=0.03)
