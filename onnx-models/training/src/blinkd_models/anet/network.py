"""A-net: a U-Net with a structure switch, its low-resolution estimator and its discriminator.

Comes in: counts, widefield, switch and mask. Goes out: a picture of 0 to 1. Never: a loss, a window's place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["instance", "none"]
InputNorm = Literal["image", "fixed"]

WIDEFIELD_FLOOR = 50.0
"""Smallest range of a widefield image, ADU, that is stretched to the full range ("image")."""


@dataclass(frozen=True, kw_only=True)
class AnetArchitecture:
    """Shape of the generator; the published one is ``features`` 64, ``depth`` 8, ``most`` 512, "instance" and "image".

    norm: "instance" is what the published batch norm does, which uses each picture's own statistics also in use, so
    that what a window shows depends on everything in it. "none": a pixel depends on its neighbourhood alone.
    input_norm: "image" standardizes the counts of the window and stretches its widefield; "fixed" takes log(1 + counts)
    and a widefield of 0 to 1 as they are.
    """

    features: int = 24
    depth: int = 6
    most: int = 192
    norm: Norm = "none"
    input_norm: InputNorm = "fixed"
    dropout: float = 0.0
    discriminator_features: int = 16

    @property
    def grid_px(self) -> int:
        """Sides of a window are multiples of this."""
        return int(2**self.depth)

    @property
    def widths(self) -> list[int]:
        """Features of each encoder."""
        return [min(self.features * 2**level, self.most) for level in range(self.depth)]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


PUBLISHED = AnetArchitecture(
    features=64, depth=8, most=512, norm="instance", input_norm="image", dropout=0.5, discriminator_features=64
)


class Encoder(nn.Module):
    """4 x 4 convolution of stride 2; the switch adds to each feature."""

    def __init__(self, inputs: int, outputs: int, *, first: bool, norm: bool) -> None:
        super().__init__()
        self.first = first
        self.convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
        self.switch = nn.Conv2d(1, outputs, 1)
        self.norm: nn.Module = nn.InstanceNorm2d(outputs, affine=True) if norm else nn.Identity()

    def forward(self, features: Tensor, control: Tensor) -> Tensor:
        """[N, C, H, W] and [N, 1, 1, 1] to [N, outputs, H/2, W/2]."""
        if not self.first:
            features = functional.leaky_relu(features, 0.2)
        out: Tensor = self.norm(self.convolution(features) + self.switch(control))
        return out


class Decoder(nn.Module):
    """Twice as large by repetition, then 3 x 3."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool, dropout: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm: nn.Module = nn.InstanceNorm2d(outputs, affine=True) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        # Without a norm that keeps them alive, features below zero would be lost for good.
        self.slope = 0.0 if norm else 0.2

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] to [N, outputs, 2 H, 2 W]."""
        larger = functional.interpolate(functional.leaky_relu(features, self.slope), scale_factor=2, mode="nearest")
        out: Tensor = self.dropout(self.norm(self.convolution(larger)))
        return out


class Anet(nn.Module):
    """The generator (paper, Online Methods; Supplementary Note 1)."""

    def __init__(self, architecture: AnetArchitecture) -> None:
        super().__init__()
        self.architecture = architecture
        widths, normed = architecture.widths, architecture.norm == "instance"
        ins = [2, *widths[:-1]]
        self.encoders = nn.ModuleList(
            Encoder(i, o, first=level == 0, norm=normed and 0 < level < len(widths) - 1)
            for level, (i, o) in enumerate(zip(ins, widths, strict=True))
        )
        decoders: list[nn.Module] = []
        inputs = widths[-1]
        for level in reversed(range(1, len(widths))):
            outputs = widths[level - 1]
            deep = level > len(widths) - 4
            decoders.append(Decoder(inputs, outputs, norm=normed, dropout=architecture.dropout if deep else 0.0))
            inputs = 2 * outputs
        self.decoders = nn.ModuleList(decoders)
        self.last = nn.Conv2d(inputs, 1, 3, padding=1)

    def forward(self, counts: Tensor, widefield: Tensor, control: Tensor, channel_mask: Tensor) -> Tensor:
        """counts, widefield [N, 1, H, W]; control [N]; channel_mask [N, 2], 1 where there is one: [N, 1, H, W]."""
        return torch.sigmoid(self.logits(self.shown(counts, widefield, channel_mask), control))

    def shown(self, counts: Tensor, widefield: Tensor, channel_mask: Tensor) -> Tensor:
        """What the first convolution, and the discriminator, see: [N, 2, H, W]."""
        scaled = torch.cat([self.scale_counts(counts), self.scale_widefield(widefield)], dim=1)
        return scaled * channel_mask[:, :, None, None]

    def logits(self, shown: Tensor, control: Tensor) -> Tensor:
        """Before the last step; the published (tanh + 1) / 2 is a sigmoid of twice its argument."""
        features = shown
        switch = control[:, None, None, None].to(features.dtype)
        skips = []
        for encoder in self.encoders:
            features = encoder(features, switch)
            skips.append(features)
        features = skips.pop()
        for decoder in self.decoders:
            features = torch.cat([decoder(features), skips.pop()], dim=1)
        larger = functional.interpolate(functional.relu(features), scale_factor=2, mode="nearest")
        last: Tensor = self.last(larger)
        return 2.0 * last.float()

    def scale_counts(self, counts: Tensor) -> Tensor:
        """As the first convolution sees them."""
        if self.architecture.input_norm == "fixed":
            return 2.0 * torch.log1p(counts)
        pixels = counts.shape[-2] * counts.shape[-1]
        mean = counts.mean(dim=(2, 3), keepdim=True)
        deviation = (counts - mean).square().mean(dim=(2, 3), keepdim=True).sqrt()
        return 2.0 * (counts - mean) / deviation.clamp(min=pixels**-0.5) - 1.0

    def scale_widefield(self, widefield: Tensor) -> Tensor:
        """As the first convolution sees it."""
        if self.architecture.input_norm == "fixed":
            return 2.0 * widefield - 1.0
        low = widefield.amin(dim=(2, 3), keepdim=True)
        span = (widefield.amax(dim=(2, 3), keepdim=True) - low).clamp(min=WIDEFIELD_FLOOR)
        return 2.0 * (widefield - low) / span - 1.0


class LowResolution(nn.Module):
    """Q: what widefield image a picture would give, at a quarter of its size (paper, eq. of L_Q)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        base = max(4, features // 8)
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, 5, padding=2)
            for i, o in zip((1, base, 2 * base, 4 * base), (base, 2 * base, 4 * base, 1), strict=True)
        )

    def forward(self, picture: Tensor) -> Tensor:
        """[N, 1, H, W] of 0 to 1 to [N, 1, H/4, W/4] of 0 to 1."""
        features = picture
        for level, layer in enumerate(self.layers[:-1]):
            features = functional.leaky_relu(layer(features), 0.2)
            if level < 2:
                features = functional.max_pool2d(features, 2)
        return torch.sigmoid(self.layers[-1](features))


class Discriminator(nn.Module):
    """D: tells dense pictures from the generator's, patch by patch, with what the generator saw beside them."""

    def __init__(self, features: int) -> None:
        super().__init__()
        widths = (3, features, 2 * features, 4 * features, 8 * features, 1)
        strides = (2, 2, 2, 1, 1)
        self.layers = nn.ModuleList(
            nn.Conv2d(i, o, 4, stride=s, padding=1) for i, o, s in zip(widths[:-1], widths[1:], strides, strict=True)
        )

    def forward(self, shown: Tensor, picture: Tensor) -> Tensor:
        """Shown [N, 2, H, W] and picture [N, 1, H, W] of 0 to 1 to scores, 1 for dense."""
        features = torch.cat([shown, 2.0 * picture - 1.0], dim=1)
        for layer in self.layers[:-1]:
            features = functional.leaky_relu(layer(features), 0.2)
        out: Tensor = self.layers[-1](features)
        return out
