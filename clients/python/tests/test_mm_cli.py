"""The command as it is typed, with a core that is not Micro-Manager's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from blinkd.micromanager import cli
from blinkd.v1 import frames_pb2 as pb
from conftest import Receiver
from fake_core import FakeCore


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
def loads(core: FakeCore) -> Callable[[str, int], Any]:
    return lambda _config, _buffer_mib: core


def test_a_scan_reports_its_tiles_as_json(
    receiver: Receiver, loads: Callable[[str, int], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.bind()
    line = f"scan --rows 2 --columns 3 --frames 4 --overlap-um 0.5 --endpoint {receiver.endpoint} --json"
    assert cli.run(line.split(), load=loads) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["tiles"], report["frames"], report["dropped"], report["next_tile"]) == (6, 24, 0, 6)
    assert len(report["by_tile"]) == 6


def test_the_field_comes_from_the_pixel_size_and_the_grid_lies_around_the_stage(
    receiver: Receiver, core: FakeCore, loads: Callable[[str, int], Any]
) -> None:
    receiver.bind()
    core.position_um = (100.0, 50.0)
    line = f"scan --rows 1 --columns 2 --frames 1 --overlap-um 0.728 --endpoint {receiver.endpoint} --json"
    assert cli.run(line.split(), load=loads) == 0
    assert [call for call in core.calls if call.startswith("move")] == ["move 99.5 50", "move 100.5 50"]


def test_a_widefield_picture_and_a_preview_are_sent(receiver: Receiver, loads: Callable[[str, int], Any]) -> None:
    receiver.bind()
    line = f"snap-widefield --preset Channel=DAPI --exposure-ms 40 --endpoint {receiver.endpoint}"
    assert cli.run(line.split(), load=loads) == 0
    receiver.wait_for("series_end")
    assert len(receiver.frames()) == 3
    assert cli.run(f"live --seconds 0.01 --roi-px 0,0,8,4 --endpoint {receiver.endpoint}".split(), load=loads) == 0
    receiver.wait_for("series_end", count=2)
    assert {(f.width_px, f.height_px) for f in receiver.frames()[3:]} == {(8, 4)}
    assert receiver.messages[-1][0].series_end.reason == pb.END_REASON_COMPLETED


def test_without_a_daemon_the_report_says_so(
    receiver: Receiver, loads: Callable[[str, int], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"scan --rows 1 --columns 1 --frames 2 --endpoint {receiver.endpoint}"
    assert cli.run(line.split(), load=loads) == 0
    assert "is 'blinkd serve' running?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scan --rows 0 --columns 1 --frames 1", "rows 0"),
        ("scan --rows 1 --columns 1 --frames 1 --overlap-um 900", "overlap_um in x"),
        ("scan --rows 2 --columns 2 --frames 1 --first-tile 4", "tile 4 is not in a grid of 4"),
        ("snap-widefield --frames 2", "keep none"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_field(
    line: str, said: str, loads: Callable[[str, int], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(line.split(), load=loads) == 1
    assert said in capsys.readouterr().err


def test_a_preset_without_its_group_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(["snap-widefield", "--preset", "DAPI"])
    assert ended.value.code == 2
    assert "--preset" in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pymmcore_plus")
    assert cli.run(["live", "--config", "missing.cfg"]) == 1
    assert "missing.cfg" in capsys.readouterr().err
