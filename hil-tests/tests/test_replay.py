"""Recorded stacks through the same path, and files that are none."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from rigs import places
from rigs.daemon import run
from rigs.microscope import blinking
from rigs.results import record

TUBES = "deep-storm/bundled-tubes-001-180.tif"
TUBES_TRUTH = "deep-storm/bundled-tubes-001-180-truth.csv"
REAL = "3densestorm/tubulins.tif"


def lit(path: Path) -> float:
    """The share of a picture's pixels that are not black."""
    with Image.open(path) as picture:
        return float((np.asarray(picture.convert("RGB")).max(axis=2) > 32).mean())


def replay(binary: Path, stack: Path, out: Path, *options: object) -> dict[str, Any]:
    done = run(binary, "replay", stack, "--out", out, "--json", *options, timeout_s=300)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said["account"]["processed"] == said["stack_frames"]
    assert not said["account"]["lost"]
    for name in ("localizations.parquet", "localizations.csv", "render.png", "summary.json"):
        assert (out / name).is_file(), name
    assert pyarrow.parquet.read_table(out / "localizations.parquet").num_rows == said["localizations"]
    return said


def test_a_crowded_simulated_recording_is_localized_far_better_than_by_single_fits(
    binary: Path, tmp_path: Path
) -> None:
    stack, truth = places.data(TUBES), places.data(TUBES_TRUTH)
    camera = ("--set", "camera.offset_adu=100", "--set", "camera.e_per_adu=1")
    said = replay(binary, stack, tmp_path, "--pixel-size-nm", 100, *camera)
    assert lit(tmp_path / "render.png") > 0.002
    scores = {}
    for table in ("localizations.parquet", "localizations.csv"):
        done = run(binary, "eval", tmp_path / table, "--truth", truth, "--pixel-size-nm", 100, "--json")
        assert done.returncode == 0, done.stderr
        scores[table] = json.loads(done.stdout)["overall"]
    best = scores["localizations.parquet"]
    record(
        "bundled_tubes",
        {"ji": best["jaccard"], "rmse_lateral_nm": best["rmse_lateral_nm"], "localizations": said["localizations"]},
    )
    assert best["jaccard"] > 0.30  # a single-emitter fitter reaches 0.155
    assert scores["localizations.csv"]["jaccard"] == pytest.approx(best["jaccard"], abs=0.002)


def test_a_real_recording_with_pixels_outside_the_cards_range_is_refused_and_runs_when_overruled(
    binary: Path, tmp_path: Path
) -> None:
    stack = places.data(REAL)
    camera = ("--set", "camera.offset_adu=99", "--set", "camera.e_per_adu=0.6")
    options = ("replay", stack, "--out", tmp_path, "--pixel-size-nm", 65, *camera)
    done = run(binary, *options)
    assert done.returncode == 1
    for text in ("65", "95", "130", "model.overrule"):
        assert text in done.stderr
    assert not (tmp_path / "localizations.parquet").exists()
    said = replay(
        binary, stack, tmp_path, "--pixel-size-nm", 65, *camera, "--frames", 150, "--set", "model.overrule=true"
    )
    assert said["localizations"] > 1000
    assert lit(tmp_path / "render.png") > 0.01


def tiff(path: Path, frames: np.ndarray) -> Path:
    """A plain little-endian TIFF of u16 pages, one strip each."""
    count, height, width = frames.shape
    data = bytearray(b"II*\0" + struct.pack("<I", 8))
    at = 8
    for number in range(count):
        tags = [
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, 1, 16),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, at + 2 + 12 * 9 + 4),
            (277, 3, 1, 1),
            (278, 4, 1, height),
            (279, 4, 1, height * width * 2),
        ]
        data += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        end = at + 2 + 12 * len(tags) + 4 + height * width * 2
        data += struct.pack("<I", 0 if number == count - 1 else end)
        data += frames[number].astype("<u2").tobytes()
        at = end
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiff(tmp_path_factory.mktemp("stack") / "small.tif", blinking(frames=20, side=48, spots=3.0, seed=2))


def test_a_stack_replayed_twice_gives_the_same_table(binary: Path, tmp_path: Path, small: Path) -> None:
    tables = []
    for name in ("one", "two"):
        replay(binary, small, tmp_path / name, "--pixel-size-nm", 100)
        tables.append(pyarrow.parquet.read_table(tmp_path / name / "localizations.parquet"))
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows > 20


def refused(binary: Path, tmp_path: Path, path: Path, *says: str) -> None:
    done = run(binary, "replay", path, "--out", tmp_path / "out", "--model", "fake")
    assert done.returncode == 1, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert str(path) in done.stderr
    assert "panicked" not in done.stderr
    for text in says:
        assert text in done.stderr, done.stderr


def test_a_stack_cut_short_is_refused_with_the_option_that_reads_the_rest(
    binary: Path, tmp_path: Path, small: Path
) -> None:
    cut = tmp_path / "cut.tif"
    cut.write_bytes(small.read_bytes()[: small.stat().st_size * 2 // 3])
    refused(binary, tmp_path, cut, "cut short", "13 whole frames", "--allow-short")
    said_frames = run(binary, "replay", cut, "--out", tmp_path / "out", "--model", "fake", "--allow-short", "--json")
    assert said_frames.returncode == 0, said_frames.stderr
    assert 10 <= json.loads(said_frames.stdout.splitlines()[-1])["stack_frames"] < 20


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.tif", b"this is no picture at all, only some text that is long enough"),
        ("empty.tif", b""),
        ("header-only.tif", b"II*\0\x08\0\0\0"),
        ("loop.tif", b"II*\0\x08\0\0\0\x00\x00\x08\0\0\0"),
        ("huge.tif", b"II*\0\xff\xff\xff\x7f" + bytes(64)),
        ("text.dax", b"x" * 1000),
        ("text.raw", b"x" * 1000),
        ("text.npy", b"\x93NUMPY\x01\x00\xff\xff{'descr'"),
        ("notes.docx", b"PK\x03\x04" + bytes(100)),
    ],
)
def test_what_is_no_stack_is_refused_by_name(binary: Path, tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    refused(binary, tmp_path, path)


def test_a_stack_that_is_not_there_is_refused_by_name(binary: Path, tmp_path: Path) -> None:
    refused(binary, tmp_path, tmp_path / "nothing.tif")


def test_numbers_that_are_none_in_a_table_are_refused_with_their_line(binary: Path, tmp_path: Path) -> None:
    good = '"frame","x [nm]","y [nm]"\n1,100.0,100.0\n2,200.0,200.0\n'
    truth, table = tmp_path / "truth.csv", tmp_path / "table.csv"
    truth.write_text(good)
    table.write_text(good)
    done = run(binary, "eval", table, "--truth", truth, "--pixel-size-nm", 100, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["overall"]["jaccard"] == 1.0
    table.write_text(good + "3,NaN,300.0\n")
    done = run(binary, "eval", table, "--truth", truth, "--pixel-size-nm", 100)
    assert done.returncode == 1
    assert str(table) in done.stderr
    assert "4" in done.stderr, "the line"
    done = run(binary, "eval", table, "--truth", truth, "--pixel-size-nm", 100, "--skip-bad-rows", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["overall"]["true_positives"] == 2


def test_an_output_folder_that_cannot_be_written_is_named(binary: Path, tmp_path: Path, small: Path) -> None:
    file = tmp_path / "in-the-way"
    file.write_text("a file")
    done = run(binary, "replay", small, "--out", file, "--model", "fake")
    assert done.returncode == 1
    assert str(file) in done.stderr
