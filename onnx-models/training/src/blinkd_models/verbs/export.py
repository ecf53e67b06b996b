"""``export``: the bundle of a checkpoint."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import Any

import torch

from blinkd_models import card, checkpoint, export, golden
from blinkd_models.infer import PostProcess
from blinkd_models.network import Decode
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

DESCRIPTION = (
    "DECODE with 16 features (SiLU) for 2D recordings with a round Gaussian PSF; sCMOS and EMCCD; any blinking."
)


def add(verbs: Any) -> None:
    out = verbs.add_parser("export", help="write the bundle of RUN/checkpoint.pt")
    out.add_argument("--run", type=Path, required=True)
    out.add_argument("--bundle", type=Path, required=True, help="folder of the split bundle; its name is the model's")
    out.add_argument("--single", type=Path, required=True, help="folder of the same network as one graph")
    out.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
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
