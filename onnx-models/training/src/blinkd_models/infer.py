"""The PyTorch reference of inference: ADU in, localizations out. The daemon must agree with it.

Comes in: a bundle and a burst of frames. Goes out: network output, and localizations in the daemon's
convention (x along columns, y along rows, pixel centres at integers of the original frame, frames from 0).
Never: trains.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from blinkd_models.network import Decode
from blinkd_models.target import Scales

COLUMNS = (
    "frame", "x_px", "y_px", "z_nm", "photons", "background",
    "sigma_x_px", "sigma_y_px", "sigma_z_nm", "sigma_photons", "probability",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PostProcess:
    """Thresholds of spatial integration; the defaults are the paper's.

    ``raw_th`` set: the published code's variant, in which one number is both candidate and final threshold.
    """

    candidate: float = 0.3
    second: float = 0.6
    accept: float = 0.7
    raw_th: float | None = None


@dataclass(frozen=True, kw_only=True)
class Localizations:
    """One entry per localization, all [L]; the fields are :data:`COLUMNS`."""

    frame: Tensor
    x_px: Tensor
    y_px: Tensor
    z_nm: Tensor
    photons: Tensor
    background: Tensor
    sigma_x_px: Tensor
    sigma_y_px: Tensor
    sigma_z_nm: Tensor
    sigma_photons: Tensor
    probability: Tensor

    def __len__(self) -> int:
        return int(self.frame.numel())

    def where(self, keep: Tensor) -> Localizations:
        """Those chosen by a mask or an index."""
        return Localizations(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})


def integrate(p: Tensor, *, post: PostProcess) -> tuple[Tensor, Tensor]:
    """Spatial integration of p [N, H, W]: the kept pixels (mask) and their integrated probability, both [N, H, W]."""
    threshold = post.candidate if post.raw_th is None else post.raw_th
    p = p[:, None]
    clipped = torch.where(p > threshold, p, 0.0)
    peak = p == functional.max_pool2d(clipped, 3, stride=1, padding=1)
    if post.raw_th is None:
        peak = peak & (p > threshold)
    plus = torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]], device=p.device)[None, None]
    around = functional.conv2d(p, plus, padding=1)
    second = (p * ~peak) > post.second
    total = (around * (peak | second)).clamp(0.0, 1.0)
    kept = total > post.accept if post.raw_th is None else total >= post.raw_th
    return kept[:, 0], total[:, 0]


def pad_to_grid(frames: Tensor, *, grid_px: int) -> Tensor:
    """[T, H, W] repeated at the right and bottom edge up to a multiple of ``grid_px``."""
    height, width = frames.shape[-2:]
    pads = (0, -width % grid_px, 0, -height % grid_px)
    padded: Tensor = functional.pad(frames[:, None], pads, mode="replicate")[:, 0]
    return padded


@torch.no_grad()
def predict(model: Decode, *, photons: Tensor, scales: Scales, grid_px: int, batch: int = 64) -> Tensor:
    """Raw output [T, 10, h, w] of a burst of frames [T, H, W] in photons; h and w are padded to the grid."""
    frames = pad_to_grid(scales.to_input(photons.float()), grid_px=grid_px)[:, None]
    features = torch.cat([model.frame(part) for part in torch.split(frames, batch)])
    time = torch.arange(len(frames), device=frames.device)
    before, after = (time - 1).clamp(min=0), (time + 1).clamp(max=len(frames) - 1)
    parts = [model.context(features[before[i]], features[i], features[after[i]]) for i in torch.split(time, batch)]
    return torch.cat(parts)


def localize(output: Tensor, *, scales: Scales, post: PostProcess, height: int, width: int) -> Localizations:
    """Localizations of raw output [T, 10, h, w]; the padding beyond height and width is cut off first.

    Ordered by frame, then row by row.
    """
    output = output[:, :, :height, :width]
    kept, probability = integrate(output[:, 0], post=post)
    frame, row, col = torch.nonzero(kept, as_tuple=True)
    at = output[frame, :, row, col]
    return Localizations(
        frame=frame,
        x_px=col + at[:, 3],
        y_px=row + at[:, 2],
        z_nm=at[:, 4] * scales.z_nm,
        photons=at[:, 1] * scales.photons,
        background=at[:, 9] * scales.background,
        sigma_x_px=at[:, 7],
        sigma_y_px=at[:, 6],
        sigma_z_nm=at[:, 8] * scales.z_nm,
        sigma_photons=at[:, 5] * scales.photons,
        probability=probability[frame, row, col],
    )


def write_csv(localizations: Localizations, *, path: Path) -> None:
    """Writes :data:`COLUMNS`, one line per localization."""
    columns = [getattr(localizations, name).tolist() for name in COLUMNS]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for frame, *values in zip(*columns, strict=True):
            writer.writerow([frame, *(f"{value:.6g}" for value in values)])


def read_csv(path: Path) -> Localizations:
    """Reads what :func:`write_csv` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {name: torch.tensor([float(row[name]) for row in rows]) for name in COLUMNS}
    values["frame"] = values["frame"].long()
    return Localizations(**values)
