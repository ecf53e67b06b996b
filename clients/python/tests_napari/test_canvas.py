"""A real napari window under a virtual X server: what the canvas shows where, which tiles it takes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("napari", reason="SKIPPED: napari is missing; pip install 'blinkd[napari]' 'napari[pyqt6]'")

HERE = Path(__file__).parent
TIMEOUT_S = 180


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `on_screen.py` says, run once."""
    runner = shutil.which("xvfb-run")
    if runner is None:
        pytest.skip("SKIPPED: xvfb-run is missing; apt-get install xvfb libgl1-mesa-dri")
    folder = Path(os.environ.get("BLINKD_HIL_SCREENSHOTS") or tmp_path_factory.mktemp("screen"))
    kept = {key: value for key, value in os.environ.items() if key != "QT_QPA_PLATFORM"}
    kept["PYTHONPATH"] = os.pathsep.join(str(path) for path in (HERE, HERE.parent / "src"))
    done = subprocess.run(
        [runner, "-a", "-s", "-screen 0 1600x1000x24", sys.executable, str(HERE / "on_screen.py"), str(folder)],
        env=kept,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    said["pictures"] = sorted(folder.glob("napari-fake-*.png"))
    return said


def test_every_level_is_drawn_where_the_localizations_are(seen: dict[str, Any]) -> None:
    assert len(seen["levels"]) == 5
    for level in seen["levels"]:
        # Half a pixel of level 3 would be 35 nm, of level 4 75 nm.
        assert level["um"] == pytest.approx(seen["spot_um"], abs=0.006), level


def test_points_are_drawn_where_the_picture_is(seen: dict[str, Any]) -> None:
    assert seen["points_um"] == pytest.approx(seen["spot_um"], abs=0.006)


def test_looking_closer_takes_the_tiles_of_the_view_and_no_others(seen: dict[str, Any]) -> None:
    tile_um = 2.56
    for look in seen["reads"]:
        assert look["reads"], "something was asked for"
        assert {level for level, _, _ in look["reads"]} <= {look["level"], look["level"] + 1, 4}, "levels on the way"
        side_um = tile_um * 2 ** look["level"]
        half = [side / 2 for side in look["view_um"]]
        for level, x, y in look["reads"]:
            if level == look["level"]:
                for tile, at, reach in zip((x, y), seen["spot_um"], half, strict=True):
                    assert tile * side_um < at + reach + 0.1
                    assert (tile + 1) * side_um > at - reach - 0.1


def test_closing_the_window_leaves_no_thread(seen: dict[str, Any]) -> None:
    assert seen["threads"] == []


def test_pictures_of_the_window_are_taken(seen: dict[str, Any]) -> None:
    assert [path.name for path in seen["pictures"]] == ["napari-fake-picture.png", "napari-fake-points.png"]
    assert all(path.stat().st_size > 20_000 for path in seen["pictures"])
