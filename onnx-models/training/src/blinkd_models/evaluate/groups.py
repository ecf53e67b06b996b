"""Scores of groups of emitters: by brightness, and by the number of neighbours.

Comes in: matched tables. Goes out: a list of plain dictionaries, one per group. Never: matches.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from blinkd_models.evaluate.bound import Optics, bound_nm2
from blinkd_models.evaluate.match import Array, Index, Matches
from blinkd_models.evaluate.scores import score_counts
from blinkd_models.evaluate.table import Table

PHOTON_EDGES = (0.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, math.inf)
Mask = NDArray[np.bool_]
NEIGHBOUR_RADIUS_NM = 500.0
NEIGHBOUR_GROUPS: tuple[tuple[int, int | None], ...] = ((0, 0), (1, 1), (2, 2), (3, 4), (5, None))
"""Lowest and highest number of neighbours, inclusive."""
COLUMNS = (
    "true_positives", "false_positives", "false_negatives", "jaccard", "precision", "recall", "rmse_lateral_nm",
    "rmse_axial_nm",
)  # fmt: skip


def photon_bin(photons: Array) -> Index:
    """The bin of :data:`PHOTON_EDGES`, its lower edge inclusive; less than nothing counts as nothing."""
    return np.searchsorted(PHOTON_EDGES[1:], photons, side="right")


def by_photons(matches: Matches, *, truth: Table, found: Table, optics: Optics | None, volume: bool) -> list[Any]:
    """Scores and bound per bin of brightness: pairs and misses by their true photons, false positives by theirs."""
    assert truth.photons is not None
    true_bin = photon_bin(truth.photons)
    found_bin = photon_bin(np.zeros(len(found)) if found.photons is None else found.photons)
    rows = []
    for index, (low, high) in enumerate(pairwise(PHOTON_EDGES)):
        row = _group(matches, in_truth=true_bin == index, in_found=found_bin == index, volume=volume)
        if found.photons is None:
            row |= dict.fromkeys(("false_positives", "jaccard", "precision"))
        bound = _bound(matches, truth=truth, wanted=true_bin == index, optics=optics, volume=volume)
        rows.append({"low": low, "high": high if math.isfinite(high) else None, **row, **_over(row, bound)})
    return rows


def by_neighbours(matches: Matches, *, truth: Table, found: Table, volume: bool) -> list[Any]:
    """Scores by the number of true neighbours within 500 nm; for a false positive, of true emitters there."""
    around_truth = count_around(truth, others=truth) - 1
    around_found = count_around(found, others=truth)
    rows = []
    for low, high in NEIGHBOUR_GROUPS:
        top = math.inf if high is None else high
        in_truth, in_found = ((n >= low) & (n <= top) for n in (around_truth, around_found))
        rows.append({"low": low, "high": high, **_group(matches, in_truth=in_truth, in_found=in_found, volume=volume)})
    return rows


def count_around(table: Table, *, others: Table, radius_nm: float = NEIGHBOUR_RADIUS_NM) -> Index:
    """How many of ``others`` lie in the same frame within the radius, laterally and inclusive; [N]."""
    if not len(table) or not len(others):
        return np.zeros(len(table), dtype=np.int64)
    places = [np.column_stack([t.x_nm, t.y_nm, t.frame * (2.0 * radius_nm)]) for t in (table, others)]
    counts = cKDTree(places[1]).query_ball_point(places[0], r=radius_nm, return_length=True)
    return np.asarray(counts, dtype=np.int64)


def _group(matches: Matches, *, in_truth: Mask, in_found: Mask, volume: bool) -> dict[str, Any]:
    """Scores of the emitters and the false positives chosen by masks."""
    missed, false = np.ones(len(in_truth), dtype=bool), np.ones(len(in_found), dtype=bool)
    missed[matches.truth] = False
    false[matches.localization] = False
    scores = score_counts(
        error_nm=matches.error_nm[in_truth[matches.truth]],
        false_positives=int((in_found & false).sum()),
        false_negatives=int((in_truth & missed).sum()),
        volume=volume,
    ).as_dict()
    return {name: scores[name] for name in COLUMNS}


def _bound(matches: Matches, *, truth: Table, wanted: Mask, optics: Optics | None, volume: bool) -> Array | None:
    """Root mean bound (lateral, axial) in nm of the wanted emitters that were found."""
    chosen = matches.truth[wanted[matches.truth]]
    if optics is None or not len(chosen):
        return None
    assert truth.photons is not None
    variance = bound_nm2(
        optics=optics, positions_nm=truth.positions_nm[chosen], photons=truth.photons[chosen], volume=volume
    ).mean(axis=0)
    bound: Array = np.sqrt([variance[0] + variance[1], variance[2]])
    return bound


def _over(row: dict[str, Any], bound: Array | None) -> dict[str, float | None]:
    """The bound, and the error as a multiple of it."""
    lateral, axial = (None, None) if bound is None else (None if math.isnan(b) else float(b) for b in bound)

    def ratio(rmse: float | None, limit: float | None) -> float | None:
        return None if rmse is None or limit is None else rmse / limit

    return {
        "crlb_lateral_nm": lateral,
        "crlb_axial_nm": axial,
        "lateral_over_crlb": ratio(row["rmse_lateral_nm"], lateral),
        "axial_over_crlb": ratio(row["rmse_axial_nm"], axial),
    }
