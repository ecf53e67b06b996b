"""What a bundle costs to run.

Comes in: a bundle. Goes out: parameters, operations per pixel, milliseconds per frame. Never: uses two threads.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from blinkd_models.evaluate.runner import Network, of_bundle

SIDE_PX = 128
WARM_UP, REPEATS = 2, 15


@dataclass(frozen=True, kw_only=True)
class Cost:
    """parameters: numbers in the graphs' weights. mflop_per_px: of the card. ms_per_frame: median processor time of
    one thread of ONNX Runtime for one new frame of 128 x 128 pixels, both graphs."""

    parameters: int
    mflop_per_px: float
    ms_per_frame: float
    bytes_on_disk: int


def measure_cost(bundle: Path, *, content: dict[str, Any]) -> Cost:
    """Runs one frame at a time."""
    graphs = content["graphs"]
    files = [bundle / graphs[name] for name in ("frame", "context", "model") if name in graphs]
    return Cost(
        parameters=sum(_parameters(path) for path in files),
        mflop_per_px=content["network"]["mflop_per_px"],
        ms_per_frame=frame_ms(of_bundle(bundle).network),
        bytes_on_disk=sum(path.stat().st_size for path in files),
    )


def frame_ms(network: Network) -> float:
    """Median processor milliseconds of this thread for one new frame: the frame graph once, the context graph once."""
    generator = torch.Generator().manual_seed(0)
    frame = torch.randn(1, 1, SIDE_PX, SIDE_PX, generator=generator)
    spent = []
    for _ in range(WARM_UP + REPEATS):
        # The thread's own time, because other programs may share the machine.
        start = time.thread_time()
        features = network.frame(frame)
        network.context(features, features, features)
        spent.append(time.thread_time() - start)
    return 1e3 * float(np.median(spent[WARM_UP:]))


def _parameters(path: Path) -> int:
    """Floating or integer numbers in the initializers that are more than a scalar."""
    graph = onnx.load(path).graph
    return sum(int(np.prod(weight.dims)) for weight in graph.initializer if len(weight.dims))
