"""Two tables in, scores and calibration out: the fixture shared with ``blinkd eval``, and small cases by hand."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blinkd_models.cli import parser
from blinkd_models.evaluate import calibration
from blinkd_models.evaluate.comparison import match_tables
from blinkd_models.evaluate.fixture import judge, write
from blinkd_models.evaluate.match import match
from blinkd_models.evaluate.table import Table, read_table

FIXTURE = Path(__file__).parents[3] / "clients" / "conformance" / "eval"
SETTINGS = json.loads((FIXTURE / "settings.json").read_text(encoding="utf-8"))


def _assert_same(actual: Any, expected: Any, *, at: str = "") -> None:
    if isinstance(expected, dict):
        assert list(actual) == list(expected), at
        for key, value in expected.items():
            _assert_same(actual[key], value, at=f"{at}.{key}")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), at
        for index, value in enumerate(expected):
            _assert_same(actual[index], value, at=f"{at}[{index}]")
    elif expected is None:
        assert actual is None, at
    else:
        assert actual == pytest.approx(expected, rel=1e-7, abs=1e-9), at


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings["expected"])
def test_the_shared_tables_are_judged_as_written_down(settings: dict[str, Any]) -> None:
    expected = json.loads((FIXTURE / settings["expected"]).read_text(encoding="utf-8"))
    _assert_same(judge(FIXTURE, settings), expected)
    assert expected["overall"]["false_negatives"] > 50
    assert expected["overall"]["false_positives"] > 50
    assert all(row["true_positives"] for row in expected["by_photons"])


def test_the_shared_tables_are_what_the_maker_writes(tmp_path: Path) -> None:
    write(tmp_path)
    for settings in SETTINGS:
        for name in ("truth", "localizations"):
            file = settings[name]
            assert (tmp_path / file).read_text(encoding="utf-8") == (FIXTURE / file).read_text(encoding="utf-8")


def test_the_shared_tables_hold_frames_that_a_greedy_matching_gets_wrong() -> None:
    truth, found = (read_table(FIXTURE / name) for name in ("truth.csv", "localizations.csv"))
    apart = np.hypot(found.x_nm - truth.x_nm[:, None], found.y_nm - truth.y_nm[:, None])
    apart[truth.frame[:, None] != found.frame] = np.inf
    greedy = 0
    while (best := np.unravel_index(apart.argmin(), apart.shape)) and apart[best] <= 250.0:
        greedy += 1
        apart[best[0], :] = apart[:, best[1]] = np.inf
    assert len(match_tables(truth=truth, found=found, volume=False)) > greedy


def test_matching_equals_the_best_of_all_assignments() -> None:
    random = np.random.default_rng(5)
    for _ in range(60):
        true, found = random.uniform(0.0, 450.0, (4, 3)), random.uniform(0.0, 450.0, (5, 3))
        zero, none = np.zeros(4, dtype=np.int64), np.zeros(5, dtype=np.int64)
        matches = match(truth_frame=zero, truth_nm=true, found_frame=none, found_nm=found, axial_gate_nm=200.0)
        best = (0, 0.0)
        for order in itertools.permutations(range(5), 4):
            apart = found[list(order)] - true
            good = (np.hypot(apart[:, 0], apart[:, 1]) <= 250.0) & (np.abs(apart[:, 2]) < 200.0)
            best = max(best, (int(good.sum()), -float((apart[good] ** 2).sum())))
        assert len(matches) == best[0]
        assert (matches.error_nm**2).sum() == pytest.approx(-best[1])


def test_the_lateral_gate_is_inclusive_and_the_axial_one_is_not() -> None:
    at, here = np.zeros((1, 3)), np.zeros(1, dtype=np.int64)
    for place, pairs in (([250.0, 0.0, 0.0], 1), ([250.001, 0.0, 0.0], 0), ([0.0, 0.0, 499.9], 1), ([0, 0, 500.0], 0)):
        found = np.array([place])
        assert len(match(truth_frame=here, truth_nm=at, found_frame=here, found_nm=found, axial_gate_nm=500)) == pairs


def test_sigmas_that_are_true_have_a_z_score_of_one_and_halved_ones_of_two() -> None:
    random = np.random.default_rng(3)
    sigma = np.exp(random.uniform(1.0, 3.0, 20_000))
    error = sigma * random.normal(size=sigma.size)
    true = calibration.sigma(sigma_nm=sigma, error_nm=error)
    assert true["z_score_sd"] == pytest.approx(1.0, abs=0.02)
    assert true["bin_correlation"] > 0.99
    assert [row["count"] for row in true["bins"]] == [2000] * 10
    assert calibration.sigma(sigma_nm=sigma / 2, error_nm=error)["z_score_sd"] == pytest.approx(2.0, abs=0.04)


def test_pixel_bias_shows_in_the_histogram_and_chance_does_not() -> None:
    random = np.random.default_rng(4)
    true = random.uniform(0.0, 6400.0, 20_000)
    pulled = true - 8.0 * np.sin(2.0 * np.pi * (true / 100.0 - 0.5)) / 2.0
    for found, biased in ((true, False), (pulled, True)):
        shape = calibration.subpixel(found_nm=found, true_nm=true, error_nm=found - true, pixel_size_nm=100.0)
        assert (shape["rms_deviation"] > 3.0 * shape["expected_rms_deviation"]) == biased
        assert sum(shape["histogram"]) == pytest.approx(1.0)
    assert shape["histogram"][9] > 1.1 / 20.0 > shape["histogram"][0]
    assert shape["bias_nm"][4] > 3.0 > -3.0 > shape["bias_nm"][15]


def test_a_line_through_photons_gives_slope_intercept_and_ratio() -> None:
    true = np.array([100.0, 600.0, 3000.0, 9000.0])
    line = calibration.photons(true=true, found=0.9 * true + 50.0)
    assert line["slope"] == pytest.approx(0.9)
    assert line["intercept"] == pytest.approx(50.0)
    assert line["ratio_median"] == pytest.approx(0.9 + (50 / 600 + 50 / 3000) / 2)
    assert [row["count"] for row in line["bins"]] == [1, 0, 1, 0, 1, 0, 1]
    assert line["bins"][1]["true_mean"] is None


def test_tables_in_pixels_and_in_nanometres_are_the_same_place(tmp_path: Path) -> None:
    in_px, in_nm = tmp_path / "px.csv", tmp_path / "nm.csv"
    in_px.write_text("frame,x_px,y_px,photons,sigma_x_px\n0,1.5,2,900,0.1\n", encoding="utf-8")
    in_nm.write_text(
        '"frame","x [nm]","y [nm]","sigma [nm]","uncertainty_xy [nm]"\n1,200,250,130,10\n', encoding="utf-8"
    )
    tables = [read_table(path, pixel_size_nm=100.0) for path in (in_px, in_nm)]
    for table in tables:
        assert (table.frame[0], table.x_nm[0], table.y_nm[0]) == (0, 200.0, 250.0)
        assert table.sigma_x_nm is not None
        assert table.sigma_x_nm[0] == pytest.approx(10.0)
    assert tables[1].photons is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("frame,x,y [nm]\n1,2,3\n", "has no unit"),
        ("frame,x [nm]\n1,2\n", "no column for y"),
        ("frame,x [nm],y [nm]\n1,2,three\n", "line 2"),
        ("frame,x [nm],y [nm]\n1,2,nan\n", "not numbers"),
        ("frame,x [nm],y [nm]\n0,2,3\n", "whole numbers from 1"),
        ("frame,x_px,y_px\n0,2,3\n", "give --pixel-size-nm"),
    ],
)
def test_a_table_that_cannot_be_read_ends_in_one_line_with_the_remedy(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    arguments = parser().parse_args(
        ["compare", "--localizations", str(tmp_path / "bad.csv"), "--truth", str(FIXTURE / "truth.csv")]
    )
    assert arguments.call(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "bad.csv" in error
    assert error.count("\n") == 1


def test_compare_prints_the_expected_object(capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--localizations", str(FIXTURE / "localizations.csv"), "--truth", str(FIXTURE / "truth.csv")]
    optics = ["--pixel-size-nm", "100", "--psf-sigma-nm", "130", "--background", "20"]
    arguments = parser().parse_args(["compare", *files, *optics, "--json"])
    assert arguments.call(arguments) == 0
    expected = json.loads((FIXTURE / "expected.json").read_text(encoding="utf-8"))
    _assert_same(json.loads(capsys.readouterr().out), expected)


def test_empty_tables_have_no_scores_but_do_not_fail() -> None:
    none = np.zeros(0)
    empty = Table(frame=none.astype(np.int64), x_nm=none, y_nm=none, z_nm=none, photons=none, sigma_x_nm=none)
    matches = match_tables(truth=empty, found=empty, volume=True)
    assert len(matches) == 0
    assert math.isnan(matches.rmse_nm)
    assert calibration.sigma(sigma_nm=none, error_nm=none)["z_score_sd"] is None
    assert calibration.photons(true=none, found=none)["slope"] is None
