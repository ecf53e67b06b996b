"""The DECODE network (Speiser et al. 2021, Methods) in two parts: frame analysis and temporal context.

Comes in: scaled frames. Goes out: 10 channels p, photons, x, y, z, their sigmas, background.
x runs along rows, y along columns. Never: knows photons or nanometres.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = ("p", "photons", "x", "y", "z", "photons_sigma", "x_sigma", "y_sigma", "z_sigma", "background")
ACTIVATIONS: dict[str, type[nn.Module]] = {"elu": nn.ELU, "relu": nn.ReLU, "silu": nn.SiLU}
UPSAMPLING = ("nearest", "bilinear")
SIGMA_MAX = 3.0
SIGMA_EPS = 0.001
LOGIT_LIMIT = 8.0
DETECTION_BIAS = -5.0
DISABLED_SIGMA = 0.1


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Shape of the network; the published one has 48 features and ELU.

    z: whether it is asked for z; if not, z is 0 and its sigma constant.
    squeeze: 2 works on a grid of half the resolution: a 6 x 6 convolution of stride 2 in front (space-to-depth and
    3 x 3), pixel shuffle before the heads. head_features: channels of the heads, 0 for as many as ``features``.
    shared_heads: one body for all four heads. separable: depthwise and 1 x 1 convolutions instead of full 3 x 3.
    window_frames: 3, or 1 for a network that sees each frame alone. upsample: ``nearest`` or ``bilinear``.
    """

    features: int = 16
    depth_frame: int = 2
    depth_context: int = 2
    activation: str = "silu"
    z: bool = False
    squeeze: int = 1
    head_features: int = 0
    shared_heads: bool = False
    separable: bool = False
    window_frames: int = 3
    upsample: str = "nearest"

    def __post_init__(self) -> None:
        if self.squeeze not in (1, 2):
            raise ValueError(f"squeeze is {self.squeeze}; it must be 1 or 2")
        if self.features < 1 or self.features % self.squeeze**2:
            raise ValueError(f"features is {self.features}; it must be a positive multiple of {self.squeeze**2}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {self.activation!r}; it must be one of {sorted(ACTIVATIONS)}")
        if self.window_frames not in (1, 3):
            raise ValueError(f"window_frames is {self.window_frames}; it must be 1 or 3")
        if self.upsample not in UPSAMPLING:
            raise ValueError(f"upsample is {self.upsample!r}; it must be one of {UPSAMPLING}")

    @property
    def grid_px(self) -> int:
        """Width and height must be a multiple of this."""
        return int(self.squeeze * 2 ** max(self.depth_frame, self.depth_context))

    @property
    def feature_maps(self) -> int:
        """Channels, at full resolution, that the frame graph hands to the context graph."""
        return self.features // self.squeeze**2

    def leanest(self) -> Architecture:
        """The same shape with as few channels as it can have."""
        return replace(self, features=self.squeeze**2, head_features=min(self.head_features, 1))

    def as_dict(self) -> dict[str, int | str | bool]:
        """Plain values, for checkpoints and cards."""
        return asdict(self)


def _conv(channels_in: int, channels_out: int, *, separable: bool) -> nn.Module:
    if not separable:
        return nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 1),
        nn.Conv2d(channels_out, channels_out, 3, padding=1, groups=channels_out),
    )


def _pair(channels_in: int, channels_out: int, *, architecture: Architecture) -> nn.Sequential:
    activation = ACTIVATIONS[architecture.activation]
    return nn.Sequential(
        _conv(channels_in, channels_out, separable=architecture.separable),
        activation(),
        _conv(channels_out, channels_out, separable=architecture.separable),
        activation(),
    )


class UNet(nn.Module):
    """U-Net: pairs of 3x3 convolutions, 2x2 strided convolutions down, interpolation and 1x1 up, 1x1 at the end."""

    def __init__(self, *, channels_in: int, channels_out: int, depth: int, architecture: Architecture) -> None:
        super().__init__()
        features = architecture.features
        self.upsample = architecture.upsample
        widths = [features * 2**level for level in range(depth + 1)]
        self.encoders = nn.ModuleList()
        self.downs = nn.ModuleList()
        for level in range(depth):
            self.encoders.append(
                _pair(channels_in if level == 0 else widths[level - 1], widths[level], architecture=architecture)
            )
            self.downs.append(nn.Conv2d(widths[level], widths[level], 2, stride=2))
        self.base = _pair(widths[depth - 1], widths[depth], architecture=architecture)
        self.ups = nn.ModuleList(nn.Conv2d(widths[level + 1], widths[level], 1) for level in range(depth))
        self.decoders = nn.ModuleList(
            _pair(2 * widths[level], widths[level], architecture=architecture) for level in range(depth)
        )
        self.last = nn.Conv2d(features, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, channels_out, H, W]."""
        skips = []
        for encode, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encode(x))
            x = down(skips[-1])
        x = self.base(x)
        for level in reversed(range(len(skips))):
            # The 1x1 convolution commutes with either up-sampling and is four times cheaper before it.
            x = functional.interpolate(self.ups[level](x), scale_factor=2.0, mode=self.upsample)
            x = self.decoders[level](torch.cat([skips[level], x], dim=1))
        out: Tensor = self.last(x)
        return out


class Heads(nn.Module):
    """Four heads (detection, means, sigmas, background), each 3x3, activation, 1x1; then the non-linearities."""

    SIZES = (1, 4, 4, 1)

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.z = architecture.z
        features = architecture.head_features or architecture.features
        activation = ACTIVATIONS[architecture.activation]
        self.bodies = nn.ModuleList(
            nn.Sequential(nn.Conv2d(features, features, 3, padding=1), activation())
            for _ in range(1 if architecture.shared_heads else len(self.SIZES))
        )
        self.outs = nn.ModuleList(nn.Conv2d(features, size, 1) for size in self.SIZES)
        detection = self.outs[0]
        assert isinstance(detection, nn.Conv2d)
        assert detection.bias is not None
        nn.init.constant_(detection.bias, DETECTION_BIAS)

    def forward(self, x: Tensor) -> Tensor:
        """[N, features, H, W] to [N, 10, H, W]; the 1x1 convolutions and all after them in fp32."""
        hidden = [body(x) for body in self.bodies]
        if len(hidden) == 1:
            hidden = hidden * len(self.SIZES)
        if torch.is_autocast_enabled(x.device.type):
            with torch.autocast(device_type=x.device.type, enabled=False):
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
    """Frame analysis: [N, 1, H, W] to feature maps [N, C, H, W], once per camera frame."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        features, squeeze = architecture.features, architecture.squeeze
        self.squeeze = squeeze
        self.unet = UNet(
            channels_in=1 if squeeze == 1 else features,
            channels_out=features,
            depth=architecture.depth_frame,
            architecture=architecture,
        )
        if squeeze > 1:
            activation = ACTIVATIONS[architecture.activation]
            self.stem = nn.Sequential(
                nn.Conv2d(1, features, 3 * squeeze, stride=squeeze, padding=squeeze), activation()
            )

    def forward(self, frame: Tensor) -> Tensor:
        if self.squeeze == 1:
            out: Tensor = self.unet(frame)
            return out
        return functional.pixel_shuffle(self.unet(self.stem(frame)), self.squeeze)


class ContextNet(nn.Module):
    """Temporal context: feature maps of three frames, each [N, C, H, W], to the middle one's output [N, 10, H, W]."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        features, squeeze = architecture.features, architecture.squeeze
        head_features = architecture.head_features or features
        self.squeeze, self.window_frames = squeeze, architecture.window_frames
        self.unet = UNet(
            channels_in=self.window_frames * features if squeeze == 1 else features,
            channels_out=head_features * squeeze**2 if squeeze > 1 else head_features,
            depth=architecture.depth_context,
            architecture=architecture,
        )
        if squeeze > 1:
            activation = ACTIVATIONS[architecture.activation]
            maps = self.window_frames * architecture.feature_maps
            self.stem = nn.Sequential(nn.Conv2d(maps, features, squeeze, stride=squeeze), activation())
        self.heads = Heads(architecture)

    def forward(self, previous: Tensor, this: Tensor, following: Tensor) -> Tensor:
        together = this if self.window_frames == 1 else torch.cat([previous, this, following], dim=1)
        if self.squeeze > 1:
            shuffled = functional.pixel_shuffle(self.unet(self.stem(together)), self.squeeze)
        else:
            shuffled = self.unet(together)
        out: Tensor = self.heads(shuffled)
        return out


class Decode(nn.Module):
    """Both parts."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.frame: nn.Module = FrameNet(architecture)
        self.context: nn.Module = ContextNet(architecture)

    def forward(self, frames: Tensor) -> Tensor:
        """One window per item: [N, window_frames, H, W] to [N, 10, H, W]."""
        features = [self.frame(frame) for frame in torch.split(frames, 1, dim=1)]
        out: Tensor = self.context(features[0], features[len(features) // 2], features[-1])
        return out

    def windows(self, frames: Tensor, *, first: int, last: int, alone: bool = False) -> Tensor:
        """Every frame seen once: sequences [B, T, H, W] to the outputs [B * (last - first), 10, H, W].

        At the ends of a sequence the missing neighbour is the frame itself; with ``alone`` always.
        """
        sequences, length, height, width = frames.shape
        flat = frames.reshape(-1, 1, height, width).contiguous(memory_format=torch.channels_last)
        features = self.frame(flat)
        device = frames.device
        time = torch.arange(first, last, device=device).repeat(sequences)
        this = torch.arange(sequences, device=device).repeat_interleave(last - first) * length + time
        step = 0 if alone else 1
        before = this - step * (time > 0)
        after = this + step * (time < length - 1)
        out: Tensor = self.context(features[before], features[this], features[after])
        return out
