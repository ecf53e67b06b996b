"""Blinking emitters through the real Micro-Manager engine: what is found is what is found without it.

The core's camera plays frames that the virtual microscope made; stage and engine are Micro-Manager's.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import zmq
from blinkd.envelope import decode
from blinkd.v1 import acquisitions_pb2

from rigs import micromanager
from rigs.daemon import Daemon, environment, nothing_lost, run, whole
from rigs.micromanager import Core, acquisitions
from rigs.microscope import blinking
from rigs.results import record
from rigs.waiting import until

SIDE, FRAMES = 128, 400


@pytest.fixture(autouse=True)
def core_is_there() -> None:
    micromanager.require()


def filmed(binary: Path, folder: Path) -> tuple[Path, Path]:
    """The virtual microscope's frames as a stack, and the truth in them."""
    truth, stack = folder / "truth.csv", folder / "movie.npy"
    socket = zmq.Context.instance().socket(zmq.PULL)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    command = [str(binary), "simulate", "--connect", f"tcp://127.0.0.1:{port}", "--truth", str(truth)]
    command += ["--fps", "0", "--seconds", "0", "--width", str(SIDE), "--height", str(SIDE)]
    command += ["--rows", "1", "--columns", "1", "--frames-per-tile", str(FRAMES)]
    frames: list[bytes] = []
    with subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL) as player:
        while True:
            assert socket.poll(30_000), "the virtual microscope fell silent"
            parts = socket.recv_multipart()
            kind = decode(parts[0]).WhichOneof("kind")
            if kind == "frame":
                frames.append(parts[1])
            elif kind == "series_end":
                break
        assert player.wait(timeout=30) == 0
    socket.close(linger=0)
    np.save(stack, np.frombuffer(b"".join(frames), "<u2").reshape(-1, SIDE, SIDE))
    return stack, truth


def scored(binary: Path, table: Path, truth: Path) -> dict[str, Any]:
    done = run(binary, "eval", table, "--truth", truth, "--pixel-size-nm", 100, "--json")
    assert done.returncode == 0, done.stderr
    scores: dict[str, Any] = json.loads(done.stdout)["overall"]
    return scores


def finished(daemon: Daemon) -> dict[str, Any]:
    def written(series: dict[str, Any]) -> bool:
        return series["state"] == "done" and any(name.endswith("summary.json") for name in series["files"])

    series = daemon.wait_series("the series is done and its files written", written, within_s=300)
    assert whole(series)
    assert nothing_lost(series), series
    return series


@pytest.mark.parametrize("way", ["mda", "scan"])
def test_blinking_through_micromanager_is_localized_as_well_as_without_it(
    daemons: Any, binary: Path, tmp_path: Path, way: str
) -> None:
    movie, truth = filmed(binary, tmp_path)
    replayed = run(binary, "replay", movie, "--out", tmp_path / "replay", "--pixel-size-nm", 100, timeout_s=300)
    assert replayed.returncode == 0, replayed.stderr
    without = scored(binary, tmp_path / "replay" / "localizations.parquet", truth)

    daemon = daemons("--model", "decode-2d-lite").start()
    said = Core(
        do=way,
        endpoint=daemon.frames,
        movie=movie,
        rows=1,
        columns=1,
        frames=FRAMES,
        field_um=12.8,
        overlap_um=1.0,
        exposure_ms=20,
    ).result()
    assert said["frames"] == said["sent"] == FRAMES
    series = finished(daemon)
    table = next(Path(name) for name in series["files"] if name.endswith(".parquet"))
    through = scored(binary, table, truth)
    record(
        f"micromanager_movie_{way}",
        {
            "ji": [without["jaccard"], through["jaccard"]],
            "rmse_lateral_nm": [without["rmse_lateral_nm"], through["rmse_lateral_nm"]],
        },
    )
    assert without["jaccard"] > 0.8
    assert through["jaccard"] == pytest.approx(without["jaccard"], abs=1e-3)
    assert through["rmse_lateral_nm"] == pytest.approx(without["rmse_lateral_nm"], abs=0.05)


def test_33_x_33_tiles_with_widefield_first_go_through_the_real_engine_without_loss(
    daemons: Any, tmp_path: Path, memory_folder: Path
) -> None:
    side, per_tile, tiles = 48, 12, 33 * 33
    movie = tmp_path / "movie.npy"
    np.save(movie, blinking(frames=3 * per_tile, side=side, spots=3.0, seed=33))
    daemon = daemons("--model", "decode-2d-lite", ring__dir=memory_folder, ring__mib=128).start()
    said = Core(
        do="scan",
        endpoint=daemon.frames,
        movie=movie,
        rows=33,
        columns=33,
        frames=per_tile,
        field_um=5.0,
        overlap_um=1.0,
        exposure_ms=2,
        widefield={"frames": 5, "ignored": 2},
    ).result(timeout_s=600)
    assert (said["tiles"], said["frames"], said["dropped"]) == (tiles, tiles * per_tile, 0)
    assert (said["widefield_frames"], said["not_whole"], said["taken_again"]) == (3 * tiles, [], [])
    states = lambda: [acquisition.state for acquisition in acquisitions(daemon)]  # noqa: E731
    until(lambda: states() == [acquisitions_pb2.SERIES_STATE_DONE] * 2, what="both series are done", within_s=300)
    wide, bursts = sorted(acquisitions(daemon), key=lambda a: a.localizations)
    record(
        "micromanager_33_x_33",
        {"seconds": said["seconds"], "latency_p99_ms": bursts.latency.p99_ms, "localizations": bursts.localizations},
    )
    for acquisition, frames in ((bursts, per_tile), (wide, 3)):
        assert (acquisition.account.processed, len(acquisition.tiles)) == (tiles * frames, tiles)
        assert not acquisition.account.missing
        assert not acquisition.account.lost
        assert {t.account.received for t in acquisition.tiles} == {frames}
        assert len({(t.row, t.column) for t in acquisition.tiles}) == tiles
    assert wide.localizations == 0
    assert all(tile.localizations > 0 for tile in bursts.tiles), "every tile has blinking emitters"
    last = bursts.tiles[-1]
    assert (last.tile_index, last.row, last.column) == (1088, 32, 32)
    table = pyarrow.parquet.read_table(
        next(path for path in daemon.store.rglob("localizations.parquet") if path.parent.name == bursts.series_id.hex())
    )
    assert table.num_rows == bursts.localizations
