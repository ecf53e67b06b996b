"""Writes bundles: ONNX graphs, weights, card.

Comes in: a network. Goes out: a bundle folder that ONNX Runtime has been seen to agree with.
Never: trains, or judges accuracy.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from blinkd_models import card
from blinkd_models.network import Architecture, Decode
from blinkd_models.simulate import Ranges, draw_scene, simulate
from blinkd_models.target import Scales

OPSET = 17
AGREEMENT = 5e-5
"""Largest difference between ONNX Runtime and PyTorch that passes, in network units."""

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def export_split(model: Decode, *, bundle: Path) -> list[str]:
    """Writes frame.onnx and context.onnx; returns their names."""
    features = model.architecture.feature_maps
    frame, part = torch.zeros(1, 1, 32, 40), torch.zeros(1, features, 32, 40)
    _export(model.frame, inputs={"frame": frame}, output="features", path=bundle / "frame.onnx")
    neighbours = {"previous": part, "this": part, "next": part}
    _export(model.context, inputs=neighbours, output="output", path=bundle / "context.onnx")
    return ["frame.onnx", "context.onnx"]


def export_single(model: Decode, *, bundle: Path) -> list[str]:
    """Writes model.onnx, one graph with a three-frame input; returns its name."""
    _export(model, inputs={"frames": torch.zeros(1, 3, 32, 40)}, output="output", path=bundle / "model.onnx")
    return ["model.onnx"]


def save_weights(model: Decode, *, bundle: Path) -> None:
    """weights.pt: what :func:`load_weights` needs to rebuild the network."""
    torch.save({"architecture": model.architecture.as_dict(), "weights": model.state_dict()}, bundle / "weights.pt")


def load_weights(bundle: Path) -> Decode:
    """The PyTorch network of a bundle."""
    content = torch.load(bundle / "weights.pt", map_location="cpu", weights_only=True)
    model = Decode(Architecture(**content["architecture"]))
    model.load_state_dict(content["weights"])
    return model.eval()


def run_split(bundle: Path, *, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Output [N, 10, H, W] of windows [N, 3, H, W] through frame.onnx and context.onnx in ONNX Runtime."""
    frame, context = _session(bundle / "frame.onnx"), _session(bundle / "context.onnx")
    parts = [frame.run(None, {"frame": frames[:, i : i + 1]})[0] for i in range(3)]
    out: NDArray[np.float32] = context.run(None, dict(zip(("previous", "this", "next"), parts, strict=True)))[0]
    return out


def run_single(bundle: Path, *, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Output [N, 10, H, W] of windows [N, 3, H, W] through model.onnx in ONNX Runtime."""
    out: NDArray[np.float32] = _session(bundle / "model.onnx").run(None, {"frames": frames})[0]
    return out


def check_agreement(model: Decode, *, split: Path, single: Path, ranges: Ranges, scales: Scales) -> float:
    """Largest difference of split and single graphs to PyTorch on simulated frames; raises above ``AGREEMENT``.

    The frames come from the ranges of the training. On noise that no camera makes, a trained network
    saturates and even PyTorch in fp32 differs from itself in fp64 by 1e-3.
    """
    worst = 0.0
    generator = torch.Generator().manual_seed(3)
    for windows, height, width in ((8, 64, 64), (16, 40, 72), (8, 8, 136)):
        scene = draw_scene(ranges, sequences=windows, generator=generator)
        recording = simulate(scene, frames=3, height=height, width=width, generator=generator)
        frames = scales.to_input(recording.photons)
        with torch.no_grad():
            expected = model(frames).numpy()
        for actual in (run_split(split, frames=frames.numpy()), run_single(single, frames=frames.numpy())):
            worst = max(worst, float(np.abs(actual - expected).max()))
    if not worst <= AGREEMENT:
        raise ValueError(f"ONNX Runtime differs from PyTorch by {worst:.2e}, allowed {AGREEMENT:.0e}")
    return worst


def measure_halo_px(architecture: Architecture) -> int:
    """Receptive radius, exactly: NaN in one pixel marks every output it reaches. All grid alignments are tried."""
    model = Decode(architecture).double().eval()
    size, middle = 160, 80
    radius = 0
    for shift in range(architecture.grid_px):
        frames = torch.zeros(1, 3, size, size, dtype=torch.float64)
        frames[:, :, middle + shift, middle + shift] = torch.nan
        with torch.no_grad():
            reached = torch.isnan(model(frames)[0]).any(dim=0).nonzero()
        radius = max(radius, int((reached - (middle + shift)).abs().max()))
    return radius


def mflop_per_px(model: Decode) -> float:
    """Multiplications and additions of all convolutions per camera pixel: one frame pass and one context pass."""
    total = 0
    size = 64

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += 2 * layer.weight[0].numel() * output.numel()

    hooks = [layer.register_forward_hook(count) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        features = model.frame(torch.zeros(1, 1, size, size))
        model.context(features, features, features)
    for hook in hooks:
        hook.remove()
    return total / size**2 / 1e6


def write_bundle(*, content: dict[str, Any], files: list[str], bundle: Path) -> None:
    """Adds the checksums of ``files`` to the card and writes it."""
    card.write({**content, "sha256": {name: card.sha256(bundle / name) for name in files}}, bundle=bundle)


def fresh_folder(bundle: Path) -> None:
    """An empty folder; refuses to delete one that is not a bundle."""
    if bundle.exists() and any(bundle.iterdir()) and not (bundle / card.NAME).exists():
        raise ValueError(f"{bundle} is not empty and holds no {card.NAME}")
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)


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


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
