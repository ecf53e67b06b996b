"""Measured numbers, kept in hil-tests/results when BLINKD_HIL_RECORD=1.

A file names the kind of machine and the day.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "results"


def record(name: str, numbers: dict[str, object]) -> None:
    """Shows the numbers in pytest's output, and keeps them if asked to."""
    print(f"{name}: {json.dumps(numbers)}", file=sys.stderr)
    if os.environ.get("BLINKD_HIL_RECORD") != "1":
        return
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    path = FOLDER / f"{platform.machine()}-{os.cpu_count()}-cores-{day}.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    known[name] = numbers
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
