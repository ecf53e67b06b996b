"""The DECODE network (Speiser et al. 2021, Methods) in two parts: frame analysis and temporal context.

Comes in: scaled frames. Goes out: 10 channels p, photons, x, y, z, their sigmas, background.
x runs along rows, y along columns. Never: knows photons or nanometres.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = ("p", "photons", "x", "y", "z", "photons_sigma", "x_sigma", "y_sigma", "z_sigma", "background")
ACTIVATIONS: dict[str, type[nn.Module]] = {"elu": nn.ELU, "relu": nn.ReLU, "silu": nn.SiLU}
SIGMA_MAX = 3.0
SIGMA_EPS = 0.001
LOGIT_LIMIT = 8.0
DETECTION_BIAS = -5.0
DISABLED_SIGMA = 0.1


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Shape of the network. ``z``: whether it is asked for z; if not, z is 0 and its sigma constant."""

    features: int = 16
    depth_frame: int = 2
    depth_context: int = 2
    activation: str = "silu"
    z: bool = False

    @property
    def grid_px(self) -> int:
        """Width and height must be a multiple of this."""
        return int(2 ** max(self.depth_frame, self.depth_context))

    def as_dict(self) -> dict[str, int | str | bool]:
        """Plain values, for checkpoints and cards."""
        return asdict(self)


def _pair(channels_in: int, channels_out: int, *, activation: type[nn.Module]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1),
        activation(),
        nn.Conv2d(channels_out, channels_out, 3, padding=1),
        activation(),
    )


class UNet(nn.Module):
    """U-Net: pairs of 3x3 convolutions, 2x2 strided convolutions down, nearest neighbour and 1x1 up, 1x1 at the end."""

    def __init__(self, *, channels_in: int, features: int, depth: int, activation: type[nn.Module]) -> None:
        super().__init__()
        widths = [features * 2**level for level in range(depth + 1)]
        self.encoders = nn.ModuleList()
        self.downs = nn.ModuleList()
        for level in range(depth):
            self.encoders.append(
                _pair(channels_in if level == 0 else widths[level - 1], widths[level], activation=activation)
            )
            self.downs.append(nn.Conv2d(widths[level], widths[level], 2, stride=2))
        self.base = _pair(widths[depth - 1], widths[depth], activation=activation)
        self.ups = nn.ModuleList(nn.Conv2d(widths[level + 1], widths[level], 1) for level in range(depth))
        self.decoders = nn.ModuleList(
            _pair(2 * widths[level], widths[level], activation=activation) for level in range(depth)
        )
        self.last = nn.Conv2d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, features, H, W]."""
        skips = []
        for encode, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encode(x))
            x = down(skips[-1])
        x = self.base(x)
        for level in reversed(range(len(skips))):
            # The 1x1 convolution commutes with nearest neighbour up-sampling and is four times cheaper before it.
            x = functional.interpolate(self.ups[level](x), scale_factor=2.0, mode="nearest")
            x = self.decoders[level](torch.cat([skips[level], x], dim=1))
        out: Tensor = self.last(x)
        return out


class Heads(nn.Module):
    """Four heads (detection, means, sigmas, background), each 3x3, activation, 1x1; then the non-linearities."""

    SIZES = (1, 4, 4, 1)

    def __init__(self, *, features: int, activation: type[nn.Module], z: bool) -> None:
        super().__init__()
        self.z = z
        self.bodies = nn.ModuleList(
            nn.Sequential(nn.Conv2d(features, features, 3, padding=1), activation()) for _ in self.SIZES
        )
        self.outs = nn.ModuleList(nn.Conv2d(features, size, 1) for size in self.SIZES)
        detection = self.outs[0]
        assert isinstance(detection, nn.Conv2d)
        assert detection.bias is not None
        nn.init.constant_(detection.bias, DETECTION_BIAS)

    def forward(self, x: Tensor) -> Tensor:
        """[N, features, H, W] to [N, 10, H, W]; the 1x1 convolutions and all after them in fp32."""
        hidden = [body(x) for body in self.bodies]
        if torch.is_autocast_enabled("cpu"):
            with torch.autocast(device_type="cpu", enabled=False):
                return self._outputs([h.float() for h in hidden])
        return self._outputs(hidden)

    def _outputs(self, hidden: list[Tensor]) -> Tensor:
        logit, mean, sigma, background = (out(h) for out, h in zip(self.outs, hidden, strict=True))
        p = torch.sigmoid(logit.clamp(-LOGIT_LIMIT, LOGIT_LIMIT))
        photons, x_y, z = torch.split(mean, [1, 2, 1], dim=1)
        sigma = SIGMA_MAX * torch.sigmoid(sigma) + SIGMA_EPS
        z = torch.tanh(z)
        if not self.z:
            sigma_others, sigma_z = torch.split(sigma, [3, 1], dim=1)
            z = z * 0.0
            sigma = torch.cat([sigma_others, sigma_z * 0.0 + DISABLED_SIGMA], dim=1)
        return torch.cat([p, torch.sigmoid(photons), torch.tanh(x_y), z, sigma, torch.sigmoid(background)], dim=1)


class FrameNet(nn.Module):
    """Frame analysis: [N, 1, H, W] to features [N, C, H, W], once per camera frame."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        activation = ACTIVATIONS[architecture.activation]
        self.unet = UNet(
            channels_in=1, features=architecture.features, depth=architecture.depth_frame, activation=activation
        )

    def forward(self, frame: Tensor) -> Tensor:
        out: Tensor = self.unet(frame)
        return out


class ContextNet(nn.Module):
    """Temporal context: features of three frames, each [N, C, H, W], to the output [N, 10, H, W] of the middle one."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        activation = ACTIVATIONS[architecture.activation]
        features = architecture.features
        self.unet = UNet(
            channels_in=3 * features, features=features, depth=architecture.depth_context, activation=activation
        )
        self.heads = Heads(features=features, activation=activation, z=architecture.z)

    def forward(self, previous: Tensor, this: Tensor, following: Tensor) -> Tensor:
        out: Tensor = self.heads(self.unet(torch.cat([previous, this, following], dim=1)))
        return out


class Decode(nn.Module):
    """Both parts."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.frame = FrameNet(architecture)
        self.context = ContextNet(architecture)

    def forward(self, frames: Tensor) -> Tensor:
        """One window per item: [N, 3, H, W] to [N, 10, H, W]."""
        previous, this, following = (self.frame(frame) for frame in torch.split(frames, 1, dim=1))
        out: Tensor = self.context(previous, this, following)
        return out

    def windows(self, frames: Tensor, *, first: int, last: int, alone: bool = False) -> Tensor:
        """Every frame seen once: sequences [B, T, H, W] to the outputs [B * (last - first), 10, H, W].

        At the ends of a sequence the missing neighbour is the frame itself; with ``alone`` always.
        """
        sequences, length, height, width = frames.shape
        flat = frames.reshape(-1, 1, height, width).contiguous(memory_format=torch.channels_last)
        features = self.frame(flat)
        this = (torch.arange(sequences)[:, None] * length + torch.arange(first, last)).flatten()
        step = 0 if alone else 1
        time = torch.arange(first, last).repeat(sequences)
        before = this - step * (time > 0)
        after = this + step * (time < length - 1)
        out: Tensor = self.context(features[before], features[this], features[after])
        return out
