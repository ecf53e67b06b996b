"""``train`` as a person calls it: layers of settings, exit codes, one line per mistake."""

import shutil
import signal
import threading
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from blinkd_models import checkpoint, cli, settings_file

Usage = namedtuple("Usage", "total used free")
TINY = """
steps = 3
sequences = 2
frames = 3
crop_px = 16
device = "cpu"
log_every_steps = 1
validate_every_min = 0
[architecture]
features = 4
"""


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., int]:
    """Calls the verb with RUN in a fresh folder; signals are put back afterwards."""
    (tmp_path / "tiny.toml").write_text(TINY)

    def call(*options: str) -> int:
        line = ["--threads", "1", "train", "--run", str(tmp_path / "run"), *options]
        arguments = cli.parser().parse_args(line)
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            code: int = arguments.call(arguments)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return code

    return call


def test_a_run_goes_on_with_its_own_settings(train: Callable[..., int], tmp_path: Path) -> None:
    assert train("--settings", str(tmp_path / "tiny.toml"), "--seed", "5", "--clock", "process") == 0
    assert train("--steps", "4") == 0
    kept = settings_file.build(settings_file.read(tmp_path / "run" / settings_file.NAME), source="test")
    assert (kept.steps, kept.seed, kept.crop_px, kept.architecture.features) == (4, 5, 16, 4)
    assert checkpoint.load(tmp_path / "run" / checkpoint.NAME).step == 4


def test_mistakes_end_as_one_line_and_exit_code_2(
    train: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = str(tmp_path / "tiny.toml")
    mistakes = {
        ("--settings", str(tmp_path / "none.toml")): "there is no such file",
        ("--settings", tiny, "--teacher", "somewhere"): "teacher_weight",
        ("--settings", tiny, "--init", str(tmp_path)): "neither a bundle",
        ("--settings", tiny, "--minutes", "-1"): "minutes is -1.0; it must be above 0",
    }
    for options, what in mistakes.items():
        assert train(*options) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert what in error


def test_too_small_a_disk_is_said_before_training(
    train: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 40, 1 << 40, 1000))
    assert train("--settings", str(tmp_path / "tiny.toml")) == 2
    assert "make room or give --run on another disk; nothing was started" in capsys.readouterr().err
    assert not (tmp_path / "run" / checkpoint.NAME).exists()


def test_ctrl_c_saves_and_the_same_command_goes_on(
    train: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    printed = print

    def interrupting(line: str, **options: bool) -> None:
        if line.startswith("step 2 "):
            signal.raise_signal(signal.SIGINT)
        printed(line, **options)  # type: ignore[call-overload]

    options = ("--settings", str(tmp_path / "tiny.toml"))
    monkeypatch.setattr("builtins.print", interrupting)
    assert train(*options) == 0
    monkeypatch.undo()
    assert "stopped at step 2; the same command goes on" in capsys.readouterr().out
    assert train(*options) == 0
    assert checkpoint.load(tmp_path / "run" / checkpoint.NAME).step == 3
