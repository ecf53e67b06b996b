"""Runs a bundle's ONNX graphs, the way the daemon does.

Comes in: a bundle folder, frames. Goes out: raw output. Never: post-processing, training.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from blinkd_models.infer import pad_to_grid
from blinkd_models.target import Scales

Array = NDArray[np.float32]
BATCH = 16

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def session(model: Path | bytes, *, threads: int = 1) -> Any:
    """An ONNX Runtime session on the CPU, of a file or its content."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )


@dataclass(frozen=True, kw_only=True)
class Graphs:
    """The open graphs of a bundle: ``frame`` and ``context``, or ``model`` alone."""

    window_frames: int
    grid_px: int
    batch: int = BATCH
    frame: Any = None
    context: Any = None
    model: Any = None

    @classmethod
    def open(cls, folder: Path, *, card: dict[str, Any], threads: int = 1) -> Graphs:
        """The graphs that the card names."""
        table, network = card["graphs"], card["network"]
        names = ("frame", "context") if table["kind"] == "split" else ("model",)
        opened = {name: session(folder / table[name], threads=threads) for name in names}
        return cls(window_frames=network["window_frames"], grid_px=network["grid_px"], **opened)

    def windows(self, frames: Array) -> Array:
        """Output [N, 10, H, W] of windows [N, window_frames, H, W] in network units."""
        if self.model is not None:
            return _run(self.model, frames=frames)
        parts = [_run(self.frame, frame=frames[:, i : i + 1]) for i in range(3)]
        return self._context(*parts)

    def one(self, frames: Array) -> Array:
        """The steady state of the daemon for one window [1, window_frames, H, W]: the neighbours' features are kept."""
        if self.model is not None:
            return _run(self.model, frames=frames)
        features = _run(self.frame, frame=frames[:, :1])
        return self._context(features, features, features)

    def predict(self, photons: Tensor, *, scales: Scales) -> Tensor:
        """Raw output [T, 10, h, w] of a burst [T, H, W] in photons; h and w are padded to the grid.

        Every frame passes the frame graph once; at the ends the missing neighbour is the frame itself.
        """
        frames = pad_to_grid(scales.to_input(photons.float()), grid_px=self.grid_px)[:, None].numpy()
        time = np.arange(len(frames))
        before, after = (time - 1).clip(min=0), (time + 1).clip(max=len(frames) - 1)
        outputs = []
        if self.model is None:
            features = np.concatenate([_run(self.frame, frame=frames[i : i + self.batch]) for i in time[:: self.batch]])
        for start in time[:: self.batch]:
            at = time[start : start + self.batch]
            if self.model is None:
                outputs.append(self._context(features[before[at]], features[at], features[after[at]]))
            elif self.window_frames == 1:
                outputs.append(_run(self.model, frames=frames[at]))
            else:
                window = np.concatenate([frames[before[at]], frames[at], frames[after[at]]], axis=1)
                outputs.append(_run(self.model, frames=window))
        return torch.from_numpy(np.concatenate(outputs))

    def _context(self, previous: Array, this: Array, following: Array) -> Array:
        return _run(self.context, previous=previous, this=this, next=following)


def _run(opened: Any, **inputs: Array) -> Array:
    out: Array = opened.run(None, {name: np.ascontiguousarray(value) for name, value in inputs.items()})[0]
    return out
