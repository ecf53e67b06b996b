"""int8 inside one ONNX graph.

Comes in: an fp32 graph and typical inputs. Goes out: the same graph, quantized statically: per channel, unsigned
activations. Never: touches the convolution that sees the camera's frame, or the last ones and all after them.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import onnx

from blinkd_models.graphs import Array

OPERATORS = ("Conv", "Concat", "Resize", "DepthToSpace", "Mul", "Add", "Sigmoid", "Relu", "LeakyRelu", "MaxPool")
PERCENTILE = 99.99


def quantize_graph(path: Path, *, to: Path, feeds: list[dict[str, Array]], scratch: Path) -> None:
    """Writes the graph at ``path`` with int8 inside ``to``; ``feeds``: inputs from which the ranges are taken."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Feeds(quantization.CalibrationDataReader):  # type: ignore[misc]
        """ONNX Runtime asks for one after the other."""

        def __init__(self) -> None:
            self.rest = iter(feeds)

        def get_next(self) -> dict[str, Array] | None:
            return next(self.rest, None)

    prepared = scratch / path.name
    with _quiet():
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(prepared)
        quantization.quantize_static(
            str(prepared),
            str(to),
            Feeds(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.Percentile,
            op_types_to_quantize=list(OPERATORS),
            nodes_to_exclude=_first(graph) + (_last(graph) if _ends(graph) else []),
            extra_options={"CalibPercentile": PERCENTILE},
        )


def _ends(graph: onnx.ModelProto) -> bool:
    """Whether this is the graph that gives the ten channels."""
    return any(value.name == "output" for value in graph.graph.output)


def _first(graph: onnx.ModelProto) -> list[str]:
    """The convolutions that see camera frames: their range is far wider than eight bits."""
    seen = {value.name for value in graph.graph.input if value.name in ("frame", "frames")}
    found = []
    for node in graph.graph.node:
        if node.input and node.input[0] in seen:
            found.append(node.name)
            if node.op_type != "Conv":
                seen |= set(node.output)
    return found


def _last(graph: onnx.ModelProto) -> list[str]:
    """Everything after the last convolutions, and these."""
    makers = {output: node for node in graph.graph.node for output in node.output}
    waiting, found = [value.name for value in graph.graph.output], dict[str, None]()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in found:
            continue
        found[node.name] = None
        if node.op_type != "Conv":
            waiting += node.input
    return list(found)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """ONNX Runtime's quantizer prints its progress and warns of what was done on purpose."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
