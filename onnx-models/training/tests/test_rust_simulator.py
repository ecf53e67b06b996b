"""The daemon's virtual microscope and this package draw the same physics."""

import os
import shutil
import socket
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from blinkd_models.camera import preset
from blinkd_models.emitters import Blinking
from blinkd_models.psf import Gaussian2d
from blinkd_models.simulate import Scene, simulate

REPOSITORY = Path(__file__).resolve().parents[3]
SIZE, FRAMES, BLOCK, EDGE, PIXEL_NM = 128, 640, 64, 8, 100.0
DENSITY_PER_UM2, PHOTONS, SPREAD, BACKGROUND, SIGMA_NM, ON_TIME = 0.6, 2000.0, 0.15, 20.0, 135.0, 2.5
SIGMAS = 4.0
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """photons [FRAMES, SIZE, SIZE]; per visible appearance: frame, row and column in pixels, photons."""

    photons: Array
    frame: Array
    row_px: Array
    col_px: Array
    light: Array


def _binary() -> str:
    built = REPOSITORY / "target" / "release" / "blinkd"
    found = os.environ.get("BLINKD") or (str(built) if built.exists() else shutil.which("blinkd"))
    if found is None:
        pytest.skip(f"neither BLINKD, {built} nor blinkd on the path: the two simulators are not compared")
    return found


def _receive(listener: socket.socket, frames: list[bytes]) -> None:
    """A ZMTP 3.0 PULL socket for one publisher: keeps the second part of messages of two."""
    peer, _ = listener.accept()
    with peer, peer.makefile("rb") as stream:
        peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        stream.read(64)
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 4) + b"PULL"
        peer.sendall(bytes([4, len(ready)]) + ready)
        parts: list[bytes] = []
        while head := stream.read(1):
            wide = head[0] & 2
            size = struct.unpack(">Q" if wide else ">B", stream.read(8 if wide else 1))[0]
            body = stream.read(size)
            if head[0] & 4:
                continue
            parts.append(body)
            if not head[0] & 1:
                frames.extend(parts[1:])
                parts = []


def _rust(folder: Path) -> Recorded:
    binary, truth = _binary(), folder / "truth.csv"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        frames: list[bytes] = []
        receiver = threading.Thread(target=_receive, args=(listener, frames), daemon=True)
        receiver.start()
        options = {
            "connect": f"tcp://127.0.0.1:{listener.getsockname()[1]}", "fps": 0, "seconds": 0, "width": SIZE,
            "height": SIZE, "pixel-size-nm": PIXEL_NM, "density-per-um2": DENSITY_PER_UM2, "photons": PHOTONS,
            "background": BACKGROUND, "structure": "uniform", "seed": 5, "frames-per-tile": FRAMES, "truth": truth,
        }  # fmt: skip
        command = [binary, "simulate", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        receiver.join(timeout=10)
    adu = np.stack([np.frombuffer(frame, dtype="<u2").reshape(SIZE, SIZE) for frame in frames])
    table = np.genfromtxt(truth, delimiter=",", names=True)
    return Recorded(
        photons=preset("scmos").to_photons(torch.from_numpy(adu.astype(np.float64))).numpy(),
        frame=table["frame"] - 1.0,
        row_px=table["y_nm"] / PIXEL_NM - 0.5,
        col_px=table["x_nm"] / PIXEL_NM - 0.5,
        light=table["photons"],
    )


def _python() -> Recorded:
    sequences = FRAMES // BLOCK

    def same(value: float) -> torch.Tensor:
        return torch.full((sequences,), value)

    scene = Scene(
        pixel_size_nm=same(PIXEL_NM),
        psf=Gaussian2d(sigma_px=same(SIGMA_NM / PIXEL_NM)),
        blinking=Blinking(
            density_per_px=same(DENSITY_PER_UM2 * (PIXEL_NM / 1000.0) ** 2),
            photons=same(PHOTONS),
            spread=same(SPREAD),
            on_time_frames=same(ON_TIME),
        ),
        background_photons=same(BACKGROUND),
        unevenness=same(0.0),
        camera=preset("scmos"),
        z_nm=(0.0, 0.0),
    )
    recording = simulate(
        scene, frames=BLOCK, height=SIZE, width=SIZE, generator=torch.Generator().manual_seed(5)
    )  # fmt: skip
    shown = recording.emitters.within(height=SIZE, width=SIZE).visible()
    return Recorded(
        photons=recording.photons.flatten(0, 1).double().numpy(),
        frame=(shown.sequence * BLOCK + shown.frame).double().numpy(),
        row_px=shown.row_px.double().numpy(),
        col_px=shown.col_px.double().numpy(),
        light=shown.photons.double().numpy(),
    )


def _statistics(recorded: Recorded, *, centre: float) -> dict[str, Array]:
    """Each statistic for each of the blocks of frames and the quarters of the field, which hardly share emitters."""
    half = (SIZE - 2 * EDGE) // 2
    rows: dict[str, list[float]] = {}
    for block in range(FRAMES // BLOCK):
        for top, left in ((EDGE, EDGE), (EDGE, EDGE + half), (EDGE + half, EDGE), (EDGE + half, EDGE + half)):
            pixels = recorded.photons[block * BLOCK : (block + 1) * BLOCK, top : top + half, left : left + half]
            here = recorded.frame // BLOCK == block
            for place, low in ((recorded.row_px, top), (recorded.col_px, left)):
                here &= (place >= low - 0.5) & (place < low + half - 0.5)
            place = np.stack([recorded.row_px[here], recorded.col_px[here]], axis=1).round(4)
            lasted = np.unique(place, axis=0, return_counts=True)[1]
            found = {
                "mean": pixels.mean(),
                "variance": ((pixels - centre) ** 2).mean(),
                "covariance of frames": ((pixels[1:] - centre) * (pixels[:-1] - centre)).mean(),
                "covariance of neighbours": ((pixels[:, 1:] - centre) * (pixels[:, :-1] - centre)).mean(),
                "density": here.sum() / BLOCK / (half * PIXEL_NM / 1000.0) ** 2,
                "photons per appearance": recorded.light[here].mean(),
                "appearances above 1500 photons": (recorded.light[here] > 1500.0).mean(),
                "frames per emitter": lasted.mean(),
                **{f"emitters of {n} frames": (lasted == n).mean() for n in (1, 2, 3, 5)},
            }
            for name, value in found.items():
                rows.setdefault(name, []).append(float(value))
    return {name: np.array(values) for name, values in rows.items()}


def test_rust_and_python_recordings_agree_in_every_statistic(tmp_path: Path) -> None:
    rust, python = _rust(tmp_path), _python()
    assert rust.photons.shape == python.photons.shape == (FRAMES, SIZE, SIZE)
    centre = float(python.photons.mean())
    ours, theirs = _statistics(python, centre=centre), _statistics(rust, centre=centre)
    for name, values in ours.items():
        error = np.sqrt(values.var(ddof=1) / len(values) + theirs[name].var(ddof=1) / len(values))
        difference = values.mean() - theirs[name].mean()
        print(f"{name}: python {values.mean():.4f}, rust {theirs[name].mean():.4f}, {difference / error:+.1f} sigma")
        assert abs(difference) < SIGMAS * error, name
    density = theirs["density"]
    assert abs(density.mean() - DENSITY_PER_UM2) < SIGMAS * density.std(ddof=1) / np.sqrt(len(density))
