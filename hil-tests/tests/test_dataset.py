"""The data set of a whole scan, read by other programs: by tile and by region the rows of brute force."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet
import pytest

from rigs import places

Places = npt.NDArray[np.float64]


class Scan(NamedTuple):
    folder: Path
    table: ds.Dataset
    truth: dict[str, Places]

    def expected(self, chosen: npt.NDArray[np.bool_]) -> Places:
        return ordered(*(self.truth[name][chosen] for name in ("tile", "frame", "x_nm", "y_nm")))


def ordered(*columns: Places) -> Places:
    rows = np.column_stack([np.asarray(column, np.float64) for column in columns])
    # By tile, then frame, then x: ten rows of a frame never lie closer in x than the grid of 1/1024 nm.
    return rows[np.lexsort(rows.T[::-1])]


def found(table: pa.Table) -> Places:
    return ordered(*(table[name].to_numpy() for name in ("tile", "frame", "x_nm", "y_nm")))


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    cargo = shutil.which("cargo") or places.missing("cargo", "install Rust")
    folder = tmp_path_factory.mktemp("scan") / "scan.parquet"
    example = ["run", "--release", "--quiet", "--package", "wire", "--example", "dataset", "--", str(folder)]
    done = subprocess.run([cargo, *example], cwd=places.REPOSITORY, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    text = pyarrow.csv.read_csv(folder.with_name("scan.parquet.csv"))
    truth = {name: text[name].to_numpy().astype(np.float64) for name in text.column_names}
    return Scan(folder, ds.dataset(folder, format="parquet", partitioning="hive"), truth)


def test_every_row_of_every_tile_is_read_with_its_units(scan: Scan) -> None:
    schema = scan.table.schema
    assert schema.field("x_nm").type == schema.field("y_nm").type == pa.float64()
    assert (schema.field("frame").type, schema.field("tile").type) == (pa.uint32(), pa.int32())
    assert [file.split("/")[-2] for file in scan.table.files] == [f"tile={tile:05}" for tile in range(6)]
    rows, expected = found(scan.table.to_table()), scan.expected(np.ones(240_000, bool))
    assert rows.shape == expected.shape
    assert np.array_equal(rows[:, :2], expected[:, :2])
    # Half a step of 1/1024 nm.
    assert np.abs(rows[:, 2:] - expected[:, 2:]).max() <= 0.5 / 1024 + 1e-9


def test_a_tile_is_found_by_its_folder(scan: Scan) -> None:
    for tile in (0, 4):
        only = ds.field("tile") == tile
        assert len(list(scan.table.get_fragments(filter=only))) == 1, "the other files are not opened"
        rows = found(scan.table.to_table(filter=only))
        expected = scan.expected(scan.truth["tile"] == tile)
        assert np.allclose(rows, expected, rtol=0, atol=0.5 / 1024 + 1e-9)


def test_a_region_is_found_over_the_borders_of_tiles_and_most_row_groups_are_left_out(scan: Scan) -> None:
    x_nm, y_nm = (23_000.0, 32_000.0), (1_040_000.0, 1_050_000.0)
    inside = np.ones(240_000, bool)
    for name, (low, high) in (("x_nm", x_nm), ("y_nm", y_nm)):
        inside &= (scan.truth[name] >= low) & (scan.truth[name] < high)
    assert set(scan.truth["tile"][inside]) == {0, 1, 4, 5}
    only = ds.field("x_nm") >= x_nm[0]
    for name, (low, high) in (("x_nm", x_nm), ("y_nm", y_nm)):
        only = only & (ds.field(name) >= low) & (ds.field(name) < high)
    rows, expected = found(scan.table.to_table(filter=only)), scan.expected(inside)
    assert len(rows) == len(expected) > 3000
    assert np.allclose(rows, expected, rtol=0, atol=0.5 / 1024 + 1e-9)
    groups = [
        (fragment.num_row_groups, fragment.subset(only).num_row_groups) for fragment in scan.table.get_fragments()
    ]
    of_all, kept = np.sum(groups, axis=0)
    assert kept <= of_all / 2, groups


def test_a_file_says_which_tile_it_is(scan: Scan) -> None:
    notes = pyarrow.parquet.ParquetFile(scan.folder / "tile=00004" / "part-0.parquet").metadata.metadata
    said = {key.removeprefix(b"blinkd.").decode(): value.decode() for key, value in notes.items()}
    assert (said["tile"], said["tile_row"], said["tile_column"]) == ("4", "1", "1")
    assert (float(said["corner_x_nm"]), float(said["corner_y_nm"])) == (24_999.75, 1_045_000.0)
    assert (said["pixel_size_x_nm"], said["pixel_size_y_nm"]) == ("100", "110")
    assert (said["drift"], said["merge"], said["series"]) == ("by cross-correlation, 500 frames", "", "night")


def test_duckdb_and_polars_read_the_same_rows(scan: Scan) -> None:
    truth = scan.truth
    inside = (truth["tile"] == 4) & (truth["x_nm"] < 40_000)
    duckdb = pytest.importorskip("duckdb", reason="SKIPPED: duckdb is missing; pip install duckdb")
    query = f"select count(*), sum(frame) from read_parquet('{scan.folder}/*/*.parquet', hive_partitioning=true)"
    [(count, frames)] = duckdb.sql(f"{query} where tile = 4 and x_nm < 40000").fetchall()
    assert (count, frames) == (inside.sum(), truth["frame"][inside].sum())
    polars = pytest.importorskip("polars", reason="SKIPPED: polars is missing; pip install polars")
    for where in (scan.folder, f"{scan.folder}/*/*.parquet"):
        table = polars.scan_parquet(where, hive_partitioning=True)
        rows = table.filter((polars.col("tile") == 4) & (polars.col("x_nm") < 40_000)).collect()
        assert (rows.height, rows["frame"].sum()) == (inside.sum(), truth["frame"][inside].sum())
