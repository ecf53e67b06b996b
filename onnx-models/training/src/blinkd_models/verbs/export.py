"""``export``: the bundle of a checkpoint."""

from __future__ import annotations

import argparse
import pickle
import platform
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models import checkpoint, export
from blinkd_models.network import Architecture, Decode
from blinkd_models.purpose import Purpose, psf_table
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales
from blinkd_models.verbs import train


def add(verbs: Any) -> None:
    out = verbs.add_parser("export", help="write the bundle of RUN/checkpoint.pt")
    out.add_argument("--run", type=Path, required=True)
    out.add_argument("--bundle", type=Path, required=True, help="folder of the split bundle; its name is the model's")
    out.add_argument("--single", type=Path, help="folder of the same network as one graph, to compare")
    out.add_argument("--name", default="", help="another name than the folder's")
    out.add_argument("--description", default="", help="one line for people; made from the settings if absent")
    out.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    try:
        state = checkpoint.load(arguments.run / "checkpoint.pt")
        model = Decode(state.network())
        model.load_state_dict(state.average)
        purpose = purpose_of(state, description=arguments.description)
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


def purpose_of(state: checkpoint.State, *, description: str = "") -> Purpose:
    """What the checkpoint's network was trained for."""
    ranges = _ranges(state.settings["ranges"])
    return Purpose(
        description=description or describe(state.network(), ranges=ranges),
        scales=Scales(**state.settings["scales"]),
        ranges=ranges,
        psf=psf_table(ranges),
        training=_training_table(state),
    )


def describe(architecture: Architecture, *, ranges: Ranges) -> str:
    """One line for people: the network, the recordings, the cameras."""
    low, high = ranges.z_nm
    kind = psf_table(ranges)["kind"]
    psf = "a round Gaussian PSF" if kind == "gaussian" else f"an {kind} PSF, emitters from z = {low:g} to {high:g} nm"
    dimensions = "3D" if architecture.z else "2D"
    cameras = "sCMOS" if ranges.emccd == 0.0 else "EMCCD" if ranges.emccd == 1.0 else "sCMOS and EMCCD"
    shape = f"{architecture.features} features ({architecture.activation})"
    if architecture.squeeze > 1:
        shape += f" on a grid of 1/{architecture.squeeze} the resolution"
    return f"DECODE with {shape} for {dimensions} recordings with {psf}; {cameras}; any blinking."


def training_command(settings: dict[str, Any]) -> str:
    """The command that trains with these settings: minutes and seed always, other options where they differ."""
    parser = argparse.ArgumentParser()
    train.add(parser.add_subparsers())
    verb = parser._subparsers._group_actions[0].choices["train"]  # type: ignore[union-attr, index]
    flat = {**settings["ranges"], **settings["scales"], **settings["architecture"], **settings}
    words = ["python -m blinkd_models train --run RUN"]
    for option in verb._actions:
        value = flat.get(option.dest)
        if value is None or (value == option.default and option.dest not in ("minutes", "seed")):
            continue
        if isinstance(option, argparse._StoreTrueAction):
            words += [option.option_strings[0]] if value else []
            continue
        values = value if isinstance(value, list | tuple) else [value]
        text = " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
        words.append(f"{option.option_strings[0]} {text}")
    return " ".join(words)


def _ranges(plain: dict[str, Any]) -> Ranges:
    """From a checkpoint, which may hold pairs as lists."""
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
    return Ranges(**values)


def _training_table(state: checkpoint.State) -> dict[str, Any]:
    settings = state.settings
    body = "bf16 body" if settings["autocast"] else "fp32"
    return {
        "command": training_command(settings),
        "seed": settings["seed"],
        "recipe": f"AdamW, cosine over the time budget, gradient norm clipped at {settings['clip_norm']:g}, "
        f"moving average of the weights {settings['average_decay']:g}, {body}, "
        f"{settings['sequences']} sequences of {settings['frames']} frames of {settings['crop_px']} px per update, "
        "unweighted count loss, simulated recordings",
        "architecture": dict(settings["architecture"]),
        "steps": state.step,
        "minutes": round(state.elapsed_s / 60.0, 1),
        "machine": f"CPU, {platform.machine()}, shared with other work",
    }
