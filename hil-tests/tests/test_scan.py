"""A scan with nobody there: one picture and one table in the morning, whatever happened at night."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import zarr
from blinkd import Client

from rigs import scanning
from rigs.scanning import Plan
from rigs.waiting import until

ENGINE = ("--model", "gaussian")
SMALL = Plan(rows=3, columns=3, side=64, frames_per_tile=60)


def scanned(daemon: Any, plan: Plan) -> Any:
    daemon.start()
    scanning.wait(daemon, plan.begin(daemon), within_s=180)
    return daemon


def test_the_mosaic_opens_in_zarr_and_holds_the_table_s_localizations(daemons: Any) -> None:
    daemon = scanned(daemons(*ENGINE), SMALL)
    group = zarr.open_group(str(scanning.folder(daemon) / "mosaic.ome.zarr"), mode="r")
    (image,) = group.attrs["ome"]["multiscales"]
    assert [(axis["name"], axis["unit"]) for axis in image["axes"]] == [("y", "nanometer"), ("x", "nanometer")]
    full = image["datasets"][0]
    scaled, moved = full["coordinateTransformations"]
    scale, place = scaled["scale"], moved["translation"]
    assert scale == [20.0, 20.0]
    counts = np.asarray(group[full["path"]][:])
    rows = scanning.table(daemon)
    assert len(np.unique(rows[:, 0])) == SMALL.tiles
    # Every pixel that counts something has a localization of the table in it; in overlaps one tile's are counted.
    # NGFF's translation is the centre of the first pixel. Places in the table are whole 1024ths of a nm: one at the
    # border of two pixels may be in either.
    most = np.zeros(counts.shape, int)
    for aside in (np.array([y, x]) for y in (-0.001, 0.001) for x in (-0.001, 0.001)):
        at = np.floor((rows[:, [3, 2]] + aside - np.asarray(place) + 10.0) / 20.0).astype(int)
        inside = np.all((at >= 0) & (at < counts.shape), axis=1)
        shown = np.zeros(counts.shape, int)
        np.add.at(shown, tuple(at[inside].T), 1)
        most = np.maximum(most, shown)
    assert np.all(counts <= most)
    assert 0.7 * len(rows) < counts.sum() <= len(rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_during_a_scan_change_neither_tiles_nor_localizations(daemons: Any, seed: int) -> None:
    undisturbed = scanning.table(scanned(daemons(*ENGINE), SMALL))
    daemon = daemons(*ENGINE).start()
    chance = random.Random(seed)
    microscope = SMALL.begin(daemon, fps=400.0)
    for kill in range(5):
        seq = int((kill + chance.random()) * SMALL.frames / 5.0)
        until(lambda seq=seq: (daemon.series() or {}).get("next_seq", 0) > seq, what=f"frame {seq}", within_s=60)
        daemon.kill()
        microscope.kill()
        microscope.communicate()
        daemon.start()
        known = until(daemon.series, what="the series is known again")
        microscope = SMALL.begin(daemon, fps=400.0, resume_at=known["next_seq"])
    scanning.wait(daemon, microscope, within_s=180)
    series = daemon.series()
    assert series is not None
    assert series["account"]["processed"] == SMALL.frames
    np.testing.assert_allclose(scanning.table(daemon), undisturbed, atol=0.01)


def test_a_stage_that_is_2_um_off_is_put_right_where_tiles_share_structure(daemons: Any, tmp_path: Any) -> None:
    truth = tmp_path / "fields.csv"
    options = ("--overlap-percent", "25", "--stage-error-um", "2", "--fields", str(truth), "--density-per-um2", "0.3")
    plan = Plan(rows=3, columns=3, side=192, frames_per_tile=250, more=options)
    daemon = scanned(daemons(*ENGINE, scan__stage_error_um=4.0), plan)
    fields = scanning.fields(truth)
    with Client(daemon.grpc) as client:
        scan = client.scans.get()
    first = fields[0]
    errors = []
    for tile in scan.tiles:
        assert tile.report is not None
        assert tile.report.placed_by_seams
        index = tile.tile.tile_index
        planned = (19_200.0 * 0.75 * tile.tile.column, 19_200.0 * 0.75 * tile.tile.row)
        off = [fields[index][i] - first[i] - planned[i] for i in (0, 1)]
        errors.append((tile.report.moved_x_nm - off[0], tile.report.moved_y_nm - off[1]))
    # Nothing says which tile's stage position is right: the scan as a whole lies where their mean does.
    apart = np.asarray(errors) - np.mean(errors, axis=0)
    assert np.abs(apart).max() < 20.0, apart
    # 3 x 3 tiles have 12 seams; each is told, with what is left of it.
    seams = scan.seams
    assert seams is not None
    assert (len(seams.each), seams.matched + seams.rejected + seams.without) == (12, 12)
    left = [np.hypot(seam.residual_x_nm, seam.residual_y_nm) for seam in seams.each if seam.sd_nm and not seam.rejected]
    assert len(left) == seams.matched >= 8
    assert np.isclose(np.sqrt(np.mean(np.square(left))), seams.residual_nm)
    assert all(seam.missing for seam in seams.each if seam.sd_nm is None)
    assert daemon.terminate() == 0, daemon.log()
    daemon.start()
    with Client(daemon.grpc) as client:
        (again,) = until(lambda: client.scans.list() or None, what="the scan is known again")
        again = client.scans.get(again.series_id)
    moved = [[(tile.report.moved_x_nm, tile.report.placed_by_seams) for tile in one.tiles] for one in (scan, again)]
    assert (again.seams, moved[1]) == (seams, moved[0])
