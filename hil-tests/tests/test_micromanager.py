"""The real Micro-Manager core, its demo camera and stage, and the daemon: every frame arrives or is accounted for.

The camera never waits: its rate is the same with a good daemon, a slow one, a dead one and none.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from blinkd.micromanager import ScanPlan
from blinkd.v1 import acquisitions_pb2 as pb
from blinkd.v1 import frames_pb2

from rigs import micromanager, places
from rigs.daemon import Daemon, environment, nothing_lost, whole
from rigs.micromanager import Core, acquisitions
from rigs.results import record
from rigs.waiting import until

GRID = {"rows": 3, "columns": 3, "frames": 100, "side": 512, "exposure_ms": 10, "field_um": 51.2, "overlap_um": 1.0}
STEADY = 0.95
"""A rate that is at least this much of another is the same rate on a machine that does other things, too."""
OUTAGE_S = 7.0
"""Of 100 frames per second the publisher's queue holds 512."""


@pytest.fixture(autouse=True)
def core_is_there() -> None:
    micromanager.require()


def done(daemon: Daemon) -> dict[str, Any]:
    series = daemon.wait_series("the series is done", lambda s: s["state"] == "done", within_s=120)
    assert whole(series)
    return series


def stops() -> list[tuple[int, int, int, float, float]]:
    plan = ScanPlan(rows=3, columns=3, frames=100, field_um=(51.2, 51.2), overlap_um=(1.0, 1.0))
    each = [plan.stop(index) for index in range(9)]
    return [(s.tile.index, s.tile.row, s.tile.column, s.x_um, s.y_um) for s in each]


@pytest.mark.parametrize("way", ["mda", "scan"])
def test_every_frame_of_a_3_x_3_grid_arrives_in_its_tile_with_its_stage_position(
    daemons: Any, memory_folder: Path, way: str
) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    with Core(do=way, endpoint=daemon.frames, **GRID) as core:
        said = core.result()
    series = done(daemon)
    record(f"micromanager_grid_{way}", {k: v for k, v in said.items() if isinstance(v, (int, float, type(None)))})
    assert (said["frames"], said["sent"], said["dropped"]) == (900, 900, 0)
    assert said["deepest_queue"] <= 5
    assert nothing_lost(series), series
    (acquisition,) = acquisitions(daemon)
    assert acquisition.account.processed == 900
    tiles = acquisition.tiles
    assert [t.account.received for t in tiles] == [100] * 9
    for tile, (index, row, column, x_um, y_um) in zip(tiles, stops(), strict=True):
        assert (tile.tile_index, tile.row, tile.column) == (index, row, column)
        # The demo stage moves in steps of 0.015 um; what was ordered is exact, what was measured is not.
        tolerance_um = 0.02 if tile.stage_measured else 1e-9
        assert (tile.stage_x_um, tile.stage_y_um) == pytest.approx((x_um, y_um), abs=tolerance_um)
        assert tile.stage_measured == (way == "scan")
    if way == "scan":
        assert said["gap_ms_largest"] < 20.0, said


def test_a_live_preview_delivers_every_frame_and_goes_on_after_an_overflow_of_the_core(
    daemons: Any, memory_folder: Path
) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    with Core(
        do="live", endpoint=daemon.frames, side=512, exposure_ms=5, seconds=6, stall=True, core_buffer_mib=20
    ) as core:
        said = core.result()
    series = done(daemon)
    assert (said["overflows"], said["error"], said["dropped"]) == (1, "None", 0)
    assert said["frames"] == series["account"]["received"] > 400
    assert sum(series["account"]["missing"].values()) == 0, "within each burst no frame is missing"


def test_at_2048_px_the_rate_is_reported_and_no_frame_is_lost_silently(daemons: Any, memory_folder: Path) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=1024).start()
    frames = int(places.seconds(10) * 100)
    wide = GRID | {"rows": 1, "columns": 1, "frames": frames, "side": 2048, "core_buffer_mib": 1000}
    with Core(do="scan", endpoint=daemon.frames, **wide) as core:
        said = core.result()
    series = done(daemon)
    account = series["account"]
    record(
        "micromanager_2048",
        {k: said[k] for k in ("frames", "sent", "dropped", "fps_median", "deepest_queue")} | {"account": account},
    )
    assert said["not_whole"] == [], "the core's own buffer held"
    assert said["frames"] == frames
    assert said["sent"] + said["dropped"] == frames
    assert account["received"] == said["sent"]
    assert account["missing"].get("transport", 0) == said["dropped"] == series["dropped_by_publisher"]


def no_daemon() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def test_the_camera_keeps_its_rate_with_no_daemon_and_with_a_slow_one_and_drops_are_gaps(
    daemons: Any, memory_folder: Path
) -> None:
    scan = GRID | {"rows": 1, "columns": 3, "frames": 200}
    good = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    # One frame in 20 ms, and a ring for twelve: its full ring is its own loss, counted there.
    slow = daemons("--model", "fake", model__fake_delay_ms=20, ring__dir=memory_folder, ring__mib=6).start()
    said = {}
    for name, endpoint in (("good", good.frames), ("absent", no_daemon()), ("slow", slow.frames)):
        with Core(do="scan", endpoint=endpoint, **scan) as core:
            said[name] = core.result()
    record("micromanager_rates", {name: each["fps_median"] for name, each in said.items()})
    for name in ("absent", "slow"):
        assert said[name]["fps_median"] >= STEADY * said["good"]["fps_median"], name
        assert said[name]["frames"] == 600, name
    assert (said["absent"]["sent"], said["absent"]["dropped"]) == (0, 600)
    assert nothing_lost(done(good))
    series = done(slow)
    account = series["account"]
    assert account["received"] == said["slow"]["sent"]
    assert account["missing"].get("transport", 0) == said["slow"]["dropped"]
    assert account["lost"].get("ring_full", 0) > 0, "it was too slow for this test to mean something"
    assert account["received"] + account["missing"].get("transport", 0) == 600


def test_a_daemon_killed_in_the_middle_of_a_scan_costs_the_camera_nothing_and_every_frame_is_accounted_for(
    daemons: Any, memory_folder: Path
) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    scan = GRID | {"rows": 2, "columns": 3, "frames": 200}
    with Core(do="scan", endpoint=daemon.frames, **scan) as core:
        daemon.wait_series("the second tile", lambda s: s["account"]["received"] > 250)
        daemon.kill()
        back = time.monotonic() + OUTAGE_S
        until(lambda: time.monotonic() >= back, what="the daemon is gone for longer than the queue lasts")
        assert core.running
        daemon.start()
        said = core.result()
    series = done(daemon)
    account = series["account"]
    tiles = said["by_tile"]
    record("micromanager_killed", {"fps": [t["fps"] for t in tiles], "dropped": said["dropped"], "account": account})
    assert said["frames"] == 1200
    slowest, fastest = min(t["fps"] for t in tiles), max(t["fps"] for t in tiles)
    assert slowest >= STEADY * fastest, "the rate of the tiles before, during and after"
    # Dropped while nobody was there, or handed over to a daemon that died before it had read them.
    missing = account["missing"].get("transport", 0)
    assert account["received"] + missing == 1200, series
    assert missing >= said["dropped"] == series["dropped_by_publisher"]
    assert said["dropped"] > 0, "the outage was too short for this test to mean something"
    assert account["processed"] == account["received"]


def command(*arguments: object) -> subprocess.Popen[str]:
    """`blinkd-mm`, as it is typed."""
    line = [sys.executable, "-m", "blinkd.micromanager.cli", *map(str, arguments), "--json"]
    source = str(places.REPOSITORY / "clients" / "python" / "src")
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(PYTHONPATH=source)
    )


def test_blinkd_mm_previews_scans_and_takes_widefield_pictures_with_the_demo_configuration(
    daemons: Any, memory_folder: Path
) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=256).start()
    scan = "scan --rows 2 --columns 2 --frames 20 --exposure-ms 5 --widefield-frames 5 --widefield-preset Channel=DAPI"
    for verb, frames in ((scan, 80), ("snap-widefield --exposure-ms 20", 3)):
        process = command(*verb.split(), "--endpoint", daemon.frames)
        out, trouble = process.communicate(timeout=60)
        assert process.returncode == 0, trouble
        said = json.loads(out)
        assert (said["frames"], said["sent"], said["dropped"]) == (frames, frames, 0)
    until(lambda: all(a.state == pb.SERIES_STATE_DONE for a in acquisitions(daemon)), what="all is done")
    assert sorted(a.account.processed for a in acquisitions(daemon)) == [3, 12, 80]


@pytest.mark.parametrize(("verb", "code"), [("live", 0), ("scan --rows 9 --columns 9 --frames 200", 130)])
def test_ctrl_c_stops_the_camera_ends_the_series_and_reports(
    daemons: Any, memory_folder: Path, verb: str, code: int
) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=256).start()
    process = command(*verb.split(), "--exposure-ms", 5, "--endpoint", daemon.frames)
    daemon.wait_series("frames come", lambda s: s["account"]["received"] > 50)
    process.send_signal(signal.SIGINT)
    out, trouble = process.communicate(timeout=60)
    assert process.returncode == code, trouble
    said = json.loads(out)
    series = done(daemon)
    assert said["sent"] == series["account"]["received"] > 50
    assert nothing_lost(series), series


def test_a_localization_camera_and_a_widefield_camera_at_once_are_two_series(daemons: Any, memory_folder: Path) -> None:
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=256).start()
    small = GRID | {"rows": 1, "columns": 2, "frames": 150, "side": 256}
    with (
        Core(do="scan", endpoint=daemon.frames, **small) as first,
        Core(do="widefield", endpoint=daemon.frames, side=128, exposure_ms=20, frames=100) as second,
    ):
        assert (first.result()["sent"], second.result()["sent"]) == (300, 100)
    until(lambda: all(a.state == pb.SERIES_STATE_DONE for a in acquisitions(daemon)), what="both are done")
    by_kind = {a.channel: a for a in acquisitions(daemon)}
    localized = by_kind[frames_pb2.CHANNEL_KIND_LOCALIZATION]
    wide = by_kind[frames_pb2.CHANNEL_KIND_WIDEFIELD]
    assert len(by_kind) == 2
    assert (localized.account.processed, localized.width_px, len(localized.tiles)) == (300, 256, 2)
    assert (wide.account.processed, wide.width_px, wide.localizations) == (100, 128, 0)
    assert not localized.account.missing
    assert not wide.account.missing
