"""The report: one page that stands alone, and a summary that every reader of cards accepts."""

import re
import shutil
from pathlib import Path

import pytest

from blinkd_models import card
from blinkd_models.cli import parser

BUNDLE = Path(__file__).parents[2] / "decode-2d-lite"
FEW = [
    "--densities", "0.5", "2", "--photons", "1000", "5000", "99", "--isolated-photons", "1000", "--appearances", "60",
    "--emitters", "32", "--repeats", "4",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle, its page, and its card with the summary."""
    folder = tmp_path_factory.mktemp("report")
    shutil.copytree(BUNDLE, folder / "bundle")
    page = ["--out", str(folder / "page.html"), "--write"]
    arguments = parser().parse_args(["report", "--bundle", str(folder / "bundle"), *page, *FEW])
    assert arguments.call(arguments) == 0
    return folder


def test_the_page_shows_every_section_and_loads_nothing(made: Path) -> None:
    text = (made / "page.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == [
        "What it sees", "Crowded frames", "Alone: against the bound", "What its σ is worth", "Temporal context",
        "Bias to the pixel", "Photons and background", "How it was measured, and what it costs",
    ]  # fmt: skip
    assert text.count("<svg") == 6
    assert text.count('src="data:image/png;base64,') == 1
    assert not re.search(r"<script|<link|@import|src=\"http|href=\"http|url\(http", text)
    assert "nan" not in re.sub(r"<svg.*?</svg>|base64,[^\"]*", "", text, flags=re.DOTALL)


def test_the_summary_keeps_the_rest_of_the_card_and_adds_no_table(made: Path) -> None:
    before, after = card.read(BUNDLE), card.read(made / "bundle")
    assert set(after) == set(before)
    assert list(after)[-1] == "golden"
    assert {name: value for name, value in after.items() if name != "metrics"} == {
        name: value for name, value in before.items() if name != "metrics"
    }


def test_the_summary_has_a_row_per_condition_in_the_range_and_per_isolated_brightness(made: Path) -> None:
    rows = card.read(made / "bundle")["metrics"]
    tests = [row["test"] for row in rows]
    assert tests == ["blinking"] * 4 + ["isolated"] * 4 + ["calibration"] * 2 + ["cost"]
    assert set(card.read(BUNDLE)["metrics"][0]) <= set(rows[0])
    assert all(isinstance(value, str | float) for row in rows for value in row.values())
    assert {row["shown"] for row in rows if row["test"] == "isolated"} == {"alone", "dark", "three", "varied"}


def test_a_folder_without_a_card_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parser().parse_args(["report", "--bundle", str(tmp_path), "--out", str(tmp_path / "page.html")])
    assert arguments.call(arguments) == 2
    error = capsys.readouterr().err
    assert "card.toml" in error
    assert error.count("\n") == 1


def test_a_brightness_that_the_card_does_not_promise_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parser().parse_args(["report", "--bundle", str(BUNDLE), "--out", "unused.html", "--photons", "3"])
    assert arguments.call(arguments) == 2
    assert "--photons" in capsys.readouterr().err
