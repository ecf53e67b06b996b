"""What cannot run is refused at once: an exit code, and a message that names the file or field and the remedy."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blinkd import FramePublisher, Series

from rigs.daemon import nothing_lost, run
from rigs.places import REPOSITORY

ANY_PORTS = ("--set", "frames.endpoint=tcp://127.0.0.1:0", "--set", "serve.listen=127.0.0.1:0")


def refused(binary: Path, *arguments: object, code: int, says: list[str], **env: str) -> str:
    done = run(binary, *arguments, timeout_s=30, **env)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    lost = [text for text in says if text not in done.stderr]
    assert not lost, f"{lost} not in:\n{done.stderr}"
    assert "panicked" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("key", ["frames.endpoint", "serve.listen"])
def test_a_port_in_use_is_named_with_the_setting_that_changes_it(binary: Path, tmp_path: Path, key: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        value = f"tcp://{address}" if key == "frames.endpoint" else address
        options = ("serve", "--model", "fake", "--store", tmp_path, *ANY_PORTS, "--set", f"{key}={value}")
        refused(binary, *options, code=1, says=[address, key])


def test_a_configuration_that_cannot_be_read_is_named(binary: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    refused(binary, "serve", "--config", missing, code=2, says=[str(missing), "--config"])
    refused(binary, "serve", "--config", tmp_path, code=2, says=[str(tmp_path)])
    binary_file = tmp_path / "not-text.toml"
    binary_file.write_bytes(b"\xff\xfe\x00\x01")
    refused(binary, "serve", "--config", binary_file, code=2, says=[str(binary_file)])


def test_every_mistake_of_a_configuration_is_told_with_its_line(binary: Path, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[camera]\npixel_size_nm = "big"\n\n[ring]\nmib = 0\n\n[frames]\nendpoint = "udp://x"\nbogus = 1\n')
    said = refused(binary, "serve", "--config", path, code=2, says=[str(path), "line 2", "line 5", "ring.mib"])
    assert "frames" in said
    refused(binary, "serve", "--set", "ring.mib", code=2, says=["table.key=value"])
    refused(binary, "serve", "--bogus", code=2, says=["--bogus"])


@pytest.mark.parametrize("what", ["missing", "folder", "text"])
def test_onnx_runtime_that_is_missing_or_wrong_is_named_with_the_remedy(
    binary: Path, tmp_path: Path, what: str
) -> None:
    path = tmp_path / "libonnxruntime.so"
    if what == "folder":
        path.mkdir()
    elif what == "text":
        path.write_text("this is no library")
    options = ("serve", "--model", "decode-2d-lite", "--store", tmp_path / "store", *ANY_PORTS)
    refused(binary, *options, code=1, says=[str(path), "ORT_DYLIB_PATH"], ORT_DYLIB_PATH=str(path))


def test_a_library_that_is_no_onnx_runtime_is_refused(binary: Path, tmp_path: Path) -> None:
    candidates = ("/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6")
    other = next((Path(name) for name in candidates if Path(name).is_file()), None)
    if other is None:
        pytest.skip("SKIPPED: no other shared library was found")
    options = ("serve", "--model", "decode-2d-lite", "--store", tmp_path / "store", *ANY_PORTS)
    refused(binary, *options, code=1, says=[str(other)], ORT_DYLIB_PATH=str(other))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to be spoilt."""
    source = REPOSITORY / "onnx-models" / "decode-2d-lite"
    if not (source / "card.toml").is_file():
        pytest.skip(f"SKIPPED: {source} is missing")
    return Path(shutil.copytree(source, tmp_path / "bundle"))


def spoil(bundle: Path, old: str, new: str) -> None:
    card = bundle / "card.toml"
    text = card.read_text()
    assert old in text
    card.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("features = 16", "features = 32", ["features"]),
        ("window_frames = 3", "window_frames = 1", ["window_frames"]),
        ("schema = 1", "schema = 2", ["card.toml", "schema"]),
        ("pixel_size_nm = [95.0, 130.0]", "pixel_size_nm = [130.0, 95.0]", ["pixel_size_nm"]),
        ('frame = "frame.onnx"', 'frame = "../frame.onnx"', ["frame.onnx"]),
        ("grid_px = 8", 'grid_px = "eight"', ["card.toml", "grid_px"]),
    ],
    ids=["features", "window", "schema", "range", "path outside", "type"],
)
def test_a_card_that_does_not_match_its_graphs_is_refused(
    binary: Path, bundle: Path, tmp_path: Path, old: str, new: str, says: list[str]
) -> None:
    spoil(bundle, old, new)
    refused(binary, "serve", "--model", bundle, "--store", tmp_path / "store", *ANY_PORTS, code=1, says=says)


def test_a_graph_that_was_changed_after_its_card_is_refused(binary: Path, bundle: Path, tmp_path: Path) -> None:
    graph = bundle / "context.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    options = ("serve", "--model", bundle, "--store", tmp_path / "store", *ANY_PORTS)
    refused(binary, *options, code=1, says=["context.onnx", "SHA-256"])
    graph.unlink()
    refused(binary, *options, code=1, says=["context.onnx"])


def test_a_bundle_that_is_not_there_is_refused_with_those_that_are(binary: Path, tmp_path: Path) -> None:
    options = ("serve", "--model", "no-such-bundle", "--store", tmp_path, *ANY_PORTS)
    refused(binary, *options, code=1, says=["no-such-bundle", "decode-2d-lite", "fake"])


def test_a_camera_outside_the_cards_range_is_refused_and_can_be_overruled_by_name(binary: Path, tmp_path: Path) -> None:
    options = (
        "serve",
        "--model",
        "decode-2d-lite",
        "--store",
        tmp_path,
        *ANY_PORTS,
        "--set",
        "camera.pixel_size_nm=65",
    )
    refused(binary, *options, code=1, says=["65", "95", "130", "model.overrule"])


def test_a_required_provider_that_cannot_be_had_is_refused_and_not_replaced(binary: Path, tmp_path: Path) -> None:
    options = ("serve", "--model", "decode-2d-lite", "--store", tmp_path, *ANY_PORTS, "--require-provider", "cuda")
    done = run(binary, "doctor", "--json", "--set", f"store.dir={tmp_path}")
    if '"good":true,"text":"runs (CUDA' in done.stdout:
        pytest.skip("SKIPPED: this machine has CUDA")
    refused(binary, *options, code=1, says=["CUDA"])


def test_a_folder_that_cannot_be_written_is_named(binary: Path, tmp_path: Path) -> None:
    file = tmp_path / "a-file"
    file.write_text("in the way")
    refused(binary, "serve", "--model", "fake", "--store", file / "store", *ANY_PORTS, code=1, says=[str(file)])
    if os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        refused(binary, "serve", "--model", "fake", "--store", locked / "s", *ANY_PORTS, code=1, says=[str(locked)])


def test_listening_to_the_world_without_protection_is_refused(binary: Path, tmp_path: Path) -> None:
    options = ("serve", "--model", "fake", "--store", tmp_path)
    refused(binary, *options, "--set", "serve.listen=0.0.0.0:0", code=2, says=["serve.listen", "token_file"])
    world = ("--set", "frames.endpoint=tcp://0.0.0.0:0", "--set", "serve.listen=127.0.0.1:0")
    refused(binary, *options, *world, code=1, says=["0.0.0.0", "allow"])


def test_a_second_daemon_on_the_same_folders_takes_no_series_away_from_the_first(daemons: Any) -> None:
    first, second = daemons("--model", "fake").start(), daemons("--model", "fake")
    second.store, second.settings["ring.dir"] = first.store, first.settings["ring.dir"]
    frame = np.full((32, 32), 100, np.uint16)
    with FramePublisher(first.frames) as publisher:
        publisher.start(Series())
        publisher.send_frame(frame)
        first.wait_series("the first frame", lambda s: s["account"]["received"] == 1)
        second.start()
        for _ in range(20):
            publisher.send_frame(frame)
        publisher.end()
    series = first.wait_series("all frames", lambda s: s["state"] == "done")
    assert series["account"]["processed"] == 21
    assert nothing_lost(series)
    assert second.series() is None
    assert second.status()["alarms"], "it says that there are frames it cannot have"
