"""The scores of the SMLM challenge: counts, errors, efficiency (DECODE, equations 13-15).

Comes in: counts and the errors of pairs. Goes out: ``Scores``; where there is nothing to judge a value is None.
Never: matches.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from blinkd_models.evaluate.match import EFFICIENCY_PER_NM, Array, Matches

AXIAL_EFFICIENCY_PER_NM = 0.5e-2
"""alpha of equation 15, axial."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Fractions 0 to 1, lengths in nm, means over the pairs; the efficiency is at most 1 and may be negative.

    rmse_lateral_nm: root mean of dx^2 + dy^2, sqrt(2) times equation 13 with d = 2. efficiency: the mean of lateral
    and axial in 3D. bias_nm: mean of found minus true along x, y, z.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    jaccard: float | None
    precision: float | None
    recall: float | None
    rmse_lateral_nm: float | None
    rmse_axial_nm: float | None
    rmse_volume_nm: float | None
    bias_nm: list[float] | None
    efficiency_lateral: float | None
    efficiency_axial: float | None
    efficiency: float | None

    def as_dict(self) -> dict[str, Any]:
        """In the order of the fields."""
        return asdict(self)


def score(matches: Matches, *, volume: bool) -> Scores:
    """The scores of all pairs; those with z only with ``volume``."""
    return score_counts(
        error_nm=matches.error_nm,
        false_positives=matches.localizations - len(matches),
        false_negatives=matches.truths - len(matches),
        volume=volume,
    )


def score_counts(*, error_nm: Array, false_positives: int, false_negatives: int, volume: bool) -> Scores:
    """The scores of some pairs, their errors [M, 3] in nm, and of what has no partner."""
    pairs = len(error_nm)
    jaccard = share(pairs, pairs + false_positives + false_negatives)
    squares = (error_nm**2).mean(axis=0).tolist() if pairs else None
    lateral = axial = whole = None
    if squares is not None:
        lateral = math.sqrt(squares[0] + squares[1])
        axial, whole = (math.sqrt(squares[2]), math.sqrt(sum(squares))) if volume else (None, None)
    lateral_efficiency = efficiency(jaccard, lateral, alpha_per_nm=EFFICIENCY_PER_NM)
    axial_efficiency = efficiency(jaccard, axial, alpha_per_nm=AXIAL_EFFICIENCY_PER_NM)
    both = lateral_efficiency
    if volume:
        both = _mean(lateral_efficiency, axial_efficiency)
    return Scores(
        true_positives=pairs,
        false_positives=false_positives,
        false_negatives=false_negatives,
        jaccard=jaccard,
        precision=share(pairs, pairs + false_positives),
        recall=share(pairs, pairs + false_negatives),
        rmse_lateral_nm=lateral,
        rmse_axial_nm=axial,
        rmse_volume_nm=whole,
        bias_nm=error_nm.mean(axis=0).tolist() if pairs else None,
        efficiency_lateral=lateral_efficiency,
        efficiency_axial=axial_efficiency,
        efficiency=both,
    )


def efficiency(jaccard: float | None, rmse_nm: float | None, *, alpha_per_nm: float) -> float | None:
    """Equation 15."""
    if jaccard is None or rmse_nm is None:
        return None
    return 1.0 - math.hypot(1.0 - jaccard, alpha_per_nm * rmse_nm)


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def _mean(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else (a + b) / 2.0
