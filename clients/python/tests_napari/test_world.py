"""Half a pixel, once and for all."""

from __future__ import annotations

import numpy as np
import pytest

from blinkd.napari.layout import COARSEST_SIDE_PX, Layout, PixelBox, Pyramid, TileKey
from blinkd.napari.world import Region, image_placed, nm_of_px, points_um

PYRAMID = Pyramid(base_pixel_nm=10.0, tile_px=256, finest=0, levels=13)


def test_the_centre_of_the_first_camera_pixel_lies_half_a_pixel_from_the_corner() -> None:
    assert nm_of_px(0.0, 100.0) == 50.0
    assert nm_of_px(-0.5, 100.0) == 0.0
    assert nm_of_px(2.0, 108.0, 1000.0) == 1270.0


def test_points_are_rows_then_columns_in_um() -> None:
    assert points_um(np.array([50.0, 1500.0]), np.array([250.0, 0.0])).tolist() == [[0.25, 0.05], [0.0, 1.5]]


def test_an_image_lies_so_that_its_first_pixels_corner_is_where_it_was_said() -> None:
    placed = image_placed(10.0, 200.0, -400.0)
    assert placed["scale"] == (0.01, 0.01)
    # napari draws the pixel from translate - scale / 2 on
    assert placed["translate"] == pytest.approx((-0.395, 0.205))
    assert placed["units"] == ("µm", "µm")


def test_a_position_in_a_picture_pixel_is_inside_the_pixel_that_napari_draws() -> None:
    placed = image_placed(10.0, 0.0, 0.0)
    for x_nm, column in ((0.0, 0), (9.99, 0), (10.0, 1), (1234.0, 123)):
        y_um, x_um = points_um(np.array([x_nm]), np.array([0.0]))[0]
        assert round((x_um - placed["translate"][1]) / placed["scale"][1] + 1e-9) == column
        assert y_um == 0.0


@pytest.mark.parametrize("side_nm", [6400.0, 12_800.0, 51_200.0, 204_800.0, 1_800_000.0, 55_300.0])
def test_every_level_covers_the_same_region_and_the_coarsest_is_small(side_nm: float) -> None:
    layout = Layout.of(Region(0.0, 0.0, side_nm, side_nm / 2), PYRAMID)
    height, width = layout.box(0).shape
    for level in layout.levels:
        assert layout.box(level).shape == (height >> level, width >> level)
        assert (height >> level) << level == height
    assert max(layout.coarse.shape) <= COARSEST_SIDE_PX
    assert layout.region.covers(Region(0.0, 0.0, side_nm, side_nm / 2))
    assert layout.region.x_max_nm - side_nm < layout.pixel_nm(layout.coarsest)


def test_a_region_left_of_the_corner_is_covered() -> None:
    layout = Layout.of(Region(-30_000.0, -100.0, 20_000.0, 12_800.0), PYRAMID)
    assert layout.region.covers(Region(-30_000.0, -100.0, 20_000.0, 12_800.0))
    assert layout.box(0).x_min <= -3000
    assert TileKey(0, -12, -1) in layout.box(0).tiles(0, 256)


def test_levels_stay_while_they_hold_the_picture_and_grow_with_a_margin() -> None:
    field = Region(0.0, 0.0, 12_800.0, 12_800.0)
    layout = Layout.of(field, PYRAMID)
    assert layout.after(field, PYRAMID) is layout
    outside = Region(-25.0, 0.0, 12_800.0, 12_800.0)
    grown = layout.after(outside, PYRAMID)
    assert grown.region.covers(outside.grown(100.0)), "the next ones outside change nothing"
    assert grown.after(outside.grown(50.0), PYRAMID) is grown
    folded = layout.after(field, Pyramid(base_pixel_nm=10.0, tile_px=256, finest=1, levels=13))
    assert folded.finest == 1
    assert folded.region.covers(field)


def test_a_tiles_parent_covers_it_also_left_of_the_corner() -> None:
    assert TileKey(0, -1, 3).parent() == TileKey(1, -1, 1)
    assert PixelBox(-1, 0, 1, 1).tiles(0, 256) == [TileKey(0, -1, 0), TileKey(0, 0, 0)]
    assert PixelBox(3, 3, 3, 9).tiles(0, 256) == []
