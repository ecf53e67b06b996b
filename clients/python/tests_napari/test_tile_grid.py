"""Rectangles of a scan."""

from __future__ import annotations

import numpy as np
import pytest
from daemon_in_memory import FakeSeries, batch

from blinkd.client.scans import TileState
from blinkd.napari import tile_grid as subject
from blinkd.napari.tile_grid import COLOURS, tile_grid


def scan(tiles: int = 4) -> FakeSeries:
    corners = {index: (6000.0 * (index % 2), 6000.0 * (index // 2)) for index in range(tiles)}
    return FakeSeries("scan", batch(np.random.default_rng(1), 0, side_px=64, frames=1), corners_nm=corners)


def test_rectangles_are_the_fields_in_um() -> None:
    grid = tile_grid(scan().scan())
    assert grid.corners_um.shape == (4, 4, 2)
    assert grid.corners_um[1].tolist() == [[0.0, 6.0], [0.0, 12.4], [6.4, 12.4], [6.4, 6.0]]
    assert grid.corners_um[2].min(axis=0).tolist() == [6.0, 0.0]


def test_each_state_has_its_colour_and_each_tile_its_row_and_column() -> None:
    ours = scan()
    ours.states = {0: TileState.DONE, 1: TileState.FAILED, 2: TileState.RETAKE, 3: TileState.ACQUIRING}
    grid = tile_grid(ours.scan())
    assert grid.states == ("done", "failed", "retake", "acquiring")
    assert grid.colours == [COLOURS[state] for state in grid.states]
    assert grid.labels == ("0, 0", "0, 1", "1, 0", "1, 1")
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_a_suspect_tile_has_a_colour_and_a_count_of_its_own_and_an_unknown_state_is_planned() -> None:
    ours = scan()
    ours.states = {0: TileState.SUSPECT, 1: TileState.UNSPECIFIED}
    told = ours.scan()
    told.tiles_by_state = {"done": 2, "suspect": 1}
    grid = tile_grid(told)
    assert grid.states == ("suspect", "planned", "done", "done")
    assert grid.colours[0] not in {COLOURS[state] for state in COLOURS if state != "suspect"}
    assert grid.note == "4 tiles: 2 done, 1 suspect"


def test_more_tiles_than_can_be_drawn_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_TILES", 3)
    grid = tile_grid(scan(6).scan())
    assert len(grid.corners_um) == 3
    assert grid.note == "6 tiles: 6 done; the first 3 are drawn"


def test_a_scan_without_tiles_is_an_empty_grid() -> None:
    ours = scan()
    ours.corners_nm = {}
    assert tile_grid(ours.scan()).corners_um.shape == (0, 4, 2)
