"""The outcome of a search as a table and a picture.

Comes in: results. Goes out: ``pareto.csv``, ``pareto.md``, ``pareto.svg``. Never: measures.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from blinkd_models import svg
from blinkd_models.pareto import DENSITIES_PER_UM2, Result
from blinkd_models.svg import Series
from blinkd_models.whole_file import replace_text

NAME = "pareto"
PLOT_DENSITY_PER_UM2 = 1.0
MEASURES = ("ji", "lateral_nm", "axial_nm")


def front(points: Iterable[tuple[float, float]]) -> list[int]:
    """Indices of the points (cost, error) that no other undercuts in both, by cost; NaN is on no front."""
    usable = [(cost, error, i) for i, (cost, error) in enumerate(points) if not math.isnan(cost + error)]
    out: list[int] = []
    best = math.inf
    for _, error, i in sorted(usable):
        if error < best:
            out.append(i)
            best = error
    return out


def write(results: Sequence[Result], *, out: Path) -> None:
    """Replaces the three files."""
    out.mkdir(parents=True, exist_ok=True)
    for ending, content in (("csv", table(results)), ("md", report(results)), ("svg", picture(results))):
        replace_text(out / f"{NAME}.{ending}", content)


def table(results: Sequence[Result]) -> str:
    """All numbers as CSV."""
    names = ["name", "shape", "parameters", "mflop_per_px", "ms_per_frame", "steps", "minutes"]
    columns = [f"{measure}_{density:g}" for density in DENSITIES_PER_UM2 for measure in MEASURES]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *columns])
    for result in results:
        scores = [f"{result.score(d)[measure]:.4g}" for d in DENSITIES_PER_UM2 for measure in MEASURES]
        fixed = [result.name, result.shape, result.parameters]
        costs = [f"{result.mflop_per_px:.4g}", f"{result.ms_per_frame:.4g}", result.steps, f"{result.minutes:.3g}"]
        writer.writerow([*fixed, *costs, *scores])
    return text.getvalue()


def report(results: Sequence[Result]) -> str:
    """A Markdown table, cheapest first; those on a front are marked."""
    best = {results[i].name for ixs in _fronts(results).values() for i in ixs}
    heads = ["", "name", "shape", "parameters", "MFLOP/px", "ms/frame", "updates"]
    heads += [f"JI, lateral, axial nm at {density:g}/µm²" for density in DENSITIES_PER_UM2]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for result in sorted(results, key=lambda r: r.mflop_per_px):
        cells = ["*" if result.name in best else "", result.name, result.shape, f"{result.parameters}"]
        cells += [f"{result.mflop_per_px:.3f}", f"{result.ms_per_frame:.1f}", f"{result.steps}"]
        for density in DENSITIES_PER_UM2:
            score = result.score(density)
            cells.append(f"{score['ji']:.3f}, {score['lateral_nm']:.1f}, {score['axial_nm']:.0f}".replace("nan", "-"))
        lines.append("| " + " | ".join(cells) + " |")
    minutes = sorted({round(result.minutes) for result in results})
    return (
        "# Accuracy against cost\n\n"
        f"{len(results)} networks, trained {' or '.join(map(str, minutes))} min each from the same seed. "
        "`*`: no other is both cheaper and better in JI, lateral or axial error at "
        f"{PLOT_DENSITY_PER_UM2:g}/µm². ms: ONNX Runtime, one thread, one frame of 128 x 128.\n\n"
        + "\n".join(lines)
        + "\n\n![accuracy against cost](pareto.svg)\n"
    )


def picture(results: Sequence[Result]) -> str:
    """JI, lateral and axial error against MFLOP/px, each with its front."""
    panels = [_panel(results, measure) for measure in MEASURES if measure != "axial_nm" or _has_axial(results)]
    width, height = 560, 340
    inner = "".join(f'<g transform="translate(0 {i * height})">{panel}</g>' for i, panel in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height * len(panels)}" width="{width}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{inner}</svg>\n'
    )


def _panel(results: Sequence[Result], measure: str) -> str:
    titles = {"ji": "Jaccard index", "lateral_nm": "lateral r.m.s. error, nm", "axial_nm": "axial r.m.s. error, nm"}
    points = [(r.mflop_per_px, r.score(PLOT_DENSITY_PER_UM2)[measure]) for r in results]
    good = [points[i] for i in _fronts(results)[measure]]
    series = [
        Series(name="networks", points=points, labels=[r.name for r in results], line=False),
        Series(name="front", points=good, dashed=True),
    ]
    title = f"{titles[measure]} at {PLOT_DENSITY_PER_UM2:g}/µm²"
    return svg.chart(series, title=title, x_label="MFLOP per camera pixel", width=560, height=330, log_x=True)


def _fronts(results: Sequence[Result]) -> dict[str, list[int]]:
    """For each measure the front at the plotted density; a high JI is good, a high error is not."""
    out = {}
    for measure in MEASURES:
        sign = -1.0 if measure == "ji" else 1.0
        out[measure] = front((r.mflop_per_px, sign * r.score(PLOT_DENSITY_PER_UM2)[measure]) for r in results)
    return out


def _has_axial(results: Sequence[Result]) -> bool:
    return any(not math.isnan(r.score(PLOT_DENSITY_PER_UM2)["axial_nm"]) for r in results)
