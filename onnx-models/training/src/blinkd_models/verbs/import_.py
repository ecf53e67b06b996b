"""``import``: bundles from networks that others trained."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models import export
from blinkd_models.import_ import decode, graph, liteloc
from blinkd_models.import_.decode_purpose import Options


def add(verbs: Any) -> None:
    top = verbs.add_parser("import", help="bundle of a network that others trained: decode, liteloc, onnx")
    kinds = top.add_subparsers(dest="kind", required=True)
    published = kinds.add_parser("decode", help="published DECODE weights, model_*.pt with their param_run.yaml")
    published.add_argument("--weights", type=Path, required=True, help="model_*.pt, or the folder: the newest is taken")
    published.add_argument("--param", type=Path, required=True, help="param_run.yaml of the same training")
    published.add_argument(
        "--raw-th", type=float, help="DECODE's single threshold (its notebook: 0.1); paper's if absent"
    )
    published.set_defaults(call=run, load=_decode)
    lite = kinds.add_parser("liteloc", help="a state dict of LiteLoc with its train_params.yaml")
    lite.add_argument("--weights", type=Path, required=True, help="saved from model.network.state_dict()")
    lite.add_argument("--param", type=Path, required=True, help="train_params.yaml of the same training")
    lite.add_argument("--pixel-size-nm", type=float, help="needed where the PSF was a spline")
    lite.set_defaults(call=run, load=_liteloc)
    for kind in (published, lite):
        kind.add_argument("-o", "--out", type=Path, required=True, help="the bundle's folder; its name is the model's")
        kind.add_argument("--pixel-tolerance", type=float, default=0.1, help="part of the pixel size that may differ")
        kind.add_argument("--licence", default="that of the weights' owner")
    graph_kind = kinds.add_parser("onnx", help="a graph of three frames (or one) and ten channels")
    graph_kind.add_argument("--model", type=Path, help="the ONNX file")
    graph_kind.add_argument("--card-from", type=Path, help="what the graph does not say, as --describe prints it")
    graph_kind.add_argument("--describe", action="store_true", help="print a template for --card-from")
    graph_kind.add_argument("-o", "--out", type=Path, help="the bundle's folder; its name is the model's")
    graph_kind.set_defaults(call=run_onnx)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    try:
        if not 0.0 < arguments.pixel_tolerance < 1.0:
            raise ValueError(f"--pixel-tolerance is {arguments.pixel_tolerance:g}; it must be between 0 and 1")
        weights, model, purpose = arguments.load(arguments)
        worst = export.write(model, bundle=arguments.out, purpose=purpose)
    except ValueError as error:
        print(f"import {arguments.kind}: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.out}: {weights}, SHA-1 {purpose.training['weights_sha1']}")
    print(f"{purpose.description} ONNX Runtime agrees with PyTorch to {worst:.1e}")
    return 0


def run_onnx(arguments: argparse.Namespace) -> int:
    if arguments.describe:
        print(graph.TEMPLATE, end="")
        return 0
    try:
        for name in ("model", "card_from", "out"):
            if getattr(arguments, name) is None:
                raise ValueError(f"--{name.replace('_', '-')} is missing; --describe prints what --card-from needs")
        said = graph.bring(arguments.model, options=arguments.card_from, bundle=arguments.out)
    except ValueError as error:
        print(f"import onnx: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.out}: {said}")
    return 0


def _decode(arguments: argparse.Namespace) -> Any:
    weights = decode.newest(arguments.weights) if arguments.weights.is_dir() else arguments.weights
    if arguments.raw_th is not None and not 0.0 < arguments.raw_th < 1.0:
        raise ValueError(f"--raw-th is {arguments.raw_th:g}; it must be between 0 and 1")
    options = Options(pixel_tolerance=arguments.pixel_tolerance, raw_th=arguments.raw_th, licence=arguments.licence)
    return weights, *decode.load(weights, param=arguments.param, options=options)


def _liteloc(arguments: argparse.Namespace) -> Any:
    options = liteloc.Options(
        pixel_size_nm=arguments.pixel_size_nm, pixel_tolerance=arguments.pixel_tolerance, licence=arguments.licence
    )
    return arguments.weights, *liteloc.load(arguments.weights, param=arguments.param, options=options)
