"""``export``: the bundle of a checkpoint."""

from __future__ import annotations

import argparse
import pickle
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from blinkd_models import card, checkpoint, export, settings_file
from blinkd_models.evaluate.condition import promised_condition
from blinkd_models.evaluate.runner import of_model
from blinkd_models.evaluate.thresholds import ranked
from blinkd_models.infer import PostProcess
from blinkd_models.network import Architecture, Decode
from blinkd_models.purpose import Purpose
from blinkd_models.settings import Settings
from blinkd_models.simulate import Ranges


def add(verbs: Any) -> None:
    out = verbs.add_parser("export", help="write the bundle of RUN/checkpoint.pt")
    out.add_argument("--run", type=Path, required=True)
    out.add_argument("--bundle", type=Path, required=True, help="folder of the split bundle; its name is the model's")
    out.add_argument("--single", type=Path, help="folder of the same network as one graph, to compare")
    out.add_argument("--name", default="", help="another name than the folder's")
    out.add_argument("--description", default="", help="one line for people; made from the settings if absent")
    out.add_argument("--model-version", default="1", help="of the bundle; a retrained one gets another")
    out.add_argument("--note", default="", help="what else the card should say of the training")
    out.add_argument(
        "--promise-z",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="nm; what the card promises, within what was trained, at whose ends networks pull inwards",
    )
    out.add_argument(
        "--thresholds",
        choices=("paper", "efficiency"),
        default="paper",
        help="of post-processing: 0.3, 0.6, 0.7, or those of highest mean efficiency on simulations",
    )
    out.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    try:
        found = checkpoint.load_last_good(arguments.run)
        if found is None:
            raise FileNotFoundError(2, "no checkpoint", str(arguments.run / checkpoint.NAME))
        state, _ = found
        model = Decode(state.network())
        model.load_state_dict(state.average)
        purpose = purpose_of(state, run=arguments.run, description=arguments.description, z_nm=arguments.promise_z)
        if arguments.note:
            purpose.training["note"] = arguments.note
        purpose = replace(purpose, version=arguments.model_version)
        if arguments.thresholds == "efficiency":
            purpose = replace(purpose, post=_best_thresholds(model, purpose=purpose))
        worst = export.write(model, bundle=arguments.bundle, purpose=purpose, name=arguments.name)
        if arguments.single:
            export.write(model, bundle=arguments.single, purpose=purpose, single=True)
    except FileNotFoundError as error:
        print(f"export: {error.filename} is missing; --run names the folder that `train` wrote", file=sys.stderr)
        return 2
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip().split("\n")[0]
        print(f"export: {arguments.run}/checkpoint.pt cannot be read: {reason}; take an older one", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.bundle}: step {state.step}, ONNX Runtime agrees with PyTorch to {worst:.1e}")
    return 0


def purpose_of(
    state: checkpoint.State, *, run: Path, description: str = "", z_nm: Sequence[float] | None = None
) -> Purpose:
    """What the network of the checkpoint in ``run`` was trained for, or the part of its range of z that is promised."""
    settings = settings_of(state)
    ranges = settings.ranges
    if z_nm is not None:
        low, high = z_nm
        if not ranges.z_nm[0] <= low < high <= ranges.z_nm[1]:
            trained = f"trained from {ranges.z_nm[0]:g} to {ranges.z_nm[1]:g} nm"
            raise ValueError(f"--promise-z {low:g} {high:g}: {trained}; promise a range within, the lower end first")
        ranges = replace(ranges, z_nm=(low, high))
    if ranges.psf_file is not None:
        ranges = replace(ranges, psf_file=str((run / ranges.psf_file).resolve()))
    return Purpose(
        description=description or describe(state.network(), ranges=ranges),
        scales=settings.scales,
        ranges=ranges,
        psf=card.psf_table(ranges),
        training=_training_table(state, settings=settings),
        recipe=settings_file.text(settings),
    )


def describe(architecture: Architecture, *, ranges: Ranges) -> str:
    """One line for people: the network, the recordings, the cameras."""
    low, high = ranges.z_nm
    kind = ranges.psf_kind()
    psf = "a round Gaussian PSF" if kind == "gaussian" else f"an {kind} PSF, emitters from z = {low:g} to {high:g} nm"
    dimensions = "3D" if architecture.z else "2D"
    cameras = "sCMOS" if ranges.emccd == 0.0 else "EMCCD" if ranges.emccd == 1.0 else "sCMOS and EMCCD"
    shape = f"{architecture.features} features ({architecture.activation})"
    if architecture.squeeze > 1:
        shape += f" on a grid of 1/{architecture.squeeze} the resolution"
    return f"DECODE with {shape} for {dimensions} recordings with {psf}; {cameras}; any blinking."


def _best_thresholds(model: Decode, *, purpose: Purpose) -> PostProcess:
    """Thresholds by simulation; says how much they gain over the paper's."""
    ranges = {name: list(value) for name, value in asdict(purpose.ranges).items() if isinstance(value, tuple)}
    base = promised_condition({"range": ranges, "psf": purpose.psf})
    runner = of_model(model.eval(), scales=purpose.scales, post=purpose.post, grid_px=model.architecture.grid_px)
    choices = ranked(runner, base=base)
    best, paper = choices[0], next(choice for choice in choices if choice.post == PostProcess())
    print(
        f"thresholds {best.post.candidate:g} {best.post.second:g} {best.post.accept:g}: mean efficiency "
        f"{best.efficiency:.3f}; the paper's {paper.efficiency:.3f}",
        flush=True,
    )
    return best.post


def settings_of(state: checkpoint.State) -> Settings:
    """The recipe in a checkpoint, also one from before precisions had names."""
    given = {name: value for name, value in state.settings.items() if value is not None}
    if "autocast" in given:
        given["precision"] = "bf16" if given.pop("autocast") else "fp32"
    return settings_file.build(given, source="the checkpoint's settings")


def _training_table(state: checkpoint.State, *, settings: Settings) -> dict[str, Any]:
    ending = "cosine over the budget" if settings.schedule == "cosine" else "learning rate by steps"
    start = "from " + settings.init if settings.init else "from random weights"
    teacher = f", taught by {settings.teacher}" if settings.teacher else ""
    return {
        "command": f"python -m blinkd_models train --run RUN --settings {export.RECIPE}",
        "seed": settings.seed,
        "recipe": f"AdamW, {ending}, gradient norm clipped at {settings.clip_norm:g}, "
        f"moving average of the weights {settings.average_decay:g}, {settings.precision} body, "
        f"{settings.sequences} sequences of {settings.frames} frames of {settings.crop_px} px per update, "
        f"{start}{teacher}, simulated recordings",
        "architecture": settings.architecture.as_dict(),
        "steps": state.step,
        "minutes": round(state.elapsed_s / 60.0, 1),
        "machine": f"{settings.device}, {platform.machine()}, shared with other work",
    }
