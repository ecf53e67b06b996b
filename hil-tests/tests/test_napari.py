"""napari on the real daemon: layers hold what the API says, lie upon each other, survive a kill, and leave nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blinkd import Client

from rigs.daemon import environment
from rigs.napari_process import NapariProcess, python, x_server
from rigs.waiting import until

SIDE_PX = 96
FIELD_UM = SIDE_PX * 0.1


@pytest.fixture(autouse=True)
def _napari_is_here() -> None:
    python()
    x_server()


def simulate(binary: Path, daemon: Any, *, series: str, options: list[object]) -> subprocess.Popen[bytes]:
    """The virtual microscope, in a process of its own."""
    command = ["simulate", "--connect", daemon.frames, "--series", series, "--width", SIDE_PX, "--height", SIDE_PX]
    astigmatic = ["--psf", "astigmatic", "--density-per-um2", 0.8]
    words = [str(word) for word in (binary, *command, *astigmatic, *options)]
    return subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL)


def done(client: Client, series: bytes, microscope: subprocess.Popen[bytes]) -> Any:
    """The series once all is processed."""
    assert microscope.wait(timeout=120) == 0

    def look() -> Any:
        acquisition = client.acquisitions.get(series)
        return acquisition if acquisition.is_done else None

    return until(look, what="the series is done", within_s=120)


def screenshots(tmp_path: Path) -> Path:
    return Path(os.environ.get("BLINKD_HIL_SCREENSHOTS") or tmp_path)


def agrees(shown: dict[str, Any], folder: Path, client: Client, acquisition: Any) -> None:
    """The points are the query's, and lie in the pixels that count them."""
    found = client.query(acquisition.series_id, as_shown=True)
    corners = {tile.tile_index: (tile.corner_x_nm, tile.corner_y_nm) for tile in acquisition.tiles} or {0: (0.0, 0.0)}
    corner = np.array([corners[int(tile)] for tile in found.tile])
    x_um = ((found.x_px.astype(float) + 0.5) * acquisition.pixel_size_x_nm + corner[:, 0]) / 1000
    y_um = ((found.y_px.astype(float) + 0.5) * acquisition.pixel_size_y_nm + corner[:, 1]) / 1000
    with np.load(folder / "points.npz") as points:
        assert np.allclose(points["um"], np.column_stack((y_um, x_um)), atol=1e-6)
        assert np.allclose(points["z_nm"], found.z_nm)
        sigma_um = np.sqrt((found.sigma_x_px.astype(float) ** 2 + found.sigma_y_px.astype(float) ** 2) / 2) * 0.1
        assert np.allclose(points["size"], np.maximum(2 * sigma_um, 1e-3), atol=1e-6)
    assert shown["count"] == len(found) == acquisition.localizations
    assert shown["points_note"] == f"{len(found):,} localizations."
    # A float32 position on a pixel's edge may be counted on either side of it.
    assert shown["aside"] <= len(found) * 0.002
    assert shown["half_aside"] > len(found) * 0.4, "half a pixel aside would be seen"


def test_a_recording_grows_in_napari_agrees_with_the_api_and_survives_a_kill(
    daemons: Any, binary: Path, tmp_path: Path
) -> None:
    daemon = daemons("--model", "decode-astig-lite").start()
    series = bytes(range(16))
    with Client(daemon.grpc) as client, NapariProcess(daemon.grpc, tmp_path) as napari:
        napari.do("connect")
        napari.do("state", "Connected")
        microscope = simulate(binary, daemon, series=series.hex(), options=["--fps", 60, "--seconds", 8])
        early = napari.do("grown", 200)["localizations"]
        assert napari.do("grown", early + 500)["localizations"] > early, "it grows while frames arrive"
        acquisition = done(client, series, microscope)
        whole = napari.do("whole", acquisition.localizations)
        assert whole["units"] == ["micrometer", "micrometer"]
        assert whole["scale"] == pytest.approx([0.01, 0.01])
        assert np.allclose(whole["extent_um"], [[0.005, 0.005], [FIELD_UM - 0.005, FIELD_UM - 0.005]], atol=0.2)
        spread = napari.do("drawn_as", "Gaussians")["sum"]
        assert spread == pytest.approx(acquisition.localizations, rel=0.05), "but for what lies beyond the edges"
        assert napari.do("picture", screenshots(tmp_path) / "napari-picture.png")["lit"] > 0.01
        napari.do("drawn_as", "counts")
        agrees(napari.do("points", tmp_path), tmp_path, client, acquisition)
        lit = napari.do("picture", screenshots(tmp_path) / "napari.png")["lit"]
        assert lit > 0.01, "the canvas shows something"

        table = next(Path(acquisition.folder).glob("*.parquet"))
        picture, points = napari.do("open", table)["opened"]
        assert picture["sum"] == points["sum"] == acquisition.localizations
        assert picture["units"] == points["units"] == ["micrometer", "micrometer"]
        with np.load(tmp_path / "points.npz") as live:
            ends = [live["um"].min(axis=0), live["um"].max(axis=0)]
        assert np.allclose(points["extent_um"], ends, atol=1e-5), "the file lies upon the live points"

        daemon.kill()
        lost = napari.do("state", "Not connected")
        assert "localizations" in " ".join(lost["layers"]), "what was there stays"
        daemon.start()
        napari.do("state", "Connected")
        assert napari.do("whole", acquisition.localizations)["series"], "the series is there again"
        assert napari.do("close")["threads"] == []


def test_a_scan_lies_in_napari_as_its_tiles_do(daemons: Any, binary: Path, tmp_path: Path) -> None:
    daemon = daemons("--model", "decode-astig-lite").start()
    series = bytes(range(1, 17))
    with Client(daemon.grpc) as client, NapariProcess(daemon.grpc, tmp_path) as napari:
        napari.do("connect")
        scan = ["--rows", 2, "--columns", 3, "--frames-per-tile", 60, "--fps", 0, "--seconds", 0]
        acquisition = done(client, series, simulate(binary, daemon, series=series.hex(), options=scan))
        until(lambda: client.scans.get(series).complete, what="every tile is looked at", within_s=60)
        napari.do("whole", acquisition.localizations)
        shown = napari.do("tiles")
        assert shown["tiles_note"] == "6 tiles: 6 done"
        tiles = client.scans.get(series).tiles
        for corners, seen in zip(shown["corners_um"], sorted(tiles, key=lambda one: one.tile.tile_index), strict=True):
            left, top = seen.tile.corner_x_nm / 1000, seen.tile.corner_y_nm / 1000
            assert np.allclose(np.min(corners, axis=0), [top, left])
            assert np.allclose(np.max(corners, axis=0), [top + FIELD_UM, left + FIELD_UM])
        agrees(napari.do("points", tmp_path), tmp_path, client, acquisition)
        assert napari.do("picture", screenshots(tmp_path) / "napari-scan.png")["lit"] > 0.01
        assert napari.do("close")["threads"] == []
