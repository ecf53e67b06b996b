"""Whether what a localization says of itself is true: its sigma, its photons, its background, its place in the pixel.

Comes in: matched tables, or the errors of pairs. Goes out: plain dictionaries (docs/metrics.md names every value).
Never: matches, draws.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from blinkd_models.evaluate.groups import PHOTON_EDGES, photon_bin
from blinkd_models.evaluate.match import Array, Matches
from blinkd_models.evaluate.table import Table

SIGMA_BINS = 10
SUBPIXEL_BINS = 20


def sigma(*, sigma_nm: Array, error_nm: Array) -> dict[str, Any]:
    """How well predicted sigmas [M] foretell the errors [M] along one axis (DECODE, Fig. 2b).

    A sigma of 0, or one that is not a number, says nothing and is left out.
    """
    known = np.isfinite(sigma_nm) & (sigma_nm > 0.0)
    predicted, error = sigma_nm[known], error_nm[known]
    order = np.argsort(predicted, kind="stable")
    edges = [index * len(order) // SIGMA_BINS for index in range(SIGMA_BINS + 1)]
    bins = [
        {"predicted_nm": _root_mean(predicted[part]), "measured_nm": _root_mean(error[part]), "count": len(part)}
        for part in (order[low:high] for low, high in pairwise(edges))
        if len(part)
    ]
    return {
        "z_score_sd": _root_mean(error / predicted) if len(error) else None,
        "correlation": correlation(predicted, np.abs(error)),
        "bins": bins,
        "bin_correlation": correlation(
            np.array([row["predicted_nm"] for row in bins]), np.array([row["measured_nm"] for row in bins])
        ),
    }


def sigma_of_tables(matches: Matches, *, found: Table, volume: bool) -> dict[str, Any]:
    """:func:`sigma` for every axis that has one."""
    sigmas = {"x": found.sigma_x_nm, "y": found.sigma_y_nm, "z": found.sigma_z_nm if volume else None}
    return {
        axis: sigma(sigma_nm=values[matches.localization], error_nm=matches.error_nm[:, index])
        for index, (axis, values) in enumerate(sigmas.items())
        if values is not None
    }


def subpixel(*, found_nm: Array, true_nm: Array, error_nm: Array, pixel_size_nm: float) -> dict[str, Any]:
    """Where in the pixel localizations [L] lie along one axis, 0.5 being its centre (DECODE, Ext. Data Fig. 8).

    ``true_nm``, ``error_nm`` [M]: of the pairs. Positions are from the corner of the first pixel.
    """
    counts = np.bincount(_subpixel_bin(found_nm, pixel_size_nm=pixel_size_nm), minlength=SUBPIXEL_BINS)
    histogram = counts / max(1, len(found_nm))
    place = _subpixel_bin(true_nm, pixel_size_nm=pixel_size_nm)
    pairs = np.bincount(place, minlength=SUBPIXEL_BINS)
    sums = np.bincount(place, weights=error_nm, minlength=SUBPIXEL_BINS)
    any_found = len(found_nm) > 0
    return {
        "histogram": histogram.tolist(),
        "rms_deviation": _root_mean(SUBPIXEL_BINS * histogram - 1.0) if any_found else None,
        "expected_rms_deviation": math.sqrt((SUBPIXEL_BINS - 1) / len(found_nm)) if any_found else None,
        "bias_nm": [float(total / count) if count else None for total, count in zip(sums, pairs, strict=True)],
    }


def linearity(*, true: Array, found: Array) -> dict[str, float | None]:
    """Least-squares line found = slope * true + intercept over pairs, and the median of found / true."""
    slope = intercept = None
    spread = true - true.mean() if len(true) else true
    if len(true) > 1 and (variance := float((spread**2).sum())) > 0.0:
        slope = float((spread * (found - found.mean())).sum()) / variance
        intercept = float(found.mean()) - slope * float(true.mean())
    above = true > 0.0
    ratio = float(np.median(found[above] / true[above])) if above.any() else None
    return {"slope": slope, "intercept": intercept, "ratio_median": ratio}


def photons(*, true: Array, found: Array) -> dict[str, Any]:
    """:func:`linearity`, and the means per bin of the true photons."""
    place = photon_bin(true)
    rows = []
    for index, (low, high) in enumerate(pairwise(PHOTON_EDGES)):
        here = place == index
        count = int(here.sum())
        means = (float(true[here].mean()), float(found[here].mean())) if count else (None, None)
        top = high if math.isfinite(high) else None
        rows.append({"low": low, "high": top, "true_mean": means[0], "found_mean": means[1], "count": count})
    return {**linearity(true=true, found=found), "bins": rows}


def correlation(a: Array, b: Array) -> float | None:
    """Pearson's; None where one does not vary."""
    if len(a) < 2:
        return None
    from_a, from_b = a - a.mean(), b - b.mean()
    norm = math.sqrt(float((from_a**2).sum()) * float((from_b**2).sum()))
    return float((from_a * from_b).sum()) / norm if norm > 0.0 else None


def _subpixel_bin(position_nm: Array, *, pixel_size_nm: float) -> Any:
    in_pixel = np.mod(position_nm / pixel_size_nm, 1.0)
    return np.minimum((in_pixel * SUBPIXEL_BINS).astype(np.int64), SUBPIXEL_BINS - 1)


def _root_mean(values: Array) -> float:
    return math.sqrt(float((values**2).mean()))
