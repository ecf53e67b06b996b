"""The daemon against the PyTorch reference: the same weights, frames, cores and hour; who is faster, do they agree.

    PYTHONPATH=onnx-models/training/src python hil-tests/bench/against_pytorch.py [--bundles FOLDER ...] [--repeats 7]
    ... --device cuda --threads 1 --sides 128 512 [--set model.onnxruntime=FILE model.nvidia_libraries=FOLDER]

Comes in: the release binary, bundles with `weights.pt`. Goes out: a table on standard output and a JSON in
hil-tests/results. Never: a mean over a busy moment: both sides take turns, and medians are kept.
Needs numpy, tifffile and what the training package needs.

Both start from the same counts in memory and end with localizations: camera, network, post-processing. The daemon's
time is that of its infer thread (`busy` of `blinkd replay`), without opening the bundle, reading the stack, journal
and files; PyTorch's is that of `to_photons`, `predict` and `localize`, at the batch that was fastest for it. Both are
held to the same cores (where the system can do that), so that a second thread of either has nowhere else to go. On a
GPU both compute on it, PyTorch in fp32 without TF32 unless `--tf32`; cores are left alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.agreement import Agreement, agreement, read_thunderstorm
from rigs.microscope import blinking
from rigs.recordings import Bundle, Calibration, FailedError, open_bundle, replay
from rigs.results import day, keep, machine

REPOSITORY = Path(__file__).resolve().parents[2]
CALIBRATION = Calibration(pixel_size_nm=100.0, offset_adu=100.0, e_per_adu=1.0, qe=1.0)
DENSITY_PER_PX = 0.01
"""Emitters: one per square micrometre of 100 nm pixels."""
BATCHES = (1, 4, 16, 64)


class Reference:
    """A bundle's weights in PyTorch, and the frames it is timed on."""

    def __init__(self, bundle: Bundle, *, device: str = "cpu", tf32: bool = False) -> None:
        import torch
        from blinkd_models import card, export

        self.torch, self.device = torch, device
        torch.backends.cudnn.allow_tf32 = tf32
        self.model = export.load_weights(bundle.folder).eval().to(device)
        content = card.read(bundle.folder)
        self.scales, self.post = card.scales(content), card.post_process(content)
        self.grid_px = content["network"]["grid_px"]

    @property
    def parameters(self) -> int:
        return sum(weight.numel() for weight in self.model.parameters())

    def localize(self, frames: np.ndarray, *, batch: int) -> tuple[float, np.ndarray]:
        """Seconds, and localizations (a `Table`), of frames [T, H, W] in ADU."""
        from blinkd_models.camera import Camera
        from blinkd_models.infer import localize, predict

        camera = Camera(offset_adu=CALIBRATION.offset_adu, e_per_adu=CALIBRATION.e_per_adu, qe=CALIBRATION.qe)
        height, width = frames.shape[1:]
        began = time.perf_counter()
        with self.torch.inference_mode():
            counts = self.torch.from_numpy(frames.astype(np.float32)).to(self.device)
            photons = camera.to_photons(counts)
            output = predict(self.model, photons=photons, scales=self.scales, grid_px=self.grid_px, batch=batch)
            found = localize(output, scales=self.scales, post=self.post, height=height, width=width)
            columns = [part.cpu().numpy() for part in (found.frame, found.x_px, found.y_px, found.photons)]
        return time.perf_counter() - began, np.column_stack(columns)

    def best_batch(self, frames: np.ndarray) -> int:
        """The fastest of BATCHES, each tried twice."""
        batches = [batch for batch in BATCHES if batch <= len(frames)]
        return min(batches, key=lambda batch: min(self.localize(frames, batch=batch)[0] for _ in range(2)))


def hold_to(cores: int, *, of: list[int]) -> bool:
    """Holds this process, and those it starts, to so many cores; false where the system cannot."""
    if not hasattr(os, "sched_setaffinity") or cores > len(of):
        return False
    os.sched_setaffinity(0, set(of[:cores]))
    return True


def frames_for(side: int, *, seconds: float, seed: int) -> np.ndarray:
    """A stack that takes a lean network about `seconds`: its cost grows with the pixels."""
    count = round(seconds * 170.0 * (128.0 / side) ** 2)
    return blinking(frames=max(12, count), side=side, spots=DENSITY_PER_PX * side**2, seed=seed)


def measure(
    bundle: Bundle,
    reference: Reference,
    *,
    side: int,
    threads: int,
    repeats: int,
    seconds: float,
    binary: Path,
    more: dict[str, object],
) -> dict[str, Any]:
    """Both sides in turn. `more`: keys of the daemon's configuration."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    pinned = reference.device == "cpu" and hold_to(threads, of=cores)
    reference.torch.set_num_threads(threads)
    frames = frames_for(side, seconds=seconds, seed=side)
    settings = {"model.lanes": threads, "model.provider": reference.device, "model.require_provider": "true", **more}
    rows: dict[str, list[float]] = {"daemon": [], "whole_replay": [], "pytorch": []}
    try:
        with tempfile.TemporaryDirectory(prefix="blinkd-bench-") as folder:
            stack, out = Path(folder) / "stack.tif", Path(folder) / "out"
            tifffile.imwrite(stack, frames, photometric="minisblack")
            batch = reference.best_batch(frames[: max(BATCHES)])
            for _ in range(repeats):
                said = replay(binary, stack, bundle=bundle, calibration=CALIBRATION, out=out, settings=settings)
                busy = said["busy"]
                rows["daemon"].append(busy["engine_s"] + busy["localize_s"])
                rows["whole_replay"].append(said["seconds"])
                took, found = reference.localize(frames, batch=batch)
                rows["pytorch"].append(took)
            agree = agreement(
                read_thunderstorm(out / "localizations.csv", pixel_size_nm=CALIBRATION.pixel_size_nm), found
            )
    finally:
        if pinned:
            os.sched_setaffinity(0, set(cores))
    median = {name: statistics.median(values) / len(frames) * 1e3 for name, values in rows.items()}
    return {
        "bundle": bundle.name,
        "side_px": side,
        "device": reference.device,
        "threads": threads,
        "held_to_cores": pinned,
        "frames": len(frames),
        "repeats": repeats,
        "pytorch_batch": batch,
        "daemon_ms_per_frame": median["daemon"],
        "daemon_frames_per_second": 1e3 / median["daemon"],
        "whole_replay_frames_per_second": 1e3 / median["whole_replay"],
        "pytorch_ms_per_frame": median["pytorch"],
        "pytorch_frames_per_second": 1e3 / median["pytorch"],
        "times_faster": median["pytorch"] / median["daemon"],
        "spread": {name: [min(values), max(values)] for name, values in rows.items()},
        "agreement": agree.as_dict(),
    }


def show(row: dict[str, Any]) -> None:
    agree = Agreement(**row["agreement"])
    print(
        f"{row['bundle']:24}{row['side_px']:5}{row['threads']:8}{row['daemon_frames_per_second']:12.1f}"
        f"{row['pytorch_frames_per_second']:12.1f}{row['pytorch_batch']:6}{row['times_faster']:8.2f}"
        f"  {agree.in_words()}",
        flush=True,
    )


def about_bundle(bundle: Bundle, reference: Reference, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What a table of bundles needs: cost by pixel, size, and time on one core."""
    one = [row for row in rows if row["bundle"] == bundle.name and row["side_px"] == 128 and row["threads"] == 1]
    return {
        "bundle": bundle.name,
        "flop_per_px": round(bundle.card["network"]["mflop_per_px"] * 1e6),
        "parameters": reference.parameters,
        "precision": bundle.card["graphs"]["precision"],
        "cpu_ms_per_frame_128": one[0]["daemon_ms_per_frame"] if one else None,
    }


def parse() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bundles", type=Path, nargs="+", default=[REPOSITORY / "onnx-models" / "decode-2d-lite"])
    options.add_argument("--sides", type=int, nargs="+", default=[64, 128, 256])
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--seconds", type=float, default=3.0, help="of work per repetition, for a lean network")
    options.add_argument("--blinkd", type=Path, default=REPOSITORY / "target" / "release" / "blinkd")
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options.add_argument(
        "--tf32", action="store_true", help="PyTorch's convolutions may round to 10 bits, as cuDNN likes"
    )
    options.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="of the daemon's configuration")
    options.add_argument("--name", default="against-pytorch", help="of the JSON")
    options.add_argument("--no-results", action="store_true", help="print only, write no JSON")
    return options.parse_args()


def main() -> int:
    arguments = parse()
    about, rows, bundles = machine(), [], []
    print(f"{'bundle':24}{'side':>5}{'threads':>8}{'daemon fps':>12}{'torch fps':>12}{'batch':>6}{'times':>8}")
    try:
        for bundle in (open_bundle(folder) for folder in arguments.bundles):
            if not (bundle.folder / "weights.pt").is_file():
                print(f"SKIPPED: {bundle.name} has no weights.pt for PyTorch")
                continue
            reference = Reference(bundle, device=arguments.device, tf32=arguments.tf32)
            for side in arguments.sides:
                for threads in arguments.threads:
                    how = {"repeats": arguments.repeats, "seconds": arguments.seconds, "binary": arguments.blinkd}
                    how["more"] = dict(pair.split("=", 1) for pair in arguments.set)
                    rows.append(measure(bundle, reference, side=side, threads=threads, **how))
                    show(rows[-1])
            bundles.append(about_bundle(bundle, reference, rows))
            print(bundles[-1])
    except FailedError as error:
        print(f"against_pytorch: {error}", file=sys.stderr)
        return 1
    if not arguments.no_results:
        versions = {"torch": reference.torch.__version__} if bundles else {}
        if bundles and arguments.device == "cuda":
            about["gpu"] = reference.torch.cuda.get_device_name()
        found = {"day": day(), "machine": about, "versions": versions, "bundles": bundles, "results": rows}
        print(keep(arguments.name, found))
    return 0 if all(Agreement(**row["agreement"]).good() for row in rows) else 3


if __name__ == "__main__":
    sys.exit(main())
