"""Measured numbers, kept in hil-tests/results: by tests when BLINKD_HIL_RECORD=1, by scripts of `bench` always.

A file names the kind of machine and the day, and a script's also what it measured.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "results"


def day() -> str:
    """Today, in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def machine() -> dict[str, object]:
    """What the numbers of a script depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "processor": names[0] if names else platform.processor(),
        "system": platform.system(),
        "load_at_start": load,
    }


def measured_today(name: str, *, folder: Path = FOLDER) -> dict[str, object]:
    """What a script has kept today, for one that measures its parts one at a time."""
    path = _path(name, folder)
    known: dict[str, object] = json.loads(path.read_text()) if path.is_file() else {}
    return known


def _path(name: str, folder: Path) -> Path:
    return folder / f"{platform.machine()}-{os.cpu_count()}-cores-{day()}-{name}.json"


def keep(name: str, numbers: dict[str, object], *, folder: Path = FOLDER) -> Path:
    """Writes what a script measured into a file of its own."""
    path = _path(name, folder)
    path.write_text(json.dumps(numbers, indent=2, sort_keys=True) + "\n")
    return path


def record(name: str, numbers: dict[str, object]) -> None:
    """Shows the numbers in pytest's output, and keeps them if asked to."""
    print(f"{name}: {json.dumps(numbers)}", file=sys.stderr)
    if os.environ.get("BLINKD_HIL_RECORD") != "1":
        return
    path = FOLDER / f"{platform.machine()}-{os.cpu_count()}-cores-{day()}.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    known[name] = numbers
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
