"""Localizations against a truth table: everything that ``compare --json`` says.

Comes in: two tables, and perhaps pixel size and optics. Goes out: a plain dictionary, the same that ``blinkd eval``
prints (docs/metrics.md). Never: reads or writes a file.
"""

from __future__ import annotations

from typing import Any

from blinkd_models.evaluate import calibration
from blinkd_models.evaluate.bound import Optics
from blinkd_models.evaluate.groups import by_neighbours, by_photons
from blinkd_models.evaluate.match import AXIAL_GATE_NM, GATE_NM, Matches, match
from blinkd_models.evaluate.scores import score
from blinkd_models.evaluate.table import Table


def match_tables(*, truth: Table, found: Table, volume: bool) -> Matches:
    """Pairs within the gate of the challenge: 250 nm laterally, 500 nm axially with ``volume``."""
    return match(
        truth_frame=truth.frame,
        truth_nm=truth.positions_nm,
        found_frame=found.frame,
        found_nm=found.positions_nm,
        gate_nm=GATE_NM,
        axial_gate_nm=AXIAL_GATE_NM if volume else None,
    )


def compare(
    *, truth: Table, found: Table, volume: bool, pixel_size_nm: float | None = None, optics: Optics | None = None
) -> dict[str, Any]:
    """Scores, calibration and linearity; what the tables do not allow to say is left out."""
    matches = match_tables(truth=truth, found=found, volume=volume)
    report: dict[str, Any] = {"overall": score(matches, volume=volume).as_dict()}
    if truth.photons is not None:
        report["by_photons"] = by_photons(matches, truth=truth, found=found, optics=optics, volume=volume)
    report["by_neighbours"] = by_neighbours(matches, truth=truth, found=found, volume=volume)
    if sigma := calibration.sigma_of_tables(matches, found=found, volume=volume):
        report["sigma"] = sigma
    if pixel_size_nm is not None:
        report["subpixel"] = {
            axis: calibration.subpixel(
                found_nm=found_nm,
                true_nm=true_nm[matches.truth],
                error_nm=matches.error_nm[:, index],
                pixel_size_nm=pixel_size_nm,
            )
            for index, (axis, true_nm, found_nm) in enumerate(
                [("x", truth.x_nm, found.x_nm), ("y", truth.y_nm, found.y_nm)]
            )
        }
    if truth.photons is not None and found.photons is not None:
        report["photons"] = calibration.photons(
            true=truth.photons[matches.truth], found=found.photons[matches.localization]
        )
    if truth.background is not None and found.background is not None:
        report["background"] = calibration.linearity(
            true=truth.background[matches.truth], found=found.background[matches.localization]
        )
    return report
