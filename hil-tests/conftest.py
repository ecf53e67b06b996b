"""Fixtures: the binary, and daemons that are always ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rigs import places
from rigs.daemon import Daemon


@pytest.fixture(scope="session")
def binary() -> Path:
    return places.binary()


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder in shared memory where there is some: frame rings live there by default."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="blinkd-hil-", dir=shared if shared.is_dir() else None))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def daemons(binary: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Daemon]]:
    """Makes daemons; each has a folder of its own. All are killed at the end."""
    made: list[Daemon] = []

    def make(*options: str, **settings: object) -> Daemon:
        """`settings`: `table__key=value`."""
        folder = tmp_path / f"daemon-{len(made)}"
        folder.mkdir()
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        made.append(Daemon(binary, folder, settings=dotted, options=list(options)))
        return made[-1]

    yield make
    for daemon in made:
        daemon.kill()
    for daemon in made:
        request.node.add_report_section("call", f"log of {daemon.folder.name}", daemon.log()[-20_000:])
