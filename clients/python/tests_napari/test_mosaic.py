"""Levels as arrays: what has arrived, what is wanted, how much is kept."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from daemon_in_memory import FakeDaemon, FakeSeries, FakeTiles, batch

from blinkd.napari import mosaic as subject
from blinkd.napari.layout import Layout, Pyramid, TileKey
from blinkd.napari.mosaic import Level, Mosaic, contrast_limits
from blinkd.napari.world import Region

SIDE_NM = 25_600.0
PYRAMID = Pyramid(base_pixel_nm=10.0, tile_px=256, finest=0, levels=13)
LAYOUT = Layout.of(Region(0.0, 0.0, SIDE_NM, SIDE_NM), PYRAMID)


def source(count: int = 5000) -> FakeTiles:
    columns = batch(np.random.default_rng(3), count, side_px=256, frames=10)
    daemon = FakeDaemon(FakeSeries("a", columns, side_px=256))
    daemon.asked = lambda *_: None  # type: ignore[method-assign]
    return FakeTiles(daemon, daemon.series[0])


def bring(mosaic: Mosaic, tiles: FakeTiles, most: int = 1000) -> list[TileKey]:
    wanted = mosaic.wanted(most)
    for key in wanted:
        mosaic.put(key, tiles.read(key.level, key.x, key.y))
    return wanted


def finest(mosaic: Mosaic) -> Level:
    level = mosaic.levels[0]
    assert isinstance(level, Level)
    return level


def test_shapes_halve_from_level_to_level() -> None:
    shapes = [level.shape for level in Mosaic(LAYOUT).levels]
    assert shapes == [(2560, 2560), (1280, 1280), (640, 640), (320, 320)]


def test_a_piece_wants_the_tiles_it_touches_and_no_others() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    assert bring(mosaic, tiles) == sorted(LAYOUT.coarse.tiles(3, 256)), "the coarsest level is always wanted"
    finest(mosaic)[200:300, 1000:1030]
    assert set(mosaic.wanted(99)) == {TileKey(0, 3, 0), TileKey(0, 4, 0), TileKey(0, 3, 1), TileKey(0, 4, 1)}
    finest(mosaic)[0:10, 0:10]
    assert mosaic.wanted(99) == [TileKey(0, 0, 0)], "what was looked at before is not wanted any more"


def test_the_middle_of_the_view_comes_first() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    bring(mosaic, tiles)
    finest(mosaic)[0:1280, 0:1280]
    assert mosaic.wanted(1) == [TileKey(0, 2, 2)]
    assert len(mosaic.wanted(99)) == 25


def test_what_has_arrived_is_exact_and_the_finest_levels_sum_is_the_number_of_localizations() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source(5000)
    bring(mosaic, tiles)
    level = finest(mosaic)
    level[:, :]
    bring(mosaic, tiles)
    whole = level[:, :]
    assert whole.dtype == np.float32
    assert whole.sum() == 5000
    assert np.array_equal(level[256:512, 512:768], tiles.read(0, 2, 1))
    assert np.array_equal(level[100, 7:2500:3], whole[100, 7:2500:3])
    assert np.array_equal(level[..., -5:], whole[..., -5:])
    assert level[3, -1] == whole[3, -1]
    assert np.array_equal(np.asarray(level), whole)


def test_coarser_levels_are_means_of_the_finest() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    for level in (0, 1, 2):
        mosaic.levels[level][:, :]
        bring(mosaic, tiles)
    whole = mosaic.levels[0][:, :]
    for number, level in enumerate(mosaic.levels):
        by = 1 << number
        mean = whole.reshape(2560 // by, by, 2560 // by, by).mean(axis=(1, 3))
        assert np.allclose(level[:, :], mean)


def test_a_missing_tile_is_shown_from_the_next_coarser_one_in_place() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    bring(mosaic, tiles)
    coarse = np.asarray(mosaic.levels[-1])
    piece = finest(mosaic)[256:512, 512:768]
    assert np.array_equal(piece, np.repeat(np.repeat(coarse[32:64, 64:96], 8, axis=0), 8, axis=1))
    mosaic.put(TileKey(1, 1, 0), tiles.read(1, 1, 0))
    piece = finest(mosaic)[256:512, 512:768]
    half = tiles.read(1, 1, 0)[128:256, 0:128] / 4
    assert np.array_equal(piece, np.repeat(np.repeat(half, 2, axis=0), 2, axis=1))


def test_a_picture_left_of_the_corner_is_read_in_place() -> None:
    layout = Layout.of(Region(-6400.0, -3000.0, 6400.0, 6400.0), PYRAMID)
    mosaic = Mosaic(layout)
    values = np.arange(256 * 256, dtype=np.float32).reshape(256, 256)
    mosaic.put(TileKey(0, -1, -1), values)
    box = layout.box(0)
    level = finest(mosaic)
    assert level.shape == box.shape
    assert np.array_equal(level[-256 - box.y_min : -box.y_min, -256 - box.x_min : -box.x_min], values)
    assert sum(level.chunks[0]) == level.shape[0]
    assert level.chunks[0][0] == -256 - box.y_min, "the first row of tiles is cut"


def test_a_tile_that_changed_is_shown_until_it_comes_again() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    bring(mosaic, tiles)
    before = finest(mosaic)[0:256, 0:256]
    bring(mosaic, tiles)
    before = finest(mosaic)[0:256, 0:256]
    assert mosaic.wanted(9) == []
    assert set(mosaic.looked_at()) == {TileKey(0, 0, 0), *LAYOUT.coarse.tiles(3, 256)}
    mosaic.changed([TileKey(0, 0, 0), TileKey(3, 0, 0), TileKey(0, 7, 7)], asked=mosaic.looked_at())
    assert mosaic.wanted(9) == [TileKey(3, 0, 0), TileKey(0, 0, 0)], "what nobody looks at is not wanted"
    assert np.array_equal(finest(mosaic)[0:256, 0:256], before)
    mosaic.changed(None)
    assert len(mosaic.wanted(99)) == len(LAYOUT.coarse.tiles(3, 256)) + 1


def test_a_tile_that_was_not_asked_about_is_shown_at_once_and_wanted_when_looked_at_again() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    finest(mosaic)[0:256, 0:256]
    bring(mosaic, tiles)
    finest(mosaic)[256:512, 0:256]
    bring(mosaic, tiles)
    mosaic.changed([], asked=mosaic.looked_at())
    assert mosaic.wanted(9) == []
    assert np.array_equal(finest(mosaic)[0:256, 0:256], tiles.read(0, 0, 0))
    assert mosaic.wanted(9) == [TileKey(0, 0, 0)]


def test_the_coarsest_level_is_the_same_array_all_the_time() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source(4000)
    coarse = mosaic.levels[-1]
    assert coarse.sum() == 0
    bring(mosaic, tiles)
    assert coarse.sum() * 64 == pytest.approx(4000)
    assert mosaic.levels[-1] is coarse


def test_no_more_tiles_are_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_TILES", 4)
    mosaic, tiles = Mosaic(LAYOUT), source()
    bring(mosaic, tiles)
    finest(mosaic)[:, :]
    assert len(mosaic.wanted(999)) == 4, "the four in the middle"
    bring(mosaic, tiles)
    assert mosaic.wanted(999) == []
    finest(mosaic)[0:512, 0:512]
    bring(mosaic, tiles)
    assert len(mosaic._tiles) == 4


def test_a_piece_larger_than_any_screen_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"2560 x 2560 .* coarser level"):
        np.asarray(finest(Mosaic(LAYOUT)))


def test_indices_outside_or_backwards_are_errors() -> None:
    level = finest(Mosaic(LAYOUT))
    for key in ((slice(None, None, -1), 0), (0, 2560), (0, 0, 0)):
        with pytest.raises(IndexError):
            level[key]


def test_a_grown_mosaic_keeps_its_tiles() -> None:
    mosaic, tiles = Mosaic(LAYOUT), source()
    bring(mosaic, tiles)
    finest(mosaic)[0:256, 0:256]
    bring(mosaic, tiles)
    grown = mosaic.grown(LAYOUT.after(Region(-500.0, 0.0, SIDE_NM, SIDE_NM), PYRAMID))
    box = grown.layout.box(0)
    piece = finest(grown)[-box.y_min : 256 - box.y_min, -box.x_min : 256 - box.x_min]
    assert np.array_equal(piece, tiles.read(0, 0, 0))


def test_looking_and_bringing_at_once_never_shows_half_a_tile() -> None:
    mosaic = Mosaic(LAYOUT)
    stop = threading.Event()

    def flip() -> None:
        value = 0
        while not stop.is_set():
            value += 1
            mosaic.put(TileKey(0, 0, 0), np.full((256, 256), value, np.float32))

    thread = threading.Thread(target=flip)
    thread.start()
    try:
        for _ in range(300):
            piece = finest(mosaic)[0:256, 0:256]
            assert piece.min() == piece.max()
    finally:
        stop.set()
        thread.join()


def test_wanting_wakes_whoever_brings() -> None:
    woken: list[int] = []
    mosaic = Mosaic(LAYOUT, on_want=lambda: woken.append(1))
    finest(mosaic)[0:10, 0:10]
    assert woken
    for key in mosaic.wanted(99):
        mosaic.put(key, None)
    woken.clear()
    finest(mosaic)[0:10, 0:10]
    assert not woken


def test_contrast_limits_are_of_pixels_with_localizations() -> None:
    values = np.zeros((100, 100), np.float32)
    assert contrast_limits(values) == (0.0, 1.0)
    values[0, :] = np.arange(1, 101)
    assert contrast_limits(values)[1] == pytest.approx(99.7, abs=0.2)
