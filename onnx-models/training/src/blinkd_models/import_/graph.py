"""Any ONNX graph with DECODE's ten outputs into a bundle.

Comes in: an ONNX file, and a small TOML with what it does not say. Goes out: a bundle of one graph.
Never: changes what the graph computes; trusts that it does what it declares without running it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from blinkd_models import card, golden
from blinkd_models.bundle import finish, writing
from blinkd_models.graphs import Graphs
from blinkd_models.import_.fields import BadParametersError, Fields
from blinkd_models.import_.graph_options import TEMPLATE, GraphOptions, read
from blinkd_models.import_.halo import measure_px
from blinkd_models.import_.signature import BadGraphError, Signature, load, mflop_per_px, precision, rename, signature
from blinkd_models.network import CHANNELS
from blinkd_models.simulate import draw_scene, simulate

__all__ = ["TEMPLATE", "bring"]

FILE = "model.onnx"


def bring(model: Path, *, options: Path, bundle: Path) -> str:
    """Writes the bundle; returns one line on what was found."""
    graph = load(model)
    given = read(Fields.read(options))
    shape = signature(graph, file=model)
    rename(graph, shape)
    with writing(bundle) as folder:
        onnx.save(graph, folder / FILE)
        content = _content(graph, name=bundle.name, given=given, shape=shape)
        try:
            graphs = replace(Graphs.open(folder, card=content), batch=1 if shape.batch == 1 else 16)
        except Exception as error:  # ONNX Runtime has a class of its own for every reason
            reason = " ".join(str(error).split())[:300]
            raise BadGraphError(f"{model} does not open in ONNX Runtime: {reason}") from error
        _try(graphs, given=given, shape=shape, file=model)
        content["network"]["halo_px"] = _halo_px(graph, given=given, shape=shape, file=options)
        content["golden"] = golden.write(
            predict=partial(_predict, graphs, given=given), bundle=folder, purpose=given.purpose, cases=_cases(shape)
        )
        finish(content, files=[FILE], folder=folder)
    size = "any size" if shape.size is None else f"only {shape.size[0]} x {shape.size[1]} px"
    return (
        f"opset {shape.opset}, {shape.window_frames} frames in, {size}, {content['graphs']['precision']}, "
        f"halo {content['network']['halo_px']} px; golden files by the graph itself"
    )


def _content(graph: onnx.ModelProto, *, name: str, given: GraphOptions, shape: Signature) -> dict[str, Any]:
    """The card, without halo, golden files and checksums."""
    made_for = given.purpose
    if shape.size is not None:
        only = f"{made_for.description} Takes frames of {shape.size[0]} x {shape.size[1]} px (rows, columns) only."
        made_for = replace(made_for, description=only)
    return {
        "schema": 1,
        "name": name,
        "version": "1",
        "engine": "decode",
        "description": made_for.description,
        "licence": made_for.licence,
        "graphs": {"kind": "single", "model": FILE, "precision": precision(graph)},
        "sha256": {},
        "network": {
            "window_frames": shape.window_frames,
            "features": 0,
            "halo_px": 0,
            "grid_px": given.grid_px,
            "mflop_per_px": round(mflop_per_px(graph, shape, grid_px=given.grid_px), 4),
        },
        **card.tables(made_for),
    }


def _predict(graphs: Graphs, photons: Tensor, *, given: GraphOptions) -> Tensor:
    return graphs.predict(photons, scales=given.purpose.scales)


def _cases(shape: Signature) -> dict[str, tuple[int, int]]:
    return golden.CASES if shape.size is None else {"": shape.size}


def _try(graphs: Graphs, *, given: GraphOptions, shape: Signature, file: Path) -> None:
    """Runs the graph on simulated frames of two sizes; what comes out must look like DECODE's channels."""
    grid = given.grid_px
    sizes = [(5 * grid, 9 * grid), (8 * grid, 4 * grid)] if shape.size is None else [shape.size]
    if shape.size is not None and (shape.size[0] % grid or shape.size[1] % grid):
        raise BadGraphError(f"{file} takes {shape.size} px, which is no multiple of network.grid_px = {grid}")
    generator = torch.Generator().manual_seed(1)
    for height, width in sizes:
        scene = draw_scene(given.purpose.ranges, sequences=1, generator=generator)
        photons = simulate(scene, frames=shape.window_frames, height=height, width=width, generator=generator).photons
        frames = given.purpose.scales.to_input(photons).numpy()
        try:
            output = graphs.windows(frames)
        except Exception as error:  # as above
            reason = " ".join(str(error).split())[:300]
            raise BadGraphError(f"{file} fails on {height} x {width} px, a multiple of {grid}: {reason}") from error
        if output.shape != (1, len(CHANNELS), height, width) or output.dtype != np.float32:
            wanted = f"[1, {len(CHANNELS)}, {height}, {width}]"
            raise BadGraphError(f"{file} gives {list(output.shape)} of {output.dtype} where f32 {wanted} is needed")
        _check_values(output[0], file=file)


def _check_values(output: Any, *, file: Path) -> None:
    """The non-linearities must be inside: p, photons and background not negative, sigmas above 0, all finite."""
    limits = {"p": (0.0, 1.0), "photons": (0.0, 2.0), "background": (0.0, np.inf), "x": (-2.0, 2.0), "y": (-2.0, 2.0)}
    limits |= {name: (1e-9, 1e3) for name in CHANNELS if name.endswith("_sigma")}
    for name, values in zip(CHANNELS, output, strict=True):
        low, high = limits.get(name, (-np.inf, np.inf))
        if not (np.isfinite(values).all() and low <= values.min() and values.max() <= high):
            raise BadGraphError(
                f"{file}: channel {name!r} runs from {values.min():.3g} to {values.max():.3g} where {low:g} to "
                f"{high:g} is expected; the channels are {', '.join(CHANNELS)}, non-linearities inside the graph"
            )


def _halo_px(graph: onnx.ModelProto, *, given: GraphOptions, shape: Signature, file: Path) -> int:
    """How far the graph sees, or what the person says if that is more."""
    measured = measure_px(graph, shape, grid_px=given.grid_px)
    if given.halo_px is None and measured is None:
        raise BadParametersError(f"{file}: network.halo_px is needed; how far the graph sees cannot be measured")
    if given.halo_px is not None and measured is not None and given.halo_px < measured:
        raise BadParametersError(f"{file}: network.halo_px is {given.halo_px}, but a pixel is seen {measured} px away")
    return given.halo_px if given.halo_px is not None else int(measured or 0)
