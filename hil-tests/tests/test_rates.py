"""Frames from a separate process at a camera's full rate. The engine is fake: this measures everything else."""

from __future__ import annotations

import json
import subprocess
import sys
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


def within_10_ms(series: dict[str, Any], meter: StallMeter) -> None:
    """Asserts the latency, unless the machine itself made threads wait that had nothing to do but wake up."""
    p99 = series["latency_ms"]["p99"]
    if p99 >= 10.0 and meter.p99_ms > 2.0:
        pytest.skip(
            f"SKIPPED: 99 % in {p99:.1f} ms, but here a sleeping thread wakes {meter.p99_ms:.1f} ms late (99 %)"
        )
    assert p99 < 10.0, f"a sleeping thread wakes {meter.p99_ms:.2f} ms late (99 %)"


def simulate(binary: Path, daemon: Daemon, *options: object) -> tuple[dict[str, Any], StallMeter]:
    """Runs the virtual microscope, which must have dropped nothing, unless the machine itself is too busy."""
    with StallMeter() as meter:
        done = run(binary, "simulate", "--json", "--connect", daemon.frames, *options, timeout_s=180)
    assert done.returncode in (0, 3), done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if said["dropped"] and meter.p99_ms > 2.0:
        # What was sent has arrived and is accounted for, on a busy machine too.
        series = daemon.wait_series("everything sent is processed", lambda s: s["state"] == "done", within_s=60)
        assert whole(series)
        assert series["account"]["received"] == said["sent"]
        dropped = f"the publisher dropped {said['dropped']} of {said['captured']} frames"
        pytest.skip(f"SKIPPED: {dropped}, but here a sleeping thread wakes {meter.p99_ms:.1f} ms late (99 %)")
    assert said["dropped"] == 0, f"a sleeping thread wakes {meter.p99_ms:.2f} ms late (99 %)"
    return said, meter


def test_100_frames_of_512_px_per_second_arrive_without_loss_and_within_10_ms(
    daemons: Any, binary: Path, memory_folder: Path
) -> None:
    seconds = places.seconds(10)
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    options = ("--width", 512, "--height", 512, "--fps", 100, "--seconds", seconds, "--bank", 16)
    said, meter = simulate(binary, daemon, *options)
    series = processed(daemon, said["captured"])
    record("rate_512", numbers(seconds, said, series, meter))
    assert said["frames_per_second"] > 98
    within_10_ms(series, meter)


def test_90_frames_of_2048_px_per_second_arrive_without_loss(daemons: Any, binary: Path, memory_folder: Path) -> None:
    seconds = places.seconds(5)
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    options = ("--width", 2048, "--height", 2048, "--fps", 92, "--seconds", seconds)
    said, meter = simulate(binary, daemon, *options, "--bank", 4, "--density-per-um2", 0.05)
    series = processed(daemon, said["captured"])
    record("rate_2048", numbers(seconds, said, series, meter))
    assert said["frames_per_second"] >= 90


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_the_python_publisher_keeps_up_with_a_camera(daemons: Any, memory_folder: Path, form: str) -> None:
    seconds = min(places.seconds(5), 10.0)
    daemon = daemons("--model", "fake", ring__dir=memory_folder, ring__mib=512).start()
    command = [sys.executable, str(PYTHON_PUBLISHER), daemon.frames, "512", "100", str(seconds), form]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    series = processed(daemon, said["captured"])
    record(f"rate_512_python_{form}", {**said, "latency_ms": series["latency_ms"]})
    assert said["dropped"] == 0
    assert said["frames_per_second"] > 95
