"""Frames from a separate process at a camera's full rate. The engine is fake: this measures everything else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rigs import places
from rigs.daemon import Daemon, environment, nothing_lost, run, whole
from rigs.results import record
from rigs.stalls import StallMeter

PYTHON_PUBLISHER = Path(__file__).resolve().parents[1] / "rigs" / "python_camera.py"


def processed(daemon: Daemon, frames: int) -> dict[str, Any]:
    series = daemon.wait_series(
        "everything processed", lambda s: s["state"] == "done" and s["account"]["waiting"] == 0, within_s=30
    )
    assert whole(series)
    assert nothing_lost(series), series
    assert series["account"]["processed"] == frames, series
    return series


def numbers(seconds: float, said: dict[str, Any], series: dict[str, Any], meter: StallMeter) -> dict[str, object]:
    return {
        "seconds": seconds,
        "frames": said["captured"],
        "frames_per_second": said["frames_per_second"],
        "latency_ms": series["latency_ms"],
        "machine_wakes_late_ms_p99": meter.p99_ms,
    }


class MissedError(Exception):
    """A measurement that did not reach its figure, and how late this machine woke a thread meanwhile."""

    def __init__(self, what: str, meter: StallMeter) -> None:
        super().__init__(f"{what}; a sleeping thread woke {meter.p99_ms:.2f} ms late (99 %)")
        self.late_ms = meter.p99_ms


def reached(measure: Callable[[], None]) -> None:
    """A figure is what the code can do: other programs only take from it, so one of three measurements must reach it.

    Where none does and the machine kept threads waiting in all of them, the test says so and is skipped.
    """
    missed: list[MissedError] = []
    for _ in range(3):
        try:
            measure()
        except MissedError as error:
            missed.append(error)
        else:
            return
    told = " | ".join(str(error) for error in missed)
    if min(error.late_ms for error in missed) > 1.0:
        pytest.skip(f"SKIPPED: this machine is too busy to measure on: {told}")
    pytest.fail(told)


def simulate(binary: Path, daemon: Daemon, *options: object) -> tuple[dict[str, Any], dict[str, Any], StallMeter]:
    """Runs the virtual microscope. Whatever it dropped, what it sent is processed and the account is whole."""
    with StallMeter() as meter:
        done = run(binary, "simulate", "--json", "--connect", daemon.frames, *options, timeout_s=180)
    assert done.returncode in (0, 3), done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    series = daemon.wait_series("everything sent is processed", lambda s: s["state"] == "done", within_s=60)
    # Whatever the machine did, no frame that was sent is unaccounted for.
    assert whole(series)
    assert series["account"]["received"] == said["sent"]
    if said["dropped"]:
        raise MissedError(f"the publisher dropped {said['dropped']} of {said['captured']} frames", meter)
    if not nothing_lost(series):
        raise MissedError(f"of {said['captured']} frames were lost: {series['account']['lost']}", meter)
    return said, series, meter


def test_100_frames_of_512_px_per_second_arrive_without_loss_and_within_10_ms(
    daemons: Any, binary: Path, memory_folder: Path
) -> None:
    seconds = places.seconds(10)

    def measure() -> None:
        daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
        options = ("--width", 512, "--height", 512, "--fps", 100, "--seconds", seconds, "--bank", 16)
        said, series, meter = simulate(binary, daemon, *options)
        daemon.kill()
        if series["latency_ms"]["p99"] >= 10.0:
            raise MissedError(f"99 % within {series['latency_ms']['p99']:.1f} ms", meter)
        record("rate_512", numbers(seconds, said, series, meter))
        assert said["frames_per_second"] > 98

    reached(measure)


def test_90_frames_of_2048_px_per_second_arrive_without_loss(daemons: Any, binary: Path, memory_folder: Path) -> None:
    seconds = places.seconds(5)

    def measure() -> None:
        daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=1024).start()
        options = ("--width", 2048, "--height", 2048, "--fps", 92, "--seconds", seconds)
        said, series, meter = simulate(binary, daemon, *options, "--bank", 4, "--density-per-um2", 0.05)
        daemon.kill()
        if said["frames_per_second"] < 90:
            raise MissedError(f"{said['frames_per_second']:.1f} frames per second", meter)
        record("rate_2048", numbers(seconds, said, series, meter))

    reached(measure)


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_the_python_publisher_keeps_up_with_a_camera(daemons: Any, memory_folder: Path, form: str) -> None:
    seconds = min(places.seconds(5), 10.0)

    def measure() -> None:
        daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
        command = [sys.executable, str(PYTHON_PUBLISHER), daemon.frames, "512", "100", str(seconds), form]
        with StallMeter() as meter:
            done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        if said["dropped"] or said["frames_per_second"] <= 95:
            raise MissedError(f"{said['dropped']} dropped at {said['frames_per_second']:.1f} frames per second", meter)
        series = processed(daemon, said["captured"])
        daemon.kill()
        record(f"rate_512_python_{form}", {**said, "latency_ms": series["latency_ms"]})

    reached(measure)
