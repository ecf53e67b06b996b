"""The command as it is typed, with a core that is not Micro-Manager's."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from blinkd.micromanager import Scan, ScanReport, cli
from blinkd.v1 import frames_pb2 as pb
from conftest import Receiver, until
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
        ("scan --rows 2 --columns 2 --frames 1 --centre-um 0,0 --first-tile 4", "tile 4 is not in a grid of 4"),
        ("snap-widefield --frames 2", "keep none"),
        ("scan --rows 2 --columns 2 --frames 1 --first-tile 2", "give the centre_um of that scan's report"),
        ("scan --rows 1 --columns 1 --frames 1 --widefield-camera Overview", "--widefield-frames is 0"),
        ("scan --rows 1 --columns 1 --frames 1 --preset Channel=Cy9", "it has Cy3, Cy5, DAPI"),
        ("snap-widefield --camera Andor", "no camera 'Andor'"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_field(
    line: str, said: str, loads: Callable[[str, int], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(line.split(), load=loads) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("live --roi-px 1,2,3", "X,Y,WIDTH,HEIGHT in pixels"),
        ("live --roi-px 0,0,0,10", "from 1 px"),
        ("live --exposure-ms ten", "--exposure-ms: 'ten' is no number"),
        ("live --exposure-ms 0", "--exposure-ms: '0': a number above 0"),
        ("scan --rows 1 --columns 1 --frames 1 --centre-um 4", "X,Y in um"),
        ("scan --rows 1 --columns 1 --frames 1 --first-tile -1", "--first-tile: '-1': a whole number from 0"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_right(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(line.split())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_help_names_every_unit_and_gives_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.run(["--help"])
    assert "blinkd-mm scan --config microscope.cfg --rows 3" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.run(["scan", "--help"])
    said = capsys.readouterr().out
    for option in ("--overlap-um UM", "--field-um UM", "--exposure-ms MS", "--core-buffer-mib MIB"):
        assert option in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_scan_gets_its_report_and_the_daemon_its_end(
    number: signal.Signals, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(FakeCore):
        def setXYPosition(self, x_um: float, y_um: float, /) -> None:
            super().setXYPosition(x_um, y_um)
            if len([call for call in self.calls if call.startswith("move")]) == 3:
                signal.raise_signal(number)

        def waitForDevice(self, label: str, /) -> None:
            super().waitForDevice(label)
            if self.calls.count(f"wait {label}") == 3:
                until(lambda: scans[0]._aborted.is_set(), what="the scan hears of it")

    scans: list[Scan] = []

    class Kept(Scan):
        def run(self, *, first_tile: int = 0) -> ScanReport:
            scans.append(self)
            return super().run(first_tile=first_tile)

    receiver.bind()
    before = signal.getsignal(number)
    with mock.patch.object(cli, "Scan", Kept):
        line = f"scan --rows 2 --columns 2 --frames 5 --endpoint {receiver.endpoint} --json"
        assert cli.run(line.split(), load=lambda *_: Interrupted()) == 130
    assert signal.getsignal(number) == before
    report = json.loads(capsys.readouterr().out)
    assert (report["aborted"], report["next_tile"], report["frames"]) == (True, 2, 10)
    receiver.wait_for("series_end")
    assert receiver.messages[-1][0].series_end.reason == pb.END_REASON_ABORTED


def test_a_scan_that_fails_reports_what_was_taken_and_why(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stuck(FakeCore):
        def waitForDevice(self, label: str, /) -> None:
            if self.calls.count("burst 5") == 1:
                raise RuntimeError(f"Wait for device '{label}' timed out")

    receiver.bind()
    line = f"scan --rows 2 --columns 2 --frames 5 --endpoint {receiver.endpoint} --json"
    assert cli.run(line.split(), load=lambda *_: Stuck()) == 1
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["frames"], report["next_tile"], report["centre_um"]) == (5, 1, [0.0, 0.0])
    assert "go on with first tile 1" in report["error"]
    assert report["error"] in said.err


def test_a_buffer_larger_than_the_machine_is_refused_before_it_is_taken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_memory_mib", lambda: 16_000.0)
    assert cli.run(["live", "--core-buffer-mib", "8001"]) == 1
    assert "this machine has 16000 MiB" in capsys.readouterr().err


def test_a_preset_without_its_group_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(["snap-widefield", "--preset", "DAPI"])
    assert ended.value.code == 2
    assert "--preset" in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["live", "--config", "missing.cfg"]) == 1
    assert "missing.cfg" in capsys.readouterr().err
