"""What a bundle is tested on: the middle of the ranges that its card promises.

Comes in: a card. Goes out: a ``Condition`` to vary. Never: leaves the card's ranges.
"""

from __future__ import annotations

from typing import Any

from blinkd_models.evaluate.condition import Condition
from blinkd_models.psf import Psf

BACKGROUND_PHOTONS = 20.0


def base_condition(content: dict[str, Any], *, psf: Psf | None = None) -> Condition:
    """Pixel size, PSF width and focal lengths from the middle of the ranges; background 20 if the card allows it.

    ``psf``: a measured PSF to use instead of a Gaussian.
    """
    ranges, training = content["range"], content.get("training", {})
    low, high = ranges["background_photons"]
    return Condition(
        pixel_size_nm=_middle(ranges["pixel_size_nm"]),
        psf_sigma_nm=_middle(ranges["psf_sigma_nm"]),
        background_photons=min(max(BACKGROUND_PHOTONS, low), high),
        z_nm=(float(ranges["z_nm"][0]), float(ranges["z_nm"][1])),
        focus_nm=_middle(training.get("focus_nm", Condition.focus_nm)),
        depth_nm=_middle(training.get("depth_nm", Condition.depth_nm)),
        psf=psf,
    )


def promised(values: list[float], *, span: list[float]) -> list[float]:
    """Those of ``values`` that lie in the card's range."""
    return [value for value in values if span[0] <= value <= span[1]]


def _middle(value: Any) -> float:
    """Of a range; a single number is itself."""
    return float(value) if isinstance(value, int | float) else 0.5 * (float(value[0]) + float(value[1]))
