"""The Python client and its examples on the real daemon: numbers agree, streams survive it, a microscope is steered."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blinkd import Client, FramePublisher, Look, Rendering, Series
from blinkd.client import RefusedError

from rigs import micromanager
from rigs.daemon import environment
from rigs.microscope import blinking
from rigs.waiting import until

EXAMPLES = Path(__file__).resolve().parents[2] / "clients" / "python" / "examples"
ENVIRONMENT = environment(PYTHONPATH=str(EXAMPLES.parent / "src"))
STACK = blinking(frames=400, side=64, spots=6.0, seed=17)


def send(publisher: FramePublisher, frames: Any) -> None:
    for frame in frames:
        assert publisher.wait_for_room(timeout_s=20)
        publisher.send_frame(frame)


def recorded(daemon: Any) -> Any:
    """A series of all of the stack, complete."""
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="client", pixel_size_nm=(100.0, 100.0)))
        send(publisher, STACK)
        publisher.end()
    return daemon.wait_series("done", lambda s: s["state"] == "done")


def test_every_way_of_asking_gives_the_same_localizations(daemons: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    series = recorded(daemon)
    with Client(daemon.ready["grpc"]) as client:
        ours = client.acquisitions.get()
        assert (ours.name, ours.account.processed) == ("client", len(STACK))
        assert ours.localizations == series["localizations"]
        found = client.query()
        assert len(found) == ours.localizations > 1000
        statistics = client.statistics()
        assert statistics.localizations == ours.localizations
        assert statistics.histogram("photons").counts.sum() == ours.localizations
        assert statistics.recent.localizations.sum() == ours.localizations
        source = client.tiles()
        bounds = source.bounds
        assert bounds is not None
        side_nm = source.tile_px * source.base_pixel_nm
        across = [range(int(low // side_nm), int(high // side_nm) + 1) for low, high in (
            (bounds.x_min_nm, bounds.x_max_nm),
            (bounds.y_min_nm, bounds.y_max_nm),
        )]  # fmt: skip
        counted = sum(source.read(0, x, y).sum() for x in across[0] for y in across[1])
        assert counted == ours.localizations
        picture = client.picture(look=Look(rendering=Rendering.HISTOGRAM))
        assert picture.rgb.any(axis=2).sum() <= ours.localizations
        table = client.export(format="csv")
        lines = Path(table.path).read_text().splitlines()
        assert (table.localizations, len(lines) - 1) == (ours.localizations, ours.localizations)
        frame = next(client.frames())
        assert (frame.seq, frame.grey.shape) == (len(STACK) - 1, (64, 64))
        assert len(frame.x_px) == (found.frame == frame.seq).sum()


def test_live_localizations_and_pictures_arrive_while_frames_do(daemons: Any) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    came: list[int] = []
    with Client(daemon.ready["grpc"]) as client, FramePublisher(daemon.frames) as publisher:
        listening = threading.Thread(target=lambda: came.extend(len(batch) for batch in client.localizations()))
        listening.start()
        until(lambda: client.status().clients >= 1, what="the stream is open")
        publisher.start(Series(name="live", pixel_size_nm=(100.0, 100.0)))
        send(publisher, STACK[:100])
        grown = [picture.localizations for picture in islice(client.pictures(interval_s=0.05), 1)]
        send(publisher, STACK[100:])
        publisher.end()
        series = daemon.wait_series("done", lambda s: s["state"] == "done")
        until(lambda: sum(came) == series["localizations"], what=f"all {series['localizations']} in the stream")
        assert 0 < grown[0] <= series["localizations"]
        client.close()
        listening.join(10)
        assert not listening.is_alive()


def test_a_client_goes_on_after_the_daemon_was_killed_and_started_again(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    gaps: list[Any] = []
    with Client(daemon.ready["grpc"]) as client:
        first = client.status().instance
        states = client.acquisitions.watch(interval_s=0.05, on_gap=gaps.append)
        recorded(daemon)
        assert next(states).name == "client"
        daemon.kill()
        daemon.start()
        until(lambda: next(states).account.processed == len(STACK), what="the recording of before is told of again")
        assert gaps
        assert client.status().instance != first


def test_controls_act_on_a_running_series(daemons: Any) -> None:
    daemon = daemons("--model", "fake").start()
    with Client(daemon.ready["grpc"]) as client, FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="controlled", pixel_size_nm=(100.0, 100.0)))
        send(publisher, STACK[:20])
        until(
            lambda: any(one.account.processed >= 19 for one in client.acquisitions.list()),
            what="the first frames are processed",
        )
        assert client.acquisitions.configure(paused=True).paused
        send(publisher, STACK[20:60])
        until(lambda: client.acquisitions.get().account.received == 60, what="frames come in the pause")
        assert client.acquisitions.get().account.processed <= 21
        with pytest.raises(RefusedError, match="stop them first"):
            client.models.load("decode-2d-lite")
        client.acquisitions.configure(paused=False)
        until(lambda: client.acquisitions.get().account.processed >= 59, what="it goes on")
        client.acquisitions.stop()
        until(lambda: client.acquisitions.get().is_done, what="it is closed")
        assert client.models.load("decode-2d-lite").loaded


def test_the_tutorial_runs_from_the_first_cell_to_the_last(daemons: Any, tmp_path: Path) -> None:
    daemon = daemons("--model", "decode-2d-lite").start()
    series = recorded(daemon)
    command = [sys.executable, str(EXAMPLES / "tutorial.py"), "--address", daemon.ready["grpc"], "--out", str(tmp_path)]
    said = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stderr
    assert f"hold {series['localizations']} localizations" in said.stdout
    assert f"{series['localizations']} localizations in " in said.stdout
    assert (tmp_path / "corner.png").stat().st_size > 500
    assert (tmp_path / "counts.tif").read_bytes()[:4] == b"II*\0"


def test_a_tile_ends_early_when_enough_localizations_have_arrived(daemons: Any) -> None:
    micromanager.require()
    daemon = daemons("--model", "fake").start()
    command = [sys.executable, str(EXAMPLES / "end_tile_when_enough.py"), "--frames", daemon.frames]
    command += ["--address", daemon.ready["grpc"], "--most-frames", "3000", "--localizations", "2000"]
    said = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=180, check=False)
    assert said.returncode in (0, -11), said.stderr
    assert said.stdout.count("were enough") == 4, said.stdout
    with Client(daemon.ready["grpc"]) as client:
        until(lambda: client.acquisitions.get().is_done, what="the scan is processed")
        scan = client.scans.get()
        found = np.bincount(client.query(scan).tile)
    assert scan.tiles_by_state == {"done": 4}, "a tile that ended early misses nothing"
    assert (found >= 2000).all()
    assert (found < 2000 * 20).all(), found


def test_density_is_steered_through_a_property_of_the_core(daemons: Any) -> None:
    micromanager.require()
    daemon = daemons("--model", "fake").start()
    # Nothing in the demo core changes the density: the hand goes to its limit and stays there.
    command = [sys.executable, str(EXAMPLES / "hold_density.py"), "--address", daemon.ready["grpc"]]
    command += ["--device", "Camera", "--property", "Gain", "--density", "1000000", "--lowest", "1", "--highest", "5"]
    with FramePublisher(daemon.frames) as publisher:
        publisher.start(Series(name="steered", pixel_size_nm=(100.0, 100.0)))
        send(publisher, STACK[:5])
        daemon.wait_series("begun", lambda s: s["account"]["processed"] > 0)
        with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as steering:
            said = threading.Thread(target=lambda: lines.extend(steering.stdout or ()))
            lines: list[str] = []
            said.start()
            for number in range(4):
                for frame in STACK[number * 100 : (number + 1) * 100]:
                    assert publisher.wait_for_room(timeout_s=20)
                    publisher.send_frame(frame)
                want = number + 1
                until(lambda want=want: len(lines) >= want, what=f"step {want} of the power", within_s=60)
            publisher.end()
            assert steering.wait(60) in (0, -11)
            said.join(10)
    powers = [float(line.rsplit(" ", 1)[1]) for line in lines]
    assert powers[:4] == [1.5, 2.25, 3.38, 5.0]
