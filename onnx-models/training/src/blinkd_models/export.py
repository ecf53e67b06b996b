"""Writes bundles of a network: ONNX graphs, weights, card, golden files.

Comes in: a network and what it was made for. Goes out: a bundle folder that ONNX Runtime has been seen to agree with.
Never: trains, or judges accuracy.
"""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from blinkd_models import card, golden
from blinkd_models.bundle import finish, writing
from blinkd_models.geometry import measure_halo_px, mflop_per_px
from blinkd_models.graphs import Graphs
from blinkd_models.infer import predict
from blinkd_models.network import Decode
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges, draw_scene, simulate
from blinkd_models.target import Scales
from blinkd_models.weights import load_weights, save_weights

__all__ = ["AGREEMENT", "check_agreement", "load_weights", "measure_halo_px", "mflop_per_px", "save_weights", "write"]

OPSET = 17
AGREEMENT = 5e-5
"""Largest difference between ONNX Runtime and PyTorch that passes, in network units."""

ROUNDINGS = 4.0

RECIPE = "training.toml"
"""The settings of the training, in the bundle, as ``train --settings`` reads them."""

SPLIT = {"kind": "split", "frame": "frame.onnx", "context": "context.onnx"}
SINGLE = {"kind": "single", "model": "model.onnx"}


def write(model: Decode, *, bundle: Path, purpose: Purpose, single: bool = False, name: str = "") -> float:
    """Writes the whole bundle, or nothing; returns the largest difference between ONNX Runtime and PyTorch.

    A network that sees each frame alone is one graph in any case.
    """
    model = model.eval()
    single = single or model.architecture.window_frames == 1
    with writing(bundle) as folder:
        files = export_single(model, bundle=folder) if single else export_split(model, bundle=folder)
        content = card.compose(
            name=name or bundle.name,
            graphs=SINGLE if single else SPLIT,
            halo_px=measure_halo_px(model.architecture),
            mflop_per_px=mflop_per_px(model),
            architecture=model.architecture,
            purpose=purpose,
        )
        worst = check_agreement(model, bundle=folder, content=content, ranges=purpose.ranges, scales=purpose.scales)
        if not single or model.architecture.window_frames == 1:
            save_weights(model, bundle=folder)
        content["golden"] = golden.write(
            predict=partial(_predict, model, scales=purpose.scales, grid_px=content["network"]["grid_px"]),
            bundle=folder,
            purpose=purpose,
        )
        if purpose.recipe and not single:
            (folder / RECIPE).write_text(purpose.recipe, encoding="utf-8")
        finish(content, files=files, folder=folder)
    return worst


def export_split(model: Decode, *, bundle: Path) -> list[str]:
    """Writes frame.onnx and context.onnx; returns their names."""
    side = 4 * model.architecture.grid_px
    frame = torch.zeros(1, 1, side, side + model.architecture.grid_px)
    part = torch.zeros(1, model.architecture.feature_maps, *frame.shape[2:])
    _export(model.frame, inputs={"frame": frame}, output="features", path=bundle / SPLIT["frame"])
    neighbours = {"previous": part, "this": part, "next": part}
    _export(model.context, inputs=neighbours, output="output", path=bundle / SPLIT["context"])
    return [SPLIT["frame"], SPLIT["context"]]


def export_single(model: Decode, *, bundle: Path) -> list[str]:
    """Writes model.onnx, one graph with all frames of the window as input; returns its name."""
    side = 4 * model.architecture.grid_px
    frames = torch.zeros(1, model.architecture.window_frames, side, side + model.architecture.grid_px)
    _export(model, inputs={"frames": frames}, output="output", path=bundle / SINGLE["model"])
    return [SINGLE["model"]]


def check_agreement(model: Decode, *, bundle: Path, content: dict[str, Any], ranges: Ranges, scales: Scales) -> float:
    """Largest difference of a bundle's graphs to PyTorch on simulated frames; raises above ``AGREEMENT``.

    The frames come from the ranges of the training. Where a network is so steep that PyTorch in fp32 differs
    from itself in fp64 by more, ONNX Runtime may differ by ``ROUNDINGS`` times as much.
    """
    graphs = Graphs.open(bundle, card=content)
    worst, rounding, grid = 0.0, 0.0, graphs.grid_px
    precise = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(3)
    for windows, rows, cols in ((2, 8, 8), (4, 5, 9), (2, 1, 17)):
        scene = draw_scene(ranges, sequences=windows, generator=generator)
        size = {"height": rows * grid, "width": cols * grid}
        recording = simulate(scene, frames=graphs.window_frames, generator=generator, **size)
        frames = scales.to_input(recording.photons)
        with torch.no_grad():
            expected, truth = model(frames).numpy(), precise(frames.double()).numpy()
        worst = max(worst, float(np.abs(graphs.windows(frames.numpy()) - expected).max()))
        rounding = max(rounding, float(np.abs(expected - truth).max()))
    allowed = max(AGREEMENT, ROUNDINGS * rounding)
    if not worst <= allowed:
        raise ValueError(f"ONNX Runtime differs from PyTorch by {worst:.2e}, allowed {allowed:.0e}")
    return worst


def _predict(model: Decode, photons: Tensor, *, scales: Scales, grid_px: int) -> Tensor:
    return predict(model, photons=photons, scales=scales, grid_px=grid_px)


def _export(module: nn.Module, *, inputs: dict[str, Tensor], output: str, path: Path) -> None:
    """One graph with dynamic n, h, w; refuses operators that accelerators handle badly."""
    axes = {0: "n", 2: "h", 3: "w"}
    torch.onnx.export(
        module.eval(),
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=[output],
        dynamic_axes=dict.fromkeys([*inputs, output], axes),
        opset_version=OPSET,
        dynamo=False,
    )
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    scatter = [node.op_type for node in graph.graph.node if "Scatter" in node.op_type]
    if scatter:
        raise ValueError(f"{path.name} contains {scatter}")
