"""`blinkd demo`: what a stranger sees first."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from rigs import places
from rigs.daemon import run
from rigs.results import record

KEYS = {
    "received",
    "processed",
    "waiting",
    "lost",
    "frames_per_second",
    "latency_ms",
    "localizations",
    "ji",
    "rmse_lateral_nm",
    "picture",
    "localization_file",
}


def test_the_demo_loses_nothing_finds_most_emitters_and_writes_what_it_says(binary: Path, tmp_path: Path) -> None:
    seconds = places.seconds(20)
    done = run(binary, "demo", "--seconds", seconds, "--json", "--out", tmp_path, timeout_s=seconds + 150)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert set(said) == KEYS
    assert set(said["latency_ms"]) == {"p50", "p99"}
    record("demo", {key: value for key, value in said.items() if not isinstance(value, str)})
    assert said["lost"] == 0
    assert said["waiting"] == 0
    assert said["received"] == said["processed"] + said["waiting"] + said["lost"]
    assert said["received"] >= 0.9 * 50 * seconds, "the camera runs at 50 frames per second"
    assert said["ji"] >= 0.80
    assert said["rmse_lateral_nm"] <= 25.0
    table = pyarrow.parquet.read_table(said["localization_file"])
    assert table.num_rows == said["localizations"] > 0
    frames = pyarrow.parquet.ParquetFile(said["localization_file"]).metadata.row_group(0).column(0)
    assert frames.statistics.max > frames.statistics.min >= 0, "who asks for some frames finds them"
    with Image.open(said["picture"]) as picture:
        lit = (np.asarray(picture).max(axis=2) > 32).mean()
    assert 0.005 < lit < 0.9, f"{lit:.1%} of the picture is lit"
    polars = pytest.importorskip("polars", reason="SKIPPED: polars is missing; pip install polars")
    late = polars.scan_parquet(said["localization_file"]).filter(polars.col("frame") > frames.statistics.max // 2)
    assert len(late.collect()) == np.count_nonzero(table["frame"].to_numpy() > frames.statistics.max // 2) > 0


def test_the_demo_disturbs_no_daemon_that_runs(daemons, binary: Path, tmp_path: Path) -> None:
    other = daemons("--model", "fake", serve__listen="127.0.0.1:5767").start()
    done = run(binary, "demo", "--seconds", 1, "--json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert other.series() is None
