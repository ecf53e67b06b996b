"""``infer``: localizations of a stack, by the PyTorch reference."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blinkd_models import card, export
from blinkd_models.camera import Camera
from blinkd_models.infer import PostProcess, localize, predict, write_csv


def add(verbs: Any) -> None:
    infer = verbs.add_parser("infer", help="localizations of a stack, by the PyTorch reference")
    infer.add_argument("--bundle", type=Path, required=True)
    infer.add_argument("--stack", type=Path, required=True, help=".npy or .tif, frames first")
    infer.add_argument("--camera", default="", help="offset_adu=100,e_per_adu=0.5,qe=0.9,em_gain=1,spurious_e=0")
    infer.add_argument("--raw-th", type=float, help="use the published code's single threshold")
    infer.add_argument("--out", type=Path, required=True)
    infer.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    model, content = export.load_weights(arguments.bundle), card.read(arguments.bundle)
    scaling = card.scales(content)
    photons = _camera(arguments.camera).to_photons(_read_stack(arguments.stack))
    output = predict(model, photons=photons, scales=scaling, grid_px=content["network"]["grid_px"])
    post = card.post_process(content) if arguments.raw_th is None else PostProcess(raw_th=arguments.raw_th)
    height, width = photons.shape[-2:]
    found = localize(output, scales=scaling, post=post, height=height, width=width)
    write_csv(found, path=arguments.out)
    background, brightness = float(found.background.median()), float(found.photons.median())
    print(f"{len(found)} localizations in {len(photons)} frames, median photons {brightness:.0f} on {background:.1f}")
    return 0


def _camera(text: str) -> Camera:
    """``offset_adu=100,e_per_adu=0.5,...``"""
    return Camera(**{name: float(value) for name, value in (part.split("=") for part in text.split(",") if part)})


def _read_stack(path: Path) -> Tensor:
    """[T, H, W] from .npy or .tif."""
    if path.suffix == ".npy":
        return torch.from_numpy(np.load(path).astype(np.float32))
    import tifffile

    return torch.from_numpy(tifffile.imread(path).astype(np.float32))
