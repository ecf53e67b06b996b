"""What the three networks are asked for (paper, Online Methods, "Loss functions").

Comes in: pictures. Goes out: losses. Never: a weight of its own choice; those stand in the settings.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from blinkd_models.anet.convolve import both_ways, gaussian
from blinkd_models.anet.similarity import SIGMAS_PX, similarity_map

SIMILARITY_PART = 0.84
"""Of MS-SSIM; the rest is the smoothed L1 norm."""


def super_resolution(picture: Tensor, target: Tensor) -> Tensor:
    """0.84 (1 - MS-SSIM) + 0.16 smoothed L1, the latter under the widest Gaussian of the former."""
    sigma_px = SIGMAS_PX[-1]
    taps = int(4 * sigma_px) + 1
    apart = both_ways((picture - target).abs(), kernel=gaussian(sigma_px, taps=taps, like=picture), padding=taps // 2)
    unlike = 1.0 - similarity_map(picture, target)
    return SIMILARITY_PART * unlike.mean() + (1.0 - SIMILARITY_PART) * apart.mean()


def low_resolution(estimate: Tensor, widefield: Tensor, *, there: Tensor) -> Tensor:
    """1 - MS-SSIM of Q's estimate with the widefield at its size; 0 for pictures without one (``there`` [N])."""
    small = quarter(widefield)
    unlike = (1.0 - similarity_map(estimate, small)).mean(dim=(1, 2, 3))
    return (unlike * there).sum() / there.sum().clamp(min=1.0)


def quarter(widefield: Tensor) -> Tensor:
    """A quarter of the size."""
    return functional.interpolate(widefield, scale_factor=0.25, mode="bilinear", align_corners=False)


def fooled(scores: Tensor) -> Tensor:
    """Least squares: the generator wants 1."""
    return (scores - 1.0).square().mean()


def told_apart(dense: Tensor, made: Tensor) -> Tensor:
    """Least squares: the discriminator wants 1 for dense and 0 for made."""
    return (dense - 1.0).square().mean() + made.square().mean()


def beginning(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy per pixel, for the first steps: a product of six similarities has no slope where nothing is alike
    yet, and the absolute difference is least for an empty picture."""
    return functional.binary_cross_entropy_with_logits(logits, target)
