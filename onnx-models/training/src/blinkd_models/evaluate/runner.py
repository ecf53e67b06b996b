"""Runs a network on recordings: the PyTorch weights, or the graphs of a bundle as the daemon runs them.

Comes in: sequences of frames in photons. Goes out: raw output, or localizations as a ``Table``.
Never: judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from blinkd_models import card
from blinkd_models.evaluate.table import Table
from blinkd_models.graphs import session
from blinkd_models.infer import Localizations, PostProcess, localize, pad_to_grid
from blinkd_models.network import Decode
from blinkd_models.target import Scales

PASS_PX = 1 << 15
"""Pixels of one pass through the network; bounds the memory."""


class Network(Protocol):
    """Two parts of a network, on scaled frames whose sides fit the grid."""

    def frame(self, frames: Tensor) -> Tensor:
        """[N, 1, H, W] to features [N, C, H, W]."""
        ...

    def context(self, previous: Tensor, this: Tensor, following: Tensor) -> Tensor:
        """Features of three frames to the middle one's output [N, 10, H, W]."""
        ...


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A network with its units, thresholds and grid."""

    network: Network
    scales: Scales
    post: PostProcess
    grid_px: int

    @torch.no_grad()
    def outputs(self, photons: Tensor, *, alone: bool = False) -> Tensor:
        """Raw output [B * T, 10, H, W] of sequences [B, T, H, W].

        At the ends of a sequence the missing neighbour is the frame itself; with ``alone`` everywhere.
        """
        height, width = photons.shape[-2:]
        chunk = max(1, PASS_PX // photons[0].numel())
        parts = [self._windows(part, alone=alone)[:, :, :height, :width] for part in torch.split(photons, chunk)]
        return torch.cat(parts)

    def localize(self, photons: Tensor, *, alone: bool = False) -> Localizations:
        """Localizations of sequences [B, T, H, W]; frames are numbered through."""
        height, width = photons.shape[-2:]
        output = self.outputs(photons, alone=alone)
        return localize(output, scales=self.scales, post=self.post, height=height, width=width)

    def features(self, photons: Tensor) -> Tensor:
        """Features of single frames [N, H, W]."""
        return self.network.frame(pad_to_grid(self.scales.to_input(photons), grid_px=self.grid_px)[:, None])

    def _windows(self, photons: Tensor, *, alone: bool) -> Tensor:
        sequences, length = photons.shape[:2]
        features = self.features(photons.flatten(0, 1))
        time = torch.arange(length).repeat(sequences)
        this = torch.arange(sequences * length)
        step = 0 if alone else 1
        before, after = this - step * (time > 0), this + step * (time < length - 1)
        return self.network.context(features[before], features[this], features[after])


def of_model(model: Decode, *, scales: Scales, post: PostProcess, grid_px: int) -> Runner:
    """PyTorch weights."""
    return Runner(network=model, scales=scales, post=post, grid_px=grid_px)


def of_bundle(bundle: Path) -> Runner:
    """The graphs of a bundle in ONNX Runtime, one thread; units and thresholds from its card."""
    content = card.read(bundle)
    graphs = content["graphs"]
    network: Network
    if graphs["kind"] == "single":
        network = SingleGraph(bundle / graphs["model"])
    else:
        network = SplitGraphs(frame=bundle / graphs["frame"], context=bundle / graphs["context"])
    return Runner(
        network=network,
        scales=card.scales(content),
        post=card.post_process(content),
        grid_px=content["network"]["grid_px"],
    )


class SplitGraphs:
    """``frame.onnx`` and ``context.onnx``."""

    def __init__(self, *, frame: Path, context: Path) -> None:
        self.sessions = (session(frame), session(context))

    def frame(self, frames: Tensor) -> Tensor:
        return _call(self.sessions[0], [frames])

    def context(self, previous: Tensor, this: Tensor, following: Tensor) -> Tensor:
        return _call(self.sessions[1], [previous, this, following])


class SingleGraph:
    """``model.onnx``: its features are the frames themselves."""

    def __init__(self, model: Path) -> None:
        self.session = session(model)

    def frame(self, frames: Tensor) -> Tensor:
        return frames

    def context(self, previous: Tensor, this: Tensor, following: Tensor) -> Tensor:
        return _call(self.session, [torch.cat([previous, this, following], dim=1)])


def _call(graph: Any, inputs: list[Tensor]) -> Tensor:
    names = [given.name for given in graph.get_inputs()]
    values = [np.ascontiguousarray(value.numpy()) for value in inputs]
    return torch.from_numpy(graph.run(None, dict(zip(names, values, strict=True)))[0])


def table(found: Localizations, *, pixel_size_nm: float) -> Table:
    """Localizations in nm from the corner."""

    def array(values: Tensor, *, scale: float = 1.0, shift: float = 0.0) -> Any:
        return (values.numpy().astype(np.float64) + shift) * scale

    return Table(
        frame=found.frame.numpy(),
        x_nm=array(found.x_px, scale=pixel_size_nm, shift=0.5),
        y_nm=array(found.y_px, scale=pixel_size_nm, shift=0.5),
        z_nm=array(found.z_nm),
        photons=array(found.photons),
        background=array(found.background),
        sigma_x_nm=array(found.sigma_x_px, scale=pixel_size_nm),
        sigma_y_nm=array(found.sigma_y_px, scale=pixel_size_nm),
        sigma_z_nm=array(found.sigma_z_nm),
    )
