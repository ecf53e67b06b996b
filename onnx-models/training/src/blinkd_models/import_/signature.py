"""What an ONNX file declares: inputs, output, sizes, operators.

Comes in: a file. Goes out: the graph and its signature. Never: runs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, shape_inference

from blinkd_models.bundle import MAX_FILE_BYTES
from blinkd_models.network import CHANNELS

OPSETS = (11, 25)
DOMAINS = ("", "ai.onnx", "com.microsoft")
REFUSED = {
    "Loop": "unroll it", "Scan": "unroll it", "If": "export with a fixed choice",
    "RandomNormal": "export in evaluation mode", "RandomNormalLike": "export in evaluation mode",
    "RandomUniform": "export in evaluation mode", "RandomUniformLike": "export in evaluation mode",
    "Multinomial": "export in evaluation mode", "Bernoulli": "export in evaluation mode",
}  # fmt: skip


class BadGraphError(ValueError):
    """An ONNX file cannot become a bundle; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """``batch`` and ``size`` (rows, columns) None: any."""

    input: str
    output: str
    window_frames: int
    batch: int | None
    size: tuple[int, int] | None
    opset: int


def load(path: Path) -> onnx.ModelProto:
    """The graph of a file that is small enough, whole, and needs no other file."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BadGraphError(f"{path} has {size >> 20} MiB; a bundle's file has at most {MAX_FILE_BYTES >> 20}")
        graph = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise BadGraphError(f"{path} is not an ONNX file, or is cut short; export it again") from error
    except OSError as error:
        raise BadGraphError(f"{path}: {error.strerror}; name the ONNX file") from error
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in graph.graph.initializer):
        raise BadGraphError(f"{path} keeps weights in another file; save it with save_as_external_data=False")
    try:
        onnx.checker.check_model(graph, full_check=True)
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BadGraphError(f"{path} is not a valid ONNX graph: {reason}") from error
    return graph


def signature(graph: onnx.ModelProto, *, file: Path) -> Signature:
    """What the graph declares, or every reason why it does not fit."""
    problems: list[str] = []
    constants = {tensor.name for tensor in graph.graph.initializer}
    inputs = [value for value in graph.graph.input if value.name not in constants]
    opset = _opset(graph, problems)
    _check_operators(graph, problems)
    if len(inputs) != 1:
        names = [value.name for value in inputs]
        problems.append(f"it has the inputs {names} where one is needed, [n, 3, h, w]; concatenate them on channels")
    if len(graph.graph.output) != 1:
        names = [value.name for value in graph.graph.output]
        problems.append(f"it has the outputs {names} where one is needed, [n, 10, h, w]; concatenate them on channels")
    ends = [_dims(value, problems) for value in (*inputs[:1], *graph.graph.output[:1])]
    if problems:
        raise BadGraphError(f"{file}: " + "; ".join(problems))
    frames, channels = ends[0], ends[1]
    if frames[1] not in (1, 3):
        problems.append(
            f"{inputs[0].name!r} has {frames[1] or 'any'} channels; 3 (previous, this, next) or 1 is needed"
        )
    if channels[1] not in (len(CHANNELS), None):
        problems.append(
            f"{graph.graph.output[0].name!r} has {channels[1]} channels; 10 are needed: {', '.join(CHANNELS)}"
        )
    if frames[0] not in (None, 1):
        problems.append(f"{inputs[0].name!r} has a fixed batch of {frames[0]}; export it with a dynamic one, or 1")
    if (frames[2] is None) != (frames[3] is None):
        problems.append(f"{inputs[0].name!r} fixes one side of the frames; fix both or none")
    if problems:
        raise BadGraphError(f"{file}: " + "; ".join(problems))
    fixed = None if frames[2] is None or frames[3] is None else (frames[2], frames[3])
    return Signature(
        input=inputs[0].name,
        output=graph.graph.output[0].name,
        window_frames=frames[1] or 0,
        batch=frames[0],
        size=fixed,
        opset=opset,
    )


def rename(graph: onnx.ModelProto, shape: Signature) -> None:
    """The names that the daemon asks for: frames and output."""
    wanted = {shape.input: "frames", shape.output: "output"}
    inner = {name for node in graph.graph.node for name in node.output} - {shape.output}
    if inner & {"frames", "output"}:
        wanted |= {name: f"inner_{name}" for name in inner & {"frames", "output"}}
    for node in graph.graph.node:
        node.input[:] = [wanted.get(name, name) for name in node.input]
        node.output[:] = [wanted.get(name, name) for name in node.output]
    for value in (*graph.graph.input, *graph.graph.output, *graph.graph.value_info):
        value.name = wanted.get(value.name, value.name)


def precision(graph: onnx.ModelProto) -> str:
    """In the card's words: what the inside computes in."""
    if any(node.op_type in ("QuantizeLinear", "QLinearConv", "ConvInteger") for node in graph.graph.node):
        return "int8"
    half = any(tensor.data_type == TensorProto.FLOAT16 for tensor in graph.graph.initializer)
    return "fp16" if half else "fp32"


def mflop_per_px(graph: onnx.ModelProto, shape: Signature, *, grid_px: int) -> float:
    """Multiplications and additions of all convolutions per camera pixel; 0 where shapes cannot be told."""
    side = shape.size or (8 * grid_px, 8 * grid_px)
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    for dim, value in zip(copy.graph.input[0].type.tensor_type.shape.dim, (1, shape.window_frames, *side), strict=True):
        dim.dim_value = value
    inferred = shape_inference.infer_shapes(copy, data_prop=True).graph
    sizes = {value.name: _plain_dims(value) for value in (*inferred.value_info, *inferred.output)}
    weights = {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    total = 0
    for node in (node for node in inferred.node if node.op_type == "Conv"):
        out, kernel = sizes.get(node.output[0]), weights.get(node.input[1])
        if out is None or kernel is None or any(side is None for side in out):
            return 0.0
        total += 2 * math.prod(side or 0 for side in out[1:]) * math.prod(kernel[1:])
    return total / (side[0] * side[1]) / 1e6


def _opset(graph: onnx.ModelProto, problems: list[str]) -> int:
    versions = {entry.domain: entry.version for entry in graph.opset_import}
    opset = int(versions.get("", versions.get("ai.onnx", 0)))
    if not OPSETS[0] <= opset <= OPSETS[1]:
        problems.append(f"its opset is {opset} where {OPSETS[0]} to {OPSETS[1]} is supported; export with opset 17")
    return opset


def _check_operators(graph: onnx.ModelProto, problems: list[str]) -> None:
    for node in graph.graph.node:
        if node.domain not in DOMAINS:
            problems.append(f"operator {node.op_type} of {node.domain!r} is not ONNX's own; export without it")
        elif node.op_type in REFUSED:
            problems.append(f"operator {node.op_type} is not supported; {REFUSED[node.op_type]}")


def _dims(value: Any, problems: list[str]) -> list[int | None]:
    """Four dimensions of f32; None for a free one."""
    tensor = value.type.tensor_type
    if tensor.elem_type != TensorProto.FLOAT:
        kind = TensorProto.DataType.Name(tensor.elem_type) if tensor.elem_type else "no tensor"
        problems.append(f"{value.name!r} is {kind}; f32 is needed: cast it inside the graph")
    dims = _plain_dims(value)
    if len(dims) != 4:
        problems.append(f"{value.name!r} has {len(dims)} dimensions; four are needed: [n, channels, h, w]")
        return [None] * 4
    return dims


def _plain_dims(value: Any) -> list[int | None]:
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in value.type.tensor_type.shape.dim]
