"""Scans as a daemon tells them: reports of tiles, suspect ones, seams; daemons that are older or newer."""

from __future__ import annotations

import asyncio

from blinkd import AsyncClient, Client
from blinkd.client import Enough, PictureState, Scan, Seam, Seams, TileReason, TileState
from blinkd.v1 import scans_pb2 as pb
from fake_daemon import FakeDaemon

ID = bytes(range(16))
DRIFTED = pb.TileReason(kind="drifted", text="The sample drifted by 310 nm; more than 200 nm is too far.")


def scan() -> pb.Scan:
    report = pb.TileReport(
        localizations=5000, merged=1700, drift_nm=310.0, no_frc="too few", reasons=[DRIFTED], unknown=["saturated"]
    )
    tiles = [pb.ScanTile(state=4, visits=1), pb.ScanTile(state=7, visits=1, report=report)]
    tiles[1].tile.tile_index = 1
    each = [
        pb.Seam(tile_index=0, other_index=1, residual_x_nm=8.0, residual_y_nm=-3.0, sd_nm=2.0),
        pb.Seam(tile_index=1, other_index=2, missing="a tile has only 3 localizations near this edge"),
    ]
    seams = pb.Seams(matched=1, without=1, residual_nm=8.5, each=each)
    return pb.Scan(series_id=ID, tiles=tiles, tiles_finished=1, suspect=[1], seams=seams, tiles_by_state={"suspect": 1})


def asked(message: pb.Scan) -> Scan:
    with FakeDaemon(GetScan=lambda *_: message) as daemon, Client(daemon.address) as client:
        return client.scans.get()


def test_a_suspect_tile_says_why_and_what_is_not_known_is_none() -> None:
    told = asked(scan())
    good, suspect = told.tiles
    assert (good.state, good.report) == (TileState.DONE, None)
    assert suspect.state is TileState.SUSPECT
    report = suspect.report
    assert report is not None
    assert report.reasons == (TileReason(kind="drifted", text=DRIFTED.text),)
    assert (report.localizations, report.merged, report.unknown) == (5000, 1700, ("saturated",))
    assert (report.frc_nm, report.no_frc, report.drift_nm, report.no_drift) == (None, "too few", 310.0, "")
    assert (report.moved_x_nm, report.moved_y_nm, report.placed_by_seams) == (None, None, False)


def test_a_picture_that_contradicts_its_widefield_is_a_warning_and_says_why() -> None:
    message = scan()
    assert asked(message).tiles[1].report.picture is None, "none is wanted"  # type: ignore[union-attr]
    picture = pb.TilePicture(state=2, model="tiny 1", rsp=0.4, not_to_be_trusted=True, reason="12 % of what is lit")
    message.tiles[1].report.picture.CopyFrom(picture)
    message.not_to_be_trusted.append(1)
    told = asked(message)
    report = told.tiles[1].report
    assert report is not None
    assert report.picture is not None
    assert (report.picture.state, report.picture.not_to_be_trusted) == (PictureState.PAINTED, True)
    assert (report.picture.rsp, report.picture.rse_adu, report.picture.reason) == (0.4, None, "12 % of what is lit")
    assert (told.not_to_be_trusted, told.suspect) == ((1,), (1,))


def test_a_scan_says_how_far_it_is_and_what_its_seams_are_like() -> None:
    told = asked(scan())
    assert (told.tiles_finished, told.suspect, told.complete) == (1, (1,), False)
    few = "a tile has only 3 localizations near this edge"
    matched = Seam(
        tile_index=0, other_index=1, residual_x_nm=8.0, residual_y_nm=-3.0, sd_nm=2.0, rejected=False, missing=""
    )
    without = Seam(
        tile_index=1, other_index=2, residual_x_nm=None, residual_y_nm=None, sd_nm=None, rejected=False, missing=few
    )
    assert told.seams == Seams(matched=1, rejected=0, without=1, residual_nm=8.5, each=(matched, without))


def test_a_tile_of_which_there_is_enough_says_where_and_what_was_saved() -> None:
    report = pb.TileReport(psf_sigma_px=1.31, psf_sigma_sd_px=0.02, frames_saved=140, seconds_saved=1.4)
    tile = pb.ScanTile(state=4, report=report, enough=pb.Enough(seq=59, frames=60, localizations=6000, frc_nm=48.5))
    told = asked(pb.Scan(series_id=ID, tiles=[tile], early_stop=True, frames_saved=140, seconds_saved=1.4))
    assert told.tiles[0].enough == Enough(seq=59, frames=60, localizations=6000, frc_nm=48.5)
    assert (told.early_stop, told.frames_saved, told.seconds_saved) == (True, 140, 1.4)
    said = told.tiles[0].report
    assert said is not None
    assert (said.frames_saved, said.seconds_saved, said.psf_sigma_sd_px) == (140, 1.4, 0.02)


def test_a_scan_of_an_older_daemon_has_no_reports_and_no_seams() -> None:
    told = asked(pb.Scan(series_id=ID, tiles=[pb.ScanTile(state=4)]))
    assert (told.tiles[0].report, told.seams, told.suspect, told.complete) == (None, None, (), False)
    assert (told.tiles[0].enough, told.early_stop, told.frames_saved) == (None, False, 0)


def test_a_state_of_a_newer_daemon_is_unspecified() -> None:
    told = asked(pb.Scan(tiles=[pb.ScanTile(state=99, visits=3)], tiles_by_state={"frozen": 1}))
    assert (told.tiles[0].state, told.tiles[0].visits) == (TileState.UNSPECIFIED, 3)
    assert told.tiles_by_state == {"frozen": 1}


def test_suspect_tiles_are_asked_for_again_in_one_line() -> None:
    answers = {"GetScan": lambda *_: scan(), "RequestRetakes": lambda *_: pb.Scan(series_id=ID, retake=[1])}

    async def later(address: str) -> tuple[int, ...]:
        async with AsyncClient(address) as client:
            found = await client.scans.get()
            return (await client.scans.retake(found, found.suspect)).retake

    with FakeDaemon(**answers) as daemon:
        with Client(daemon.address) as client:
            found = client.scans.get()
            assert client.scans.retake(found, found.suspect).retake == (1,)
        assert asyncio.run(later(daemon.address)) == (1,)
        wanted = [request for request in daemon.requests if isinstance(request, pb.RequestRetakesRequest)]
    assert wanted == [pb.RequestRetakesRequest(series_id=ID, tiles=[1])] * 2
