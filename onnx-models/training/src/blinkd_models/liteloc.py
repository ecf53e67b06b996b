"""The network of LiteLoc (Li lab, SUSTech), split where the frames meet, with DECODE's ten outputs.

Comes in: frames in the camera counts of its training. Goes out: as :mod:`blinkd_models.network`; no background (0).
Never: knows photons or nanometres.

LiteLoc's own outputs are p, (x, y, z, photons) and a spread s of each, x along columns. Its loss compares the absolute
error with 2 s^2: -|d| / (2 s^2) - ln(s^2) / 2. At the minimum s^2 is the mean absolute error, and a Gaussian error of
that mean has the standard deviation sqrt(pi / 2) s^2, which is what goes out here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from blinkd_models.network import Architecture, Decode

LOGIT_LIMIT = 16.0
SPREAD_EPS = 0.001
SIGMA_PER_SQUARED_SPREAD = math.sqrt(math.pi / 2.0)
DILATIONS = (2, 4, 8, 16)


@dataclass(frozen=True, kw_only=True)
class LiteLocArchitecture(Architecture):
    """``features`` is the width of every layer, 64 as published; nothing else can be chosen."""

    features: int = 64
    activation: str = "relu"
    z: bool = True

    @property
    def grid_px(self) -> int:
        return 4

    @property
    def feature_maps(self) -> int:
        """Two maps of half the resolution, shuffled into full resolution."""
        return self.features // 2

    def leanest(self) -> LiteLocArchitecture:
        return LiteLocArchitecture(features=2)

    def as_dict(self) -> dict[str, int | str | bool]:
        return {"network": "liteloc", "features": self.features}


class Block(nn.Module):
    """3 x 3 convolution, ReLU, batch norm, in this order."""

    def __init__(self, channels_in: int, channels_out: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=dilation, dilation=dilation)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(functional.relu(self.conv(x)))
        return out


class LiteLocFrame(nn.Module):
    """[N, 1, H, W] to the features [N, 32, H, W] (both maps of half the resolution), once per camera frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.counts = nn.BatchNorm2d(1)
        self.stem = Block(1, width)
        self.first = Block(width, width)
        self.refine = nn.ModuleList(Block(2 * width, width) for _ in range(2))

    def forward(self, frame: Tensor) -> Tensor:
        image = functional.max_pool2d(self.stem(self.counts(frame)), 2)
        found = self.first(image)
        for refine in self.refine:
            found = refine(torch.cat([found, image], dim=1)) + found
        return functional.pixel_shuffle(torch.cat([found, image], dim=1), 2)


class LiteLocContext(nn.Module):
    """Features of three frames, each [N, 32, H, W], to the middle one's output [N, 10, H, W]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.join = Block(4 * width, width)
        self.coarse = nn.ModuleList(Block(2 * width, width, dilation=dilation) for dilation in DILATIONS)
        self.into = Block(2 * width, width)
        self.middle = nn.Sequential(Block(width, width), Block(width, 2 * width), Block(2 * width, 2 * width))
        self.rise = Block(2 * width, width)
        self.fine = nn.Sequential(Block(2 * width, width), Block(width, width))
        self.full = nn.Sequential(Block(width, width), Block(width, width))
        self.bodies = nn.ModuleList(nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ELU()) for _ in range(3))
        self.outs = nn.ModuleList(nn.Conv2d(width, size, 1) for size in (1, 4, 4))

    def forward(self, previous: Tensor, this: Tensor, following: Tensor) -> Tensor:
        maps = [functional.pixel_unshuffle(features, 2) for features in (previous, this, following)]
        before, found, after = (each[:, : self.width] for each in maps)
        image = maps[1][:, self.width :]
        x = self.join(torch.cat([before, found, after, image], dim=1)) + found
        x = self._coarse(x, image=image)
        half = self.into(torch.cat([x, image], dim=1))
        x = self.middle(functional.avg_pool2d(half, 2))
        x = self.rise(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        x = self.fine(torch.cat([x, half], dim=1))
        x = self.full(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self._outputs(x)

    def _coarse(self, x: Tensor, *, image: Tensor) -> Tensor:
        """Dilated convolutions; the last adds the results of the first and the third."""
        results: list[Tensor] = []
        for number, block in enumerate(self.coarse):
            step = block(torch.cat([x, image], dim=1))
            x = step + (results[0] + results[2] if number == len(DILATIONS) - 1 else x)
            results.append(x)
        return x

    def _outputs(self, x: Tensor) -> Tensor:
        """In DECODE's order and axes: their x is our y."""
        logit, mean, spread = (out(body(x)) for out, body in zip(self.outs, self.bodies, strict=True))
        col, row, z, photons = torch.split(mean, 1, dim=1)
        sigma = SIGMA_PER_SQUARED_SPREAD * (torch.sigmoid(spread) + SPREAD_EPS) ** 2
        sigma_col, sigma_row, sigma_z, sigma_photons = torch.split(sigma, 1, dim=1)
        p = torch.sigmoid(logit.clamp(-LOGIT_LIMIT, LOGIT_LIMIT))
        means = [torch.sigmoid(photons), torch.tanh(row), torch.tanh(col), torch.tanh(z)]
        return torch.cat([p, *means, sigma_photons, sigma_row, sigma_col, sigma_z, p * 0.0], dim=1)


class LiteLoc(Decode):
    """Both parts, with DECODE's interface: forward, windows, frame once and context per window."""

    def __init__(self, architecture: LiteLocArchitecture) -> None:
        nn.Module.__init__(self)
        self.architecture = architecture
        self.frame = LiteLocFrame(architecture.features)
        self.context = LiteLocContext(architecture.features)
