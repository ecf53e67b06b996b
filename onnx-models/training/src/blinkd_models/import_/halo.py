"""How far away an ONNX graph's output still depends on a pixel.

Comes in: a graph. Goes out: its receptive radius in pixels. Never: the numbers that the graph computes.

A pixel that is not a number marks all that depends on it. ONNX Runtime's activations and maxima swallow it, so a copy
of the graph has a sine for every activation (bounded, one pixel only) and a mean for every maximum (sees the same).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from blinkd_models.graphs import session
from blinkd_models.import_.signature import Signature

PROBE_PX = (192, 384, 768)
ACTIVATIONS = (
    "Celu", "Clip", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu", "Relu",
    "Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu",
)  # fmt: skip
POOL_ATTRIBUTES = ("auto_pad", "ceil_mode", "kernel_shape", "pads", "strides")


def measure_px(graph: onnx.ModelProto, shape: Signature, *, grid_px: int) -> int | None:
    """Largest distance over all grid alignments; None where it cannot be told: int8, fp16, to the border."""
    if any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in graph.graph.node):
        return None
    try:
        opened = session(_without_activations(graph).SerializeToString())
    except Exception:  # ONNX Runtime has a class of its own for every reason; no sine of fp16, for one
        return None
    for side in PROBE_PX:
        size = (side - side % grid_px,) * 2 if shape.size is None else shape.size
        radius = _reach_px(opened, frames=shape.window_frames, size=size, grid_px=grid_px)
        if radius is not None:
            return radius
    return None


def _reach_px(opened: Any, *, frames: int, size: tuple[int, int], grid_px: int) -> int | None:
    """Largest distance at which a pixel in the middle shows; None where it may lie beyond the border."""
    radius = 0
    for shift in range(grid_px):
        at = np.array([size[0] // 2 + shift, size[1] // 2 + shift])
        field = np.zeros((1, frames, *size), dtype=np.float32)
        field[:, :, at[0], at[1]] = np.nan
        reached = np.argwhere(np.isnan(opened.run(None, {"frames": field})[0]).any(axis=(0, 1)))
        if not len(reached):
            continue
        if (reached == 0).any() or (reached == np.array(size) - 1).any():
            return None
        radius = max(radius, int(np.abs(reached - at).max()))
    return radius


def _without_activations(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which nothing swallows what is not a number."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    for node in copy.graph.node:
        if node.op_type in ACTIVATIONS:
            node.op_type, node.domain = "Sin", ""
            node.input[:] = node.input[:1]
            del node.attribute[:]
        elif node.op_type == "MaxPool":
            kept = [attribute for attribute in node.attribute if attribute.name in POOL_ATTRIBUTES]
            del node.attribute[:]
            node.op_type = "AveragePool"
            node.attribute.extend(kept)
    del copy.graph.value_info[:]
    return copy
