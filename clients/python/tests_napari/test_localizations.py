"""Points on demand: where they lie, how large they are, what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from daemon_in_memory import FakeSeries, batch, pieces

from blinkd.napari import localizations as subject
from blinkd.napari.localizations import Found, PointsWish, collect, colour_range, diameters_um
from blinkd.napari.world import Region

FRAMES = 100


def series(count: int = 3000, **more: Any) -> FakeSeries:
    columns = batch(np.random.default_rng(7), count, side_px=64, frames=FRAMES)
    return FakeSeries("points", columns, frames=FRAMES, **more)


class Asked:
    """A query that keeps what it was asked, and how many pieces were read."""

    def __init__(self, of: FakeSeries) -> None:
        self._of = of
        self.questions: list[tuple[int | None, tuple[int, int]]] = []
        self.pieces = 0
        self.ended = 0

    def __call__(
        self, series: bytes, *, tile: int | None, frames: tuple[int, int], as_shown: bool
    ) -> Iterator[SimpleNamespace]:
        assert as_shown, "points lie upon the picture"
        assert series == self._of.series_id
        assert frames[0] <= frames[1]
        assert frames != (0, 0), "the daemon reads that as all frames"
        self.questions.append((tile, frames))
        try:
            for piece in pieces(self._of.columns, tile, frames):
                self.pieces += 1
                yield piece
        finally:
            self.ended += 1


def found(of: FakeSeries, **wish: Any) -> tuple[Found, Asked]:
    asked = Asked(of)
    return collect(asked, of.acquisition(), PointsWish(**wish)), asked


def test_everything_is_found_in_place_with_its_columns() -> None:
    ours = series()
    points, _ = found(ours)
    x_nm, y_nm = ours.positions_nm()
    assert np.allclose(points.positions_um, np.column_stack((y_nm, x_nm)) / 1000)
    assert np.array_equal(points.features["z_nm"], ours.columns.z_nm)
    sigma = np.sqrt((ours.columns.sigma_x_px.astype(float) ** 2 + ours.columns.sigma_y_px.astype(float) ** 2) / 2) * 100
    assert np.allclose(points.features["sigma_nm"], sigma)
    assert np.allclose(points.diameters_um, 2 * sigma / 1000)
    assert points.note == ""


def test_only_the_region_and_the_frames_asked_for_are_found() -> None:
    ours = series()
    region = Region(1000.0, 2000.0, 3000.0, 2500.0)
    points, asked = found(ours, region=region, first_frame=10, last_frame=29)
    x_nm, y_nm = ours.positions_nm()
    frame = ours.columns.frame
    expected = region.holds(x_nm, y_nm) & (frame >= 10) & (frame <= 29)
    assert 0 < expected.sum() == len(points.positions_um)
    assert asked.questions == [(None, (10, 29))]


def test_what_exceeds_the_limit_is_cut_and_the_note_says_at_which_frame() -> None:
    points, _ = found(series(3000), most=1000)
    assert len(points.positions_um) == 1000
    assert len(points.features["frame"]) == 1000
    last = int(points.features["frame"][-1])
    assert points.note.startswith(f"cut at 1,000 points, at frame {last} of 0 and later:")
    assert "zoom in" in points.note


def test_exactly_as_many_as_allowed_are_not_cut() -> None:
    points, _ = found(series(500), most=500)
    assert len(points.positions_um) == 500
    assert points.note == ""


def test_a_large_series_is_read_piece_by_piece_and_no_further_than_needed() -> None:
    points, asked = found(series(3000), most=1000)
    assert len(points.positions_um) == 1000
    assert asked.pieces == 4, "of 300 each"
    assert asked.ended == 1, "the rest is not waited for"


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 1), (7, 7), (99, 99)])
def test_single_frames_can_be_asked_for(first: int, last: int) -> None:
    ours = series(3000)
    points, _ = found(ours, first_frame=first, last_frame=last)
    assert len(points.positions_um) == ((ours.columns.frame >= first) & (ours.columns.frame <= last)).sum() > 0


def test_frames_that_end_before_they_begin_hold_nothing() -> None:
    points, asked = found(series(), first_frame=10, last_frame=9)
    assert len(points.positions_um) == 0
    assert asked.questions == []


def test_no_wish_exceeds_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MOST_POINTS", 200)
    points, _ = found(series(3000), most=10**9)
    assert len(points.positions_um) == 200


def test_a_stopped_search_says_so() -> None:
    ours = series()
    stopped = collect(Asked(ours), ours.acquisition(), PointsWish(), stop=lambda: True)
    assert len(stopped.positions_um) == 0
    assert "stopped" in stopped.note


def scan() -> FakeSeries:
    rng = np.random.default_rng(5)
    parts = [batch(rng, 400, side_px=64, frames=FRAMES, tile=tile) for tile in range(4)]
    columns = SimpleNamespace(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])})
    corners = {0: (0.0, 0.0), 1: (6000.0, 0.0), 2: (0.0, 6000.0), 3: (6000.0, -200.0)}
    return FakeSeries("scan", columns, frames=FRAMES, corners_nm=corners)


def test_points_of_a_scan_lie_in_their_tiles() -> None:
    ours = scan()
    points, asked = found(ours)
    x_nm, y_nm = ours.positions_nm()
    assert len(points.positions_um) == 1600
    assert np.allclose(np.sort(points.positions_um[:, 1]), np.sort(x_nm) / 1000)
    assert np.allclose(np.sort(points.positions_um[:, 0]), np.sort(y_nm) / 1000)
    assert {tile for tile, _ in asked.questions} == {None}


def test_only_the_tiles_of_the_region_are_asked_for() -> None:
    ours = scan()
    points, asked = found(ours, region=Region(100.0, 7000.0, 5900.0, 12_000.0))
    assert {tile for tile, _ in asked.questions} == {2}
    assert (points.features["tile"] == 2).all()


def test_localizations_of_a_tile_that_is_not_known_yet_are_left_aside() -> None:
    ours = scan()
    del ours.corners_nm[3]
    asked = Asked(ours)
    points = collect(asked, ours.acquisition(), PointsWish())
    assert len(points.positions_um) == 1200


def test_a_series_without_localizations_gives_no_points() -> None:
    points, _ = found(series(0))
    assert points.positions_um.shape == (0, 2)


def test_a_point_of_unknown_width_can_still_be_seen() -> None:
    assert diameters_um(np.array([np.nan, 0.0, 15.0])).tolist() == [0.001, 0.001, 0.03]


def test_colours_reach_from_the_first_to_the_last_hundredth() -> None:
    assert colour_range(np.linspace(0.0, 1000.0, 1001)) == (10.0, 990.0)
    assert colour_range(np.full(5, 3.0)) == (2.5, 3.5)
    assert colour_range(np.array([np.nan])) == (0.0, 1.0)
