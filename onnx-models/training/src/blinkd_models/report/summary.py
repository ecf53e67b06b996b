"""What a report leaves in the card: tables of metrics, which the daemon shows and does not interpret.

Comes in: measurements and a card. Goes out: a card. Never: a top-level table, which the daemon would refuse.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from typing import Any

from blinkd_models.evaluate.simulated import SIGNIFICANT_DIGITS
from blinkd_models.report.measure import Measurements


def metrics(m: Measurements) -> list[dict[str, Any]]:
    """One table per condition, one per brightness and way of showing isolated emitters (``test = "isolated"``), one
    per density on calibration, one on cost."""
    rows: list[dict[str, Any]] = []
    for row, scores, single in zip(m.metrics, m.scores, m.without_context, strict=True):
        more = {
            "ji_single_frame": single.jaccard,
            "rmse_lateral_single_frame_nm": single.rmse_lateral_nm,
            "efficiency_lateral": scores.efficiency_lateral if m.condition.volume else None,
        }
        rows.append({"test": "blinking", **row.as_dict(), **_rounded(more)})
    for isolated in m.isolated:
        values = {
            "photons": isolated.photons,
            "background_photons": m.condition.background_photons,
            "found": isolated.found,
            "rmse_x_nm": isolated.rmse_nm[0],
            "rmse_y_nm": isolated.rmse_nm[1],
            "rmse_axial_nm": isolated.rmse_nm[2],
            "crlb_x_nm": isolated.crlb_nm[0],
            "crlb_y_nm": isolated.crlb_nm[1],
            "crlb_axial_nm": isolated.crlb_nm[2],
            "lateral_over_crlb": isolated.lateral_over_crlb,
            "axial_over_crlb": isolated.axial_over_crlb,
            "lateral_over_doubt": isolated.lateral_over_doubt,
            "axial_over_doubt": isolated.axial_over_doubt,
        }
        rows.append({"test": "isolated", "shown": isolated.mode, **_rounded(values)})
    return [*rows, *_calibration(m), _cost(m)]


def with_metrics(content: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The card with these metrics in place of its own, golden files last."""
    golden = {"golden": content["golden"]} if "golden" in content else {}
    rest = {name: value for name, value in content.items() if name not in ("golden", "metrics")}
    return {**rest, "metrics": rows, **golden}


def _calibration(m: Measurements) -> list[dict[str, Any]]:
    """One table per density: how true sigma and photons are."""
    rows = []
    for density, report in m.crowding.items():
        values = {
            f"{name}_{axis}": table[name]
            for axis, table in report.get("sigma", {}).items()
            for name in ("z_score_sd", "bin_correlation")
        }
        line = report.get("photons", {})
        values |= {"photons_slope": line.get("slope"), "photons_ratio_median": line.get("ratio_median")}
        rows.append({"test": "calibration", **_rounded({"density_per_um2": density, **values})})
    return rows


def _cost(m: Measurements) -> dict[str, Any]:
    """ms_per_frame: of one CPU thread, for a new frame of 128 x 128 px, on the machine that made the report."""
    values = {"parameters": float(m.cost.parameters), "ms_per_frame": round(m.cost.ms_per_frame, 1)}
    return {"test": "cost", "machine": platform.machine(), **values}


def _rounded(values: Mapping[str, float | None]) -> dict[str, float]:
    known = ((name, value) for name, value in values.items() if value is not None and not math.isnan(value))
    return {name: float(f"{value:.{SIGNIFICANT_DIGITS}g}") for name, value in known}
