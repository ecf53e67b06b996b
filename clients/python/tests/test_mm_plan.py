"""Where a scan's tiles are, in what order, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from blinkd import Tile
from blinkd.micromanager import Preset, ScanPlan, WidefieldPass

PLAN = ScanPlan(rows=3, columns=4, frames=100, field_um=(50.0, 40.0), overlap_um=(1.0, 2.0), centre_um=(1000.0, -500.0))


def test_tiles_follow_a_snake_with_row_0_at_the_largest_y() -> None:
    stops = [PLAN.stop(index) for index in range(PLAN.tiles)]
    assert [(s.tile.row, s.tile.column) for s in stops[:8]] == [
        *((0, column) for column in (0, 1, 2, 3)),
        *((1, column) for column in (3, 2, 1, 0)),
    ]
    assert stops[0].y_um > stops[-1].y_um
    assert [s.tile.index for s in stops] == list(range(12))
    assert stops[5].tile == Tile(index=5, row=1, column=2, frames=100)


def test_neighbouring_fields_overlap_by_what_was_asked_and_the_grid_is_centred() -> None:
    stops = [PLAN.stop(index) for index in range(PLAN.tiles)]
    xs, ys = sorted({s.x_um for s in stops}), sorted({s.y_um for s in stops})
    assert xs == [926.5, 975.5, 1024.5, 1073.5]
    assert ys == [-538.0, -500.0, -462.0]


def test_no_step_of_a_snake_is_longer_than_one_field() -> None:
    stops = [PLAN.stop(index) for index in range(PLAN.tiles)]
    for before, after in itertools.pairwise(stops):
        moved = (abs(after.x_um - before.x_um), abs(after.y_um - before.y_um))
        assert moved in ((49.0, 0.0), (0.0, 38.0))


def test_rows_may_all_run_the_same_way() -> None:
    plan = dataclasses.replace(PLAN, snake=False)
    assert [plan.stop(index).tile.column for index in (3, 4, 5)] == [3, 0, 1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"rows": 0}, "rows"),
        ({"columns": -1}, "columns"),
        ({"rows": 10_000, "columns": 10_000}, "tiles at most"),
        ({"frames": 0}, "frames"),
        ({"overlap_um": (50.0, 1.0)}, "overlap_um in x"),
        ({"overlap_um": (1.0, -1.0)}, "overlap_um in y"),
        ({"exposure_ms": 0.0}, "exposure_ms"),
        ({"field_um": (float("inf"), 40.0)}, "finite"),
        ({"centre_um": (0.0, float("nan"))}, "finite"),
    ],
)
def test_what_no_stage_could_do_is_refused_by_the_name_of_the_field(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(PLAN, **wrong)  # type: ignore[arg-type]


def test_a_tile_that_is_not_in_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="tile 12 is not in a grid of 12"):
        PLAN.stop(12)


def test_a_widefield_pass_keeps_something() -> None:
    assert WidefieldPass().frames - WidefieldPass().ignored == 3
    with pytest.raises(ValueError, match="keep none"):
        WidefieldPass(frames=2, ignored=2)


def test_a_preset_is_written_with_its_group() -> None:
    assert Preset.parse("Channel=Cy5") == Preset(group="Channel", name="Cy5")
    for text in ("Cy5", "=Cy5", "Channel="):
        with pytest.raises(ValueError, match="GROUP=PRESET"):
            Preset.parse(text)


def test_the_same_scan_for_the_mda_engine_has_the_same_positions_in_the_same_order() -> None:
    pytest.importorskip("useq")
    plan = dataclasses.replace(PLAN, frames=2, preset=Preset(group="Channel", name="Cy5"), exposure_ms=10.0)
    events = list(plan.to_useq().iter_events())
    stops = [plan.stop(index) for index in range(plan.tiles)]
    assert [(e.x_pos, e.y_pos) for e in events[::2]] == [pytest.approx((s.x_um, s.y_um)) for s in stops]
    assert len(events) == 24
    assert {(e.channel.config, e.exposure) for e in events} == {("Cy5", 10.0)}
