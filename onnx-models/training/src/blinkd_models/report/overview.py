"""Tables of all bundles for people, from the cards' metrics: what ``onnx-models/README.md`` shows.

Comes in: cards with metrics of ``report --write``. Goes out: Markdown. Never: a number that is in no card.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blinkd_models import card

FIRST, LAST = "<!-- tables from the cards: blinkd_models overview -->", "<!-- end of tables -->"
DENSITIES = (0.2, 1.0, 2.0, 3.0)
PHOTONS = (500.0, 1000.0, 2500.0, 5000.0)


def judged(bundles: Path) -> list[dict[str, Any]]:
    """The cards of the folders in ``bundles`` that a report was written for, by name."""
    cards = (card.read(path.parent) for path in sorted(bundles.glob(f"*/{card.NAME}")))
    return [content for content in cards if any(row.get("test") == "isolated" for row in content.get("metrics", []))]


def markdown(cards: Sequence[dict[str, Any]]) -> str:
    """All tables."""
    parts = [_cost(cards)]
    for content in cards:
        parts += [f"### {content['name']}", _crowded(content), _isolated(content)]
    return "\n\n".join(parts)


def inserted(page: str, *, tables: str) -> str:
    """The page with these tables between its two marks."""
    before, found, rest = page.partition(FIRST)
    _, end, after = rest.partition(LAST)
    if not found or not end:
        raise ValueError(f"the page lacks the marks {FIRST} and {LAST}; put them where the tables belong")
    return f"{before}{FIRST}\n\n{tables}\n\n{LAST}{after}"


def _cost(cards: Sequence[dict[str, Any]]) -> str:
    rows = []
    for content in cards:
        network = content["network"]
        cost = next((row for row in content["metrics"] if row.get("test") == "cost"), None)
        measured = ["-", "-"] if cost is None else [f"{cost['parameters']:,.0f}", f"{cost['ms_per_frame']:.1f}"]
        limits = [network["halo_px"], content["range"]["density_per_um2"][1]]
        rows.append([content["name"], content["version"], f"{network['mflop_per_px']:g}", *measured, *limits])
    heads = ("bundle", "version", "MFLOP per pixel", "parameters", "CPU ms per 128 × 128 frame, one thread", "halo px")
    return _table([*heads, "visible emitters per µm² up to"], rows)


def _crowded(content: dict[str, Any]) -> str:
    """JI and errors where emitters blink; ratios are of emitters that shine for a whole frame."""
    found = [row for row in content["metrics"] if row.get("test") == "blinking"]
    volume = any("rmse_axial_nm" in row for row in found)
    heads = ["per µm²", "photons", "JI", "each frame alone", "lateral nm", "each frame alone", "/ CRLB"]
    heads += ["axial nm", "/ CRLB"] if volume else []
    rows = []
    for row in found:
        if row["density_per_um2"] not in DENSITIES or row["photons"] not in PHOTONS:
            continue
        cells = [
            f"{row['density_per_um2']:g}",
            f"{row['photons']:g}",
            f"{row['ji']:.3f}",
            f"{row['ji_single_frame']:.3f}",
            f"{row['rmse_lateral_nm']:.1f}",
            f"{row['rmse_lateral_single_frame_nm']:.1f}",
            f"{row['rmse_over_crlb']:.2f}",
        ]
        cells += [f"{row['rmse_axial_nm']:.1f}", f"{row['axial_over_crlb']:.2f}"] if volume else []
        rows.append(cells)
    return _table(heads, rows)


def _isolated(content: dict[str, Any]) -> str:
    """One emitter that shines in one frame, dark neighbours: the middle of the optics that are promised, against the
    bound of that frame; then optics drawn from the card's ranges, against the bound of optics in doubt."""
    rows = [row for row in content["metrics"] if row.get("test") == "isolated"]
    shown = {mode: [row for row in rows if row["shown"] == mode] for mode in ("dark", "varied")}
    axes = ("lateral", "axial") if any("axial_over_crlb" in row for row in rows) else ("lateral",)
    heads = ["isolated, lit in one frame: photons", "found", *(f"{axis} / CRLB" for axis in axes)]
    heads += [f"optics in doubt: {axis} / bound" for axis in axes] if shown["varied"] else []
    cells = []
    for index, row in enumerate(shown["dark"]):
        line = [f"{row['photons']:g}", f"{100.0 * row['found']:.1f} %", *(f"{row[f'{a}_over_crlb']:.2f}" for a in axes)]
        for varied in shown["varied"][index : index + 1]:
            line += [f"{varied[f'{axis}_over_doubt']:.2f}" for axis in axes]
        cells.append(line)
    return _table(heads, cells)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])
