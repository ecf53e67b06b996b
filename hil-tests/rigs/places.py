"""Where things are on this machine, and how long tests may take. A missing part skips its tests, loudly."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def missing(what: str, remedy: str) -> NoReturn:
    """Skips the test and says what would make it run."""
    pytest.skip(f"SKIPPED: {what} is missing; {remedy}")


def binary() -> Path:
    """The release binary: BLINKD, or the one in target/release."""
    named = os.environ.get("BLINKD")
    path = Path(named) if named else REPOSITORY / "target" / "release" / "blinkd"
    if not path.is_file():
        if named:
            pytest.fail(f"BLINKD={named} is no file")
        missing(str(path), "cargo build --release --package blinkd")
    return path


def data(name: str) -> Path:
    """A file of the test data: under BLINKD_TEST_DATA, or ../shared/data beside the repository."""
    folder = Path(os.environ.get("BLINKD_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / name).is_file():
        missing(str(folder / name), "set BLINKD_TEST_DATA to the folder with the test data")
    return folder / name


def chromium() -> Path:
    """A browser."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    missing("chromium", "apt-get install chromium")


def seconds(default: float) -> float:
    """How long a measurement lasts: BLINKD_HIL_SECONDS, or the test's default."""
    return float(os.environ.get("BLINKD_HIL_SECONDS") or default)
