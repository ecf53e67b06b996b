"""Scans by the virtual microscope: begun, broken off, gone on with, waited for; what they leave on the disk."""

from __future__ import annotations

import csv
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.dataset

from rigs.daemon import Daemon, environment

SERIES = "5ca1ab1e" * 4


@dataclass(frozen=True)
class Plan:
    """A grid of square fields. `more`: options of `blinkd simulate`."""

    rows: int
    columns: int
    side: int
    frames_per_tile: int
    more: tuple[str, ...] = ()

    @property
    def tiles(self) -> int:
        return self.rows * self.columns

    @property
    def frames(self) -> int:
        return self.tiles * self.frames_per_tile

    def begin(self, daemon: Daemon, *, fps: float = 0.0, resume_at: int = 0) -> subprocess.Popen[str]:
        """The microscope's process; 0 frames per second: as fast as they are received."""
        command = [
            str(daemon.binary), "simulate", "--json", "--connect", daemon.frames, "--fps", str(fps), "--seconds", "0",
            "--rows", str(self.rows), "--columns", str(self.columns), "--frames-per-tile", str(self.frames_per_tile),
            "--width", str(self.side), "--height", str(self.side), "--series", SERIES, "--resume-at", str(resume_at),
            *self.more,
        ]  # fmt: skip
        return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def folder(daemon: Daemon) -> Path:
    """Where everything of the scan lies."""
    return daemon.store / SERIES / "scan"


def is_complete(daemon: Daemon) -> bool:
    """Every tile is finished and the mosaic is whole."""
    return (folder(daemon) / "complete").exists()


def held(daemon: Daemon, microscope: subprocess.Popen[str]) -> Callable[[], None]:
    """A driver that waits for the daemon, as one does that has all night: call it some times a second."""
    ring = int(str(daemon.settings["ring.mib"])) * 2**20

    def look() -> None:
        series = daemon.series()
        if series is None or microscope.poll() is not None:
            return
        frame = 2 * series["width_px"] * series["height_px"]
        full = series["account"]["waiting"] * frame > ring / 3
        microscope.send_signal(signal.SIGSTOP if full else signal.SIGCONT)

    return look


def wait(
    daemon: Daemon, microscope: subprocess.Popen[str], *, within_s: float, look: Callable[[], None] = lambda: None
) -> str:
    """Waits until the scan is complete; what the microscope said at its end. `look` is called some times a second."""
    deadline = time.monotonic() + within_s
    while not is_complete(daemon):
        assert daemon.process is not None
        assert daemon.process.poll() is None, daemon.log()
        assert microscope.poll() in (None, 0), microscope.communicate()[0]
        assert time.monotonic() < deadline, f"not complete within {within_s} s: {daemon.series()}"
        look()
        time.sleep(0.2)
    said, _ = microscope.communicate(timeout=60)
    return said


def table(daemon: Daemon) -> npt.NDArray[np.float64]:
    """Every localization: tile, frame, x and y in nm on the stage, photons; in this order."""
    data = pyarrow.dataset.dataset(folder(daemon) / "localizations.parquet", format="parquet", partitioning="hive")
    read = data.to_table(columns=["tile", "frame", "x_nm", "y_nm", "photons"])
    rows = np.column_stack([read[name].to_numpy().astype(np.float64) for name in read.column_names])
    return rows[np.lexsort(rows.T[::-1])]


def fields(path: Path) -> dict[int, tuple[float, float]]:
    """Where the centre of each tile's field really was, in nm of the stage."""
    with path.open() as lines:
        rows: list[dict[str, Any]] = list(csv.DictReader(lines))
    return {int(row["tile"]): (1e3 * float(row["x_um"]), 1e3 * float(row["y_um"])) for row in rows}
