"""A night in minutes: small tiles, full ones and seven gigapixels, through ZeroMQ; the same night with five kills.

    PYTHONPATH=onnx-models/training/src python hil-tests/bench/unattended_scan.py [--only scan network kills full wide]

Comes in: the release binary. Goes out: a line per number, hil-tests/results/…-unattended-scan.json, and beside it
…-memory.svg, the daemon's memory over the scan. Never: a mean over a busy moment without saying so: the load at the
start stands in the file. Needs numpy, pyarrow, and what the training package needs for its chart.

A scan of small tiles is driven by one who waits: the microscope stands still while a third of the frame ring is full.
Microscope and daemon share the machine's cores, so the time of a scan holds the simulation of its frames. "Network
alone" is what the engine's own clock says of the same run: the time its lanes computed, not that of anything else.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import zarr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rigs import scanning
from rigs.daemon import Daemon, nothing_lost, whole
from rigs.places import binary
from rigs.results import FOLDER, day, keep, machine, measured_today
from rigs.scanning import Plan
from rigs.waiting import until

PIXEL = ("--pixel-size-nm", "108")
KILLS = 5
VIEWS, VIEW = 200, 1000
NAME = "unattended-scan"


class Memory:
    """What a daemon has in memory, MiB: all that is resident, and what no file stands behind."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon, self.began = daemon, time.monotonic()
        self.points: list[tuple[float, float, float]] = []

    def look(self) -> None:
        assert self.daemon.process is not None
        try:
            text = Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        except OSError:
            return
        kib = {
            line.split(":")[0]: float(line.split()[1])
            for line in text.splitlines()
            if line.startswith(("VmRSS", "Rss"))
        }
        point = (time.monotonic() - self.began, kib["VmRSS"] / 1024, kib["RssAnon"] / 1024)
        if not self.points or point[0] - self.points[-1][0] >= 1.0:
            self.points.append(point)

    def summary(self) -> dict[str, float]:
        """Peak, and the medians of the second and the last quarter of the time: flat where they are alike."""
        rows = np.asarray(self.points)
        quarter = max(1, len(rows) // 4)
        early, late = rows[quarter : 2 * quarter], rows[-quarter:]
        return {
            "peak_mib": float(rows[:, 1].max()),
            "anonymous_peak_mib": float(rows[:, 2].max()),
            "anonymous_second_quarter_mib": float(np.median(early[:, 2])),
            "anonymous_last_quarter_mib": float(np.median(late[:, 2])),
        }

    def draw(self, path: Path) -> None:
        from blinkd_models import svg

        series = [
            svg.Series(name=name, points=[(point[0], point[at]) for point in self.points], dashed=at == 1)
            for name, at in (("no file behind it", 2), ("resident", 1))
        ]
        chart = svg.chart(
            series, title="Memory of the daemon, MiB", x_label="s", log_x=False, from_zero=True, width=720, height=320
        )
        path.write_text(chart)


STARTED: list[Daemon] = []
RINGS: list[Path] = []


def daemon_in(folder: Path, name: str, engine: str) -> Daemon:
    """With the ring that it has by default: 512 MiB, in shared memory where there is some."""
    (folder / name).mkdir()
    shared = Path("/dev/shm")
    ring = Path(tempfile.mkdtemp(prefix="blinkd-bench-", dir=shared)) if shared.is_dir() else folder / name / "ring"
    RINGS.append(ring)
    settings: dict[str, object] = {"ring.mib": 512, "ring.dir": ring}
    STARTED.append(Daemon(binary(), folder / name, settings=settings, options=["--model", engine]))
    return STARTED[-1]


def totals(daemon: Daemon, plan: Plan) -> dict[str, Any]:
    """The account and what is on the disk; ends where something is missing."""
    series = daemon.series()
    assert series is not None
    assert whole(series), series
    assert nothing_lost(series), series["account"]
    assert series["account"]["processed"] == plan.frames, series["account"]
    mosaic = scanning.folder(daemon) / "mosaic.ome.zarr"
    size = sum(file.stat().st_size for file in mosaic.rglob("*") if file.is_file())
    grid = [plan.rows, plan.columns]
    return {"grid": grid, "tiles": plan.tiles, "frames": plan.frames, "lost": 0, "mosaic_mib": size / 2**20}


def scan(folder: Path, plan: Plan, engine: str) -> dict[str, Any]:
    """Number 1."""
    daemon = daemon_in(folder, f"scan-{Path(engine).name}", engine).start()
    memory, began = Memory(daemon), time.monotonic()
    microscope = plan.begin(daemon)
    hold = scanning.held(daemon, microscope)
    scanning.wait(daemon, microscope, within_s=7200, look=lambda: (memory.look(), hold()))
    seconds = time.monotonic() - began
    found = totals(daemon, plan)
    busy = daemon.status()["busy"]
    memory.draw(FOLDER / f"{day()}-unattended-scan-{Path(engine).name}-memory.svg")
    rows = scanning.table(daemon)
    assert daemon.terminate() == 0, daemon.log()
    alone = float(busy["engine_s"])
    numbers = {
        **found, "seconds": seconds, "engine_alone_s": alone, "seconds_over_engine": seconds / alone,
        "localizations": len(rows), "memory": memory.summary(),
    }  # fmt: skip
    print(f"scan with {engine}: {numbers}", flush=True)
    return numbers


def kills(folder: Path, plan: Plan) -> dict[str, Any]:
    """Number 3: against a run that nobody disturbed."""
    calm = daemon_in(folder, "calm", "gaussian").start()
    scanning.wait(calm, plan.begin(calm), within_s=7200)
    expected = scanning.table(calm)
    assert calm.terminate() == 0, calm.log()
    daemon = daemon_in(folder, "killed", "gaussian").start()
    chance, at = random.Random(3), []
    microscope = plan.begin(daemon)
    for kill in range(KILLS):
        seq = int((kill + chance.random()) * plan.frames / KILLS)
        until(lambda seq=seq: (daemon.series() or {}).get("next_seq", 0) > seq, what=f"frame {seq}", within_s=3600)
        daemon.kill()
        microscope.kill()
        microscope.communicate()
        daemon.start()
        known = until(daemon.series, what="the series is known again")
        at.append(known["next_seq"])
        microscope = plan.begin(daemon, resume_at=known["next_seq"])
    scanning.wait(daemon, microscope, within_s=7200)
    found = totals(daemon, plan)
    rows = scanning.table(daemon)
    assert rows.shape == expected.shape, (rows.shape, expected.shape)
    apart = np.abs(rows - expected).max(axis=0)
    assert np.all(apart[:2] == 0.0), apart
    numbers = {
        **found, "killed_at_frames": at, "localizations": len(rows),
        "largest_difference_nm": float(apart[2:4].max()),
    }  # fmt: skip
    print(f"five kills: {numbers}", flush=True)
    return numbers


def full(folder: Path) -> dict[str, Any]:
    """Number 2: 600 emitters on 55.3 x 55.3 um; a bank of frames, since a simulation does not reach the rate."""
    more = (*PIXEL, "--density-per-um2", "0.196", "--bank", "200")
    plan = Plan(rows=1, columns=3, side=512, frames_per_tile=1000, more=more)
    daemon = daemon_in(folder, "full", "gaussian").start()
    scanning.wait(daemon, plan.begin(daemon, fps=100.0), within_s=600)
    found = totals(daemon, plan)
    series = daemon.series()
    assert series is not None
    numbers = {**found, "fps": 100.0, "latency_ms": series["latency_ms"], "localizations": len(scanning.table(daemon))}
    assert daemon.terminate() == 0, daemon.log()
    print(f"three full tiles: {numbers}", flush=True)
    return numbers


def wide(folder: Path, columns: int) -> dict[str, Any]:
    """Number 5: as many pixels as a night has, of few frames each; a view of it anywhere."""
    # A mesh of filaments over seven gigapixels does not fit into the microscope.
    look = ("--structure", "uniform", "--density-per-um2", "0.196", "--bank", "200")
    more = (*PIXEL, *look, "--overlap-percent", "1.8")
    plan = Plan(rows=columns, columns=columns, side=512, frames_per_tile=10, more=more)
    daemon = daemon_in(folder, "wide", "gaussian").start()
    memory, began = Memory(daemon), time.monotonic()
    scanning.wait(daemon, plan.begin(daemon, fps=80.0), within_s=3600, look=memory.look)
    seconds = time.monotonic() - began
    found = totals(daemon, plan)
    memory.draw(FOLDER / f"{day()}-unattended-scan-wide-memory.svg")
    assert daemon.terminate() == 0, daemon.log()
    group = zarr.open_group(str(scanning.folder(daemon) / "mosaic.ome.zarr"), mode="r")
    finest = group[group.attrs["ome"]["multiscales"][0]["datasets"][0]["path"]]
    chance, took, lit = random.Random(5), [], 0
    for _ in range(VIEWS):
        row, column = (chance.randrange(length - VIEW) for length in finest.shape[-2:])
        begun = time.monotonic()
        lit += int(np.count_nonzero(finest[row : row + VIEW, column : column + VIEW]))
        took.append(1000 * (time.monotonic() - begun))
    numbers = {
        **found, "seconds": seconds, "gigapixels": finest.shape[0] * finest.shape[1] / 1e9,
        "view_ms": {"median": float(np.median(took)), "worst": max(took)}, "lit_share": lit / VIEWS / VIEW**2,
        "memory": memory.summary(),
    }  # fmt: skip
    print(f"a wide scan: {numbers}", flush=True)
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=("scan", "network", "kills", "full", "wide"),
        default=("full", "scan", "kills", "wide"),
    )
    parser.add_argument("--columns", type=int, default=33, help="and rows")
    parser.add_argument("--network", default="decode-2d-lite", help="of the part `network`: the scan with a network")
    arguments = parser.parse_args()
    side = arguments.columns
    more = (*PIXEL, "--density-per-um2", "0.3", "--overlap-percent", "14.5")
    plan = Plan(rows=side, columns=side, side=64, frames_per_tile=200, more=more)
    numbers: dict[str, Any] = {**measured_today(NAME), "machine": machine()}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        parts = {
            "full": lambda: full(folder),
            "scan": lambda: scan(folder, plan, "gaussian"),
            "network": lambda: scan(folder, plan, arguments.network),
            "kills": lambda: kills(folder, plan),
            "wide": lambda: wide(folder, side),
        }
        try:
            for name in arguments.only:
                numbers[name] = parts[name]()
                kept = keep(NAME, numbers)
        finally:
            for daemon in STARTED:
                daemon.kill()
            for ring in RINGS:
                shutil.rmtree(ring, ignore_errors=True)
    print(kept)


if __name__ == "__main__":
    main()
