"""Command line: train, evaluate, export, infer, compare. Parses arguments and calls; holds no logic of its own."""

from __future__ import annotations

import argparse
import csv
import platform
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blinkd_models import card, checkpoint, export, golden
from blinkd_models.camera import Camera
from blinkd_models.evaluate import evaluate, grid, match
from blinkd_models.infer import PostProcess, localize, predict, read_csv, write_csv
from blinkd_models.network import ACTIVATIONS, Architecture, Decode
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales
from blinkd_models.train import Settings, Trainer, TrainingStoppedError

DESCRIPTION = (
    "DECODE with 16 features (SiLU) for 2D recordings with a round Gaussian PSF; sCMOS and EMCCD; any blinking."
)


def _train(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    settings = Settings(
        minutes=arguments.minutes,
        steps=arguments.steps,
        seed=arguments.seed,
        learning_rate=arguments.learning_rate,
        sequences=arguments.sequences,
        architecture=Architecture(features=arguments.features, activation=arguments.activation),
    )
    try:
        Trainer(settings, run=arguments.run).run(report=partial(print, flush=True))
    except TrainingStoppedError as reason:
        print(f"training stopped: {reason}", file=sys.stderr)
        return 1
    return 0


def _export(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    state = checkpoint.load(arguments.run / "checkpoint.pt")
    model = Decode(state.network())
    model.load_state_dict(state.average)
    model.eval()
    scaling = Scales(**state.settings["scales"])
    ranges = _ranges(state.settings["ranges"])
    for bundle in (arguments.bundle, arguments.single):
        export.fresh_folder(bundle)
    split_files = export.export_split(model, bundle=arguments.bundle)
    single_files = export.export_single(model, bundle=arguments.single)
    worst = export.check_agreement(
        model, split=arguments.bundle, single=arguments.single, ranges=ranges, scales=scaling
    )
    export.save_weights(model, bundle=arguments.bundle)
    content = card.compose(
        name=arguments.bundle.name,
        description=DESCRIPTION,
        graphs={"kind": "split", "frame": "frame.onnx", "context": "context.onnx"},
        halo_px=export.measure_halo_px(model.architecture),
        mflop_per_px=export.mflop_per_px(model),
        architecture=model.architecture,
        scaling=scaling,
        ranges=ranges,
        training=_training_table(state),
    )
    content["golden"] = golden.write(model, bundle=arguments.bundle, scales=scaling, post=PostProcess())
    export.write_bundle(content=content, files=split_files, bundle=arguments.bundle)
    twin: dict[str, Any] = {
        "name": arguments.single.name,
        "graphs": {"kind": "single", "model": "model.onnx", "precision": "fp32"},
    }
    twin["golden"] = golden.write(model, bundle=arguments.single, scales=scaling, post=PostProcess())
    export.write_bundle(content={**content, **twin}, files=single_files, bundle=arguments.single)
    print(f"{arguments.bundle}: step {state.step}, ONNX Runtime agrees with PyTorch to {worst:.1e}")
    return 0


def _ranges(plain: dict[str, Any]) -> Ranges:
    """From a checkpoint, which may hold pairs as lists."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
    return Ranges(**values)


def _training_table(state: checkpoint.State) -> dict[str, Any]:
    settings = state.settings
    return {
        "command": f"python -m blinkd_models train --run RUN --minutes {settings['minutes']:g} "
        f"--seed {settings['seed']} --learning-rate {settings['learning_rate']:g} --sequences {settings['sequences']}",
        "seed": settings["seed"],
        "recipe": f"AdamW, cosine over the time budget, gradient norm clipped at {settings['clip_norm']:g}, "
        f"moving average of the weights {settings['average_decay']:g}, bf16 body, "
        f"{settings['sequences']} sequences of {settings['frames']} frames of {settings['crop_px']} px per update, "
        "unweighted count loss, simulated recordings",
        "steps": state.step,
        "minutes": round(state.elapsed_s / 60.0, 1),
        "machine": f"CPU, {platform.machine()}, shared with other work",
    }


def _evaluate(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    model, content = export.load_weights(arguments.bundle), card.read(arguments.bundle)
    rows = []
    conditions = grid(arguments.densities, arguments.photons)
    print("density photons    JI  prec   rec  rmse  CRLB  rmse/CRLB")
    for condition in conditions:
        row = evaluate(
            model,
            condition=condition,
            scales=card.scales(content),
            post=card.post_process(content),
            grid_px=content["network"]["grid_px"],
            appearances=arguments.appearances,
        ).as_dict()
        rows.append(row)
        print(
            f"{row['density_per_um2']:7g} {row['photons']:7g} {row['ji']:5.3f} {row['precision']:5.3f} "
            f"{row['recall']:5.3f} {row['rmse_lateral_nm']:5.1f} {row['crlb_lateral_nm']:5.1f} "
            f"{row['rmse_over_crlb']:5.2f}",
            flush=True,
        )
    for bundle in [arguments.bundle, *arguments.also] if arguments.write else []:
        other = card.read(bundle)
        tail = other.pop("golden")
        card.write({**other, "metrics": rows, "golden": tail}, bundle=bundle)
    return 0


def _infer(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    model, content = export.load_weights(arguments.bundle), card.read(arguments.bundle)
    scaling = card.scales(content)
    photons = _camera(arguments.camera).to_photons(_read_stack(arguments.stack))
    output = predict(model, photons=photons, scales=scaling, grid_px=content["network"]["grid_px"])
    post = card.post_process(content) if arguments.raw_th is None else PostProcess(raw_th=arguments.raw_th)
    height, width = photons.shape[-2:]
    found = localize(output, scales=scaling, post=post, height=height, width=width)
    write_csv(found, path=arguments.out)
    background, brightness = float(found.background.median()), float(found.photons.median())
    print(f"{len(found)} localizations in {len(photons)} frames, median photons {brightness:.0f} on {background:.1f}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    found = read_csv(arguments.localizations)
    with arguments.truth.open(newline="", encoding="utf-8") as file:
        rows = [(int(float(row["frame"])), float(row["x [nm]"]), float(row["y [nm]"])) for row in csv.DictReader(file)]
    truth = np.array(rows)
    matches = match(
        truth_frame=truth[:, 0] - 1,
        truth_nm=truth[:, 1:],
        found_frame=found.frame.numpy(),
        found_nm=(torch.stack([found.x_px, found.y_px], dim=1).numpy() + 0.5) * arguments.pixel_size_nm,
    )
    print(
        f"JI {matches.jaccard:.3f} precision {matches.precision:.3f} recall {matches.recall:.3f} "
        f"lateral {matches.rmse_nm:.1f} nm"
    )
    return 0


def _camera(text: str) -> Camera:
    """``offset_adu=100,e_per_adu=0.5,...``"""
    return Camera(**{name: float(value) for name, value in (part.split("=") for part in text.split(",") if part)})


def _read_stack(path: Path) -> Tensor:
    """[T, H, W] from .npy or .tif."""
    if path.suffix == ".npy":
        return torch.from_numpy(np.load(path).astype(np.float32))
    import tifffile

    return torch.from_numpy(tifffile.imread(path).astype(np.float32))


def _add_train(verbs: Any) -> None:
    train = verbs.add_parser("train", help="train from scratch, or go on from RUN/checkpoint.pt")
    train.add_argument("--run", type=Path, required=True, help="folder of the checkpoint")
    train.add_argument("--minutes", type=float, default=110.0, help="training time; the schedule follows it")
    train.add_argument("--steps", type=int, help="end after so many updates, if that comes first")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--learning-rate", type=float, default=2e-3)
    train.add_argument("--sequences", type=int, default=4, help="sequences of 10 frames per update")
    train.add_argument("--features", type=int, default=16)
    train.add_argument("--activation", choices=sorted(ACTIVATIONS), default="silu")
    train.set_defaults(call=_train)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blinkd_models", description="Train, judge and export blinkd's networks.")
    parser.add_argument("--threads", type=int, default=2, help="1 on a busy machine: threads wait for each other")
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_train(verbs)
    out = verbs.add_parser("export", help="write the bundle of RUN/checkpoint.pt")
    out.add_argument("--run", type=Path, required=True)
    out.add_argument("--bundle", type=Path, required=True, help="folder of the split bundle; its name is the model's")
    out.add_argument("--single", type=Path, required=True, help="folder of the same network as one graph")
    out.set_defaults(call=_export)
    judge = verbs.add_parser("evaluate", help="metrics on fresh simulations")
    judge.add_argument("--bundle", type=Path, required=True)
    judge.add_argument("--also", type=Path, nargs="*", default=[], help="bundles with the same weights")
    judge.add_argument("--write", action="store_true", help="put the metrics into the card")
    judge.add_argument(
        "--densities", type=float, nargs="+", default=[0.2, 1.0, 2.0, 3.0, 5.0], help="visible emitters per um^2"
    )
    judge.add_argument("--photons", type=float, nargs="+", default=[500.0, 1000.0, 2000.0, 5000.0, 10000.0])
    judge.add_argument("--appearances", type=int, default=4000, help="visible emitters per condition, about")
    judge.set_defaults(call=_evaluate)
    infer = verbs.add_parser("infer", help="localizations of a stack, by the PyTorch reference")
    infer.add_argument("--bundle", type=Path, required=True)
    infer.add_argument("--stack", type=Path, required=True, help=".npy or .tif, frames first")
    infer.add_argument("--camera", default="", help="offset_adu=100,e_per_adu=0.5,qe=0.9,em_gain=1,spurious_e=0")
    infer.add_argument("--raw-th", type=float, help="use the published code's single threshold")
    infer.add_argument("--out", type=Path, required=True)
    infer.set_defaults(call=_infer)
    compare = verbs.add_parser("compare", help="localizations against a truth table (frame from 1, x [nm], y [nm])")
    compare.add_argument("--localizations", type=Path, required=True)
    compare.add_argument("--truth", type=Path, required=True)
    compare.add_argument("--pixel-size-nm", type=float, required=True)
    compare.set_defaults(call=_compare)
    return parser


def main() -> int:
    """Entry point; returns the exit code."""
    arguments = _parser().parse_args()
    code: int = arguments.call(arguments)
    return code
