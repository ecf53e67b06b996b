"""The daemon's Parquet table as a picture and points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pa = pytest.importorskip("pyarrow", reason="SKIPPED: pyarrow is missing; pip install 'blinkd[napari]'")
from pyarrow import parquet  # noqa: E402

from blinkd.napari import table as subject  # noqa: E402
from blinkd.napari.readers import table_layers, table_reader  # noqa: E402
from blinkd.napari.table import TableError, read_table  # noqa: E402

NOTES = {
    "blinkd.series": "cell 3",
    "blinkd.pixel_size_x_nm": "100",
    "blinkd.pixel_size_y_nm": "100",
    "blinkd.width_px": "64",
    "blinkd.height_px": "32",
    "blinkd.three_d": "true",
}


def columns(count: int) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(11)
    x_px, y_px = rng.uniform(0, 63, count).astype(np.float32), rng.uniform(0, 31, count).astype(np.float32)
    return {
        "frame": np.sort(rng.integers(0, 50, count)).astype(np.uint32),
        "tile": np.zeros(count, np.uint32),
        "x_nm": (x_px + np.float32(0.5)) * 100,
        "y_nm": (y_px + np.float32(0.5)) * 100,
        "z_nm": rng.uniform(-400, 400, count).astype(np.float32),
        "photons": rng.uniform(500, 2000, count).astype(np.float32),
        "sigma_x_nm": np.full(count, 8, np.float32),
        "sigma_y_nm": np.full(count, 6, np.float32),
    }


def write(path: Path, values: dict[str, npt.NDArray[Any]], notes: dict[str, str] = NOTES) -> Path:
    table = pa.table(values).replace_schema_metadata(notes)
    parquet.write_table(table, path, row_group_size=1000)
    return path


def test_every_row_is_in_the_picture_and_is_a_point(tmp_path: Path) -> None:
    values = columns(2500)
    table = read_table(write(tmp_path / "a.parquet", values))
    assert table.picture.sum() == 2500
    assert table.picture.shape == (320, 640), "the camera's field in pixels of 10 nm"
    assert table.about.name == "cell 3"
    assert np.allclose(table.positions_um, np.column_stack((values["y_nm"], values["x_nm"])) / 1000)
    assert np.allclose(table.diameters_um, 2 * np.sqrt((8**2 + 6**2) / 2) / 1000)
    assert set(table.features) == {"frame", "tile", "z_nm", "photons", "sigma_nm"}
    assert table.note == ""


def test_points_lie_in_the_pixels_that_count_them(tmp_path: Path) -> None:
    (picture, about, kind), (positions, settings, points_kind) = table_layers(
        write(tmp_path / "a.parquet", columns(500))
    )
    assert (kind, points_kind) == ("image", "points")
    index = np.round((positions - np.array(about["translate"])) / np.array(about["scale"])).astype(int)
    counted = np.zeros_like(picture)
    np.add.at(counted, tuple(index.T), 1)
    # a position on an edge may be rounded to either side
    assert np.abs(counted - picture).sum() <= 2
    assert about["units"] == settings["units"] == ("µm", "µm")
    assert settings["face_color"] == "z_nm"


def test_a_long_table_is_thinned_evenly_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_POINTS", 1000)
    values = columns(2500)
    table = read_table(write(tmp_path / "a.parquet", values))
    assert table.picture.sum() == 2500
    assert np.array_equal(table.features["frame"], values["frame"][::3])
    assert table.note == "one in 3 of 2,500 localizations"


def test_a_large_field_gets_larger_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_SIDE_PX", 200)
    table = read_table(write(tmp_path / "a.parquet", columns(2500)))
    assert table.pixel_nm == 40.0
    assert table.picture.shape == (80, 160)
    assert table.picture.sum() == 2500


def test_a_table_without_notes_is_shown_where_its_rows_lie(tmp_path: Path) -> None:
    values = columns(100)
    values["x_nm"] -= 3000
    table = read_table(write(tmp_path / "bare.parquet", values, {}))
    assert table.about.name == "bare"
    assert table.picture.sum() == 100
    assert table.corner_nm[0] == np.floor(values["x_nm"].min() / 10) * 10


def test_rows_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    values = columns(100)
    values["x_nm"][3] = np.nan
    table = read_table(write(tmp_path / "a.parquet", values))
    assert table.picture.sum() == 99
    assert len(table.positions_um) == 99


def test_tiles_that_lie_upon_each_other_are_said_to(tmp_path: Path) -> None:
    values = columns(1500)
    values["tile"][700:] = 1
    assert read_table(write(tmp_path / "a.parquet", values)).note == "2 tiles upon each other"


def test_an_empty_table_is_an_empty_picture(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.parquet", columns(0)))
    assert table.picture.shape == (320, 640)
    assert table.positions_um.shape == (0, 2)


def test_other_parquet_files_are_left_to_others(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1, 2]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    for name in ("other.parquet", "text.parquet", "absent.parquet"):
        assert table_reader(str(tmp_path / name)) is None
    ours = str(write(tmp_path / "ours.parquet", columns(10)))
    reader = table_reader([ours, ours])
    assert reader is not None
    assert len(reader([ours, ours])) == 4


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.parquet", columns(3000))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(TableError, match=r"cut\.parquet"):
        read_table(path)
    parquet.write_table(pa.table({"frame": [1]}), tmp_path / "other.parquet")
    with pytest.raises(TableError, match="x_nm"):
        read_table(tmp_path / "other.parquet")
