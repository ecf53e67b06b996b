"""Which localization is which emitter: frame by frame, one to one, the most pairs and of those the closest.

Comes in: frames and positions in nm of both sides. Goes out: ``Matches``: pairs and their errors.
Never: pixels, or a greedy choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

GATE_NM = 250.0
"""A pair is at most this far apart laterally (DECODE, Methods)."""
AXIAL_GATE_NM = 500.0
"""In 3D a pair is less than this far apart axially."""
EFFICIENCY_PER_NM = 1e-2
"""alpha of equation 15, lateral."""

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Counts; for each of M pairs the index into truth and localizations, and found minus true, [M, 3] in nm."""

    truths: int
    localizations: int
    truth: Index
    localization: Index
    error_nm: Array

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def squared_nm2(self) -> Array:
        """dx^2 + dy^2, [M]."""
        squared: Array = self.error_nm[:, 0] ** 2 + self.error_nm[:, 1] ** 2
        return squared

    @property
    def jaccard(self) -> float:
        """Equation 14."""
        return len(self) / max(1, self.truths + self.localizations - len(self))

    @property
    def precision(self) -> float:
        return len(self) / max(1, self.localizations)

    @property
    def recall(self) -> float:
        return len(self) / max(1, self.truths)

    @property
    def rmse_nm(self) -> float:
        """Lateral: root of the mean of dx^2 + dy^2."""
        return math.sqrt(float(self.squared_nm2.mean())) if len(self) else math.nan

    @property
    def efficiency(self) -> float:
        """Lateral, equation 15: 1 - sqrt((1 - JI)^2 + (alpha * rmse)^2)."""
        return 1.0 - math.hypot(1.0 - self.jaccard, EFFICIENCY_PER_NM * self.rmse_nm)


def match(
    *, truth_frame: Index, truth_nm: Array, found_frame: Index, found_nm: Array, gate_nm: float = GATE_NM,
    axial_gate_nm: float | None = None,
) -> Matches:  # fmt: skip
    """Pairs of the same frame within the gate; positions [_, 2] or [_, 3] in nm.

    Of all one-to-one assignments that with the most pairs, and of those the one with the smallest sum of squared
    distances. With ``axial_gate_nm`` z must be closer than that, and counts in the distance.
    """
    true, found = _three_d(truth_nm), _three_d(found_nm)
    row, col = _candidates(truth_frame=truth_frame, true=true, found_frame=found_frame, found=found, gate_nm=gate_nm)
    apart = found[col] - true[row]
    squared = apart[:, 0] ** 2 + apart[:, 1] ** 2
    good = squared <= gate_nm**2
    if axial_gate_nm is not None:
        good &= np.abs(apart[:, 2]) < axial_gate_nm
        squared = squared + apart[:, 2] ** 2
    row, col = _assign(row[good], col[good], squared[good], shape=(len(true), len(found)))
    return Matches(
        truths=len(true), localizations=len(found), truth=row, localization=col, error_nm=found[col] - true[row]
    )


def _three_d(positions_nm: Array) -> Array:
    """[_, 3]; a missing z is 0."""
    positions = np.asarray(positions_nm, dtype=np.float64)
    return positions if positions.shape[1] == 3 else np.pad(positions, ((0, 0), (0, 1)))


def _candidates(
    *, truth_frame: Index, true: Array, found_frame: Index, found: Array, gate_nm: float
) -> tuple[Index, Index]:
    """Indices of truth and localizations of the same frame that are about within the gate of each other."""
    if not len(true) or not len(found):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # The frame is a third axis on which neighbours are further apart than the gate.
    trees = [
        cKDTree(np.column_stack([positions[:, :2], np.asarray(frame, dtype=np.float64) * (2.0 * gate_nm)]))
        for positions, frame in ((true, truth_frame), (found, found_frame))
    ]
    near = trees[0].query_ball_tree(trees[1], r=gate_nm * (1.0 + 1e-9))
    counts = np.fromiter(map(len, near), dtype=np.int64, count=len(near))
    columns = np.fromiter((col for cols in near for col in cols), dtype=np.int64, count=int(counts.sum()))
    return np.repeat(np.arange(len(true)), counts), columns


def _assign(row: Index, col: Index, squared: Array, *, shape: tuple[int, int]) -> tuple[Index, Index]:
    """The best assignment among the candidates, sorted by truth; each connected group is solved on its own."""
    alone = (np.bincount(row, minlength=shape[0])[row] == 1) & (np.bincount(col, minlength=shape[1])[col] == 1)
    rows, cols = [row[alone]], [col[alone]]
    row, col, squared = row[~alone], col[~alone], squared[~alone]
    if len(row):
        joined = coo_array((np.ones(len(row)), (row, col + shape[0])), shape=(sum(shape), sum(shape)))
        _, group = connected_components(joined, directed=False)
        order = np.argsort(group[row], kind="stable")
        for edges in np.split(order, np.flatnonzero(np.diff(group[row][order])) + 1):
            best_row, best_col = _assign_group(row[edges], col[edges], squared[edges])
            rows.append(best_row)
            cols.append(best_col)
    best_row, best_col = np.concatenate(rows), np.concatenate(cols)
    sorted_by_truth = np.argsort(best_row)
    return best_row[sorted_by_truth], best_col[sorted_by_truth]


def _assign_group(row: Index, col: Index, squared: Array) -> tuple[Index, Index]:
    """As above, for emitters and localizations that compete with each other."""
    rows, at_row = np.unique(row, return_inverse=True)
    cols, at_col = np.unique(col, return_inverse=True)
    # To leave a pair out costs more than all distances together, so that the number of pairs is maximal.
    cost = np.full((len(rows), len(cols)), 1.0 + 2.0 * float(squared.sum()))
    allowed = np.zeros(cost.shape, dtype=bool)
    cost[at_row, at_col] = squared
    allowed[at_row, at_col] = True
    best_row, best_col = linear_sum_assignment(cost)
    kept = allowed[best_row, best_col]
    return rows[best_row[kept]], cols[best_col[kept]]
