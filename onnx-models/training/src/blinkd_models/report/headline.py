"""The few numbers to remember of a bundle.

Comes in: measurements. Goes out: values and words. Never: measures.
"""

from __future__ import annotations

from blinkd_models.report.measure import Measurements
from blinkd_models.report.tables import fixed, number

DENSITY_PER_UM2 = 1.0
PHOTONS = 1000.0


def headline(m: Measurements) -> list[tuple[str, str]]:
    """Pairs of value and what it is, for about 1 emitter per um^2 and 1000 photons."""
    if not m.metrics:
        return []
    index = min(range(len(m.metrics)), key=lambda n: _distance(m.metrics[n].density_per_um2, m.metrics[n].photons))
    metrics, scores, single = m.metrics[index], m.scores[index], m.without_context[index]
    here = f"{metrics.density_per_um2:g} /µm², {metrics.photons:g} photons"
    tiles = [
        (number(scores.jaccard), f"Jaccard index, {here}"),
        (f"{number(scores.rmse_lateral_nm)} nm", f"lateral r.m.s.e., {here}"),
    ]
    if m.condition.volume:
        tiles.append((f"{number(scores.rmse_axial_nm)} nm", f"axial r.m.s.e., {here}"))
    alone = [row for row in m.isolated if row.mode == "dark"]
    if alone:
        row = min(alone, key=lambda row: abs(row.photons - PHOTONS))
        tiles.append((f"{fixed(row.lateral_over_crlb)} ×", f"the one-frame bound, isolated, {row.photons:g} photons"))
    if scores.rmse_lateral_nm is not None and single.rmse_lateral_nm is not None:
        gain = single.rmse_lateral_nm - scores.rmse_lateral_nm
        tiles.append((f"{gain:.1f} nm", "gained by the neighbouring frames, there"))
    z_score = m.crowding[metrics.density_per_um2].get("sigma", {}).get("x", {}).get("z_score_sd")
    tiles.append((fixed(z_score), f"error / σ in x (1: true), {metrics.density_per_um2:g} /µm²"))
    tiles.append((f"{m.cost.ms_per_frame:.1f} ms", "CPU per 128 × 128 frame, one thread"))
    return tiles


def _distance(density: float, photons: float) -> float:
    return abs(density - DENSITY_PER_UM2) + abs(photons - PHOTONS) / PHOTONS
