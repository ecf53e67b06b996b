"""How alike two pictures are: structural similarity on several scales.

Comes in: pictures [N, 1, H, W] of 0 to 1. Goes out: numbers or maps. Never: a choice of what is good enough.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from blinkd_models.anet.convolve import both_ways, gaussian

C1, C2 = 1e-4, 9e-4
"""(0.01 range)^2 and (0.03 range)^2."""
SIGMAS_PX = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Windows of the map; without pictures made smaller, so that there is a value at each pixel."""
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales (Wang, Simoncelli and Bovik 2003)."""
TAPS, SIGMA_PX = 11, 1.5


def terms(one: Tensor, other: Tensor, *, kernel: Tensor, padding: int) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure of SSIM per pixel, [N, 1, H, W] each."""
    parts = torch.cat([one, other, one * one, other * other, one * other], dim=1)
    mean_a, mean_b, aa, bb, ab = torch.split(both_ways(parts, kernel=kernel, padding=padding), 1, dim=1)
    luminance = (2.0 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    variances = aa - mean_a**2 + bb - mean_b**2
    return luminance, (2.0 * (ab - mean_a * mean_b) + C2) / (variances + C2)


def similarity_map(one: Tensor, other: Tensor) -> Tensor:
    """M of the paper's error map per pixel, 0 to 1: the product of contrast-structure over ``SIGMAS_PX`` times the
    SSIM of the widest window; zeros beyond the border."""
    product = torch.ones_like(one)
    for sigma_px in SIGMAS_PX:
        taps = max(int(4 * sigma_px) + 1, TAPS)
        kernel = gaussian(sigma_px, taps=taps, like=one)
        luminance, structure = terms(one, other, kernel=kernel, padding=taps // 2)
        product = product * structure.clamp(0.0, 1.0)
        if sigma_px == SIGMAS_PX[-1]:
            product = product * (luminance * structure).clamp(0.0, 1.0)
    return product


def ms_ssim(one: Tensor, other: Tensor) -> Tensor:
    """Multi-scale SSIM [N] of five halvings (Wang et al. 2003); sides of at least 176 px."""
    if min(one.shape[-2:]) < TAPS * 16:
        raise ValueError(f"pictures of {one.shape[-2]} x {one.shape[-1]} px: MS-SSIM needs {TAPS * 16} px a side")
    kernel = gaussian(SIGMA_PX, taps=TAPS, like=one)
    product = torch.ones(len(one), dtype=one.dtype, device=one.device)
    for scale, weight in enumerate(WEIGHTS):
        luminance, structure = terms(one, other, kernel=kernel, padding=0)
        last = scale == len(WEIGHTS) - 1
        value = (luminance * structure if last else structure).mean(dim=(1, 2, 3)).clamp(min=0.0)
        product = product * value**weight
        one, other = functional.avg_pool2d(one, 2), functional.avg_pool2d(other, 2)
    return product
