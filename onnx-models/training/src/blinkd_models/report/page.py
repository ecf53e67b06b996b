"""The report as one HTML file that needs nothing else.

Comes in: measurements. Goes out: HTML. Never: measures; loads anything from a network.
"""

from __future__ import annotations

import html

from blinkd_models.report import curves, frames, style, trust
from blinkd_models.report.headline import headline
from blinkd_models.report.measure import Measurements
from blinkd_models.report.tables import fixed, matrix, number, rows

CSS = """
:root { color-scheme: light }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #22272e; background: #f4f6f8; margin: 0 }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px }
header h1 { margin: 0; font-size: 28px }
header p { margin: 4px 0 0; color: #57606a; max-width: 80ch }
section { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 16px 22px 20px; margin-top: 18px }
h2 { font-size: 18px; margin: 0 0 4px } section > p { margin: 0 0 10px; max-width: 95ch; color: #3d444d }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin-top: 18px }
.tile { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 12px 16px }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums }
.tile span { color: #57606a; font-size: 13px }
svg, img { max-width: 100%; height: auto; display: block; margin: 4px auto }
.tables { display: flex; flex-wrap: wrap; gap: 22px; margin-top: 12px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13.5px }
caption { text-align: left; font-weight: 600; padding-bottom: 4px } th { font-weight: 500; color: #57606a }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid #eceff2 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 6px 0 0 }
dt { color: #57606a } dd { margin: 0 }
@media print { body { background: #fff } section, .tile { break-inside: avoid } }
"""


def page(m: Measurements) -> str:
    """The whole document."""
    with style.styled():
        sections = [
            _frames(m), _density(m), _isolated(m), *([_depth(m)] if m.depth else []), _sigma(m), _context(m), _bias(m),
            _linearity(m), _how(m),
        ]  # fmt: skip
    name, description = (html.escape(str(m.content[key])) for key in ("name", "description"))
    tiles = "".join(
        f'<div class="tile"><b>{html.escape(value)}</b><span>{html.escape(words)}</span></div>'
        for value, words in headline(m)
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{CSS}</style><main><header><h1>{name}</h1><p>{description}</p></header>"
        f'<div class="tiles">{tiles}</div>{"".join(sections)}</main></html>\n'
    )


def _section(name: str, text: str, *parts: str) -> str:
    return f"<section><h2>{html.escape(name)}</h2><p>{text}</p>{''.join(parts)}</section>"


def _frames(m: Measurements) -> str:
    text = (
        "Simulated frames as the network gets them, the true emitters, and the localizations with the uncertainty "
        "that the network itself gives. Emitters of at least 50 photons count; "
        "the smaller the ring, the dimmer. Scale bar: 1 µm."
    )
    figure = style.png(frames.examples(m.examples), label="Example frames with true emitters and localizations")
    return _section("What it sees", text, figure)


def _density(m: Measurements) -> str:
    text = (
        "Blinking emitters, about two frames long, so first and last frames are dim. JI = TP / (TP + FP + FN) within "
        "250 nm; r.m.s.e. is √mean(dx² + dy²); efficiency is 1 − √((1 − JI)² + (r.m.s.e. / 100 nm)²)"
        + (", averaged with the axial one (200 nm)" if m.condition.volume else "")
        + ". The last table holds only emitters that shine for the whole frame, against the bound of each if it were "
        "alone; context in time can push it below 1, neighbours in space push it up."
    )
    tables = [
        matrix(m, title="Jaccard index", value=lambda r: r.ji, digits=3, low=0.4, high=1.0),
        matrix(m, title="r.m.s.e. lateral (nm)", value=lambda r: r.rmse_lateral_nm, digits=1, low=50.0, high=5.0),
        matrix(m, title="Efficiency", value=lambda r: r.efficiency, digits=3, low=0.3, high=1.0),
        matrix(m, title="r.m.s.e. / CRLB, lateral", value=lambda r: r.rmse_over_crlb, digits=2, low=4.0, high=1.0),
    ]
    if m.condition.volume:
        axial = matrix(m, title="r.m.s.e. axial (nm)", value=lambda r: r.rmse_axial_nm, digits=1, low=100.0, high=10.0)
        tables.insert(2, axial)
        tables.append(
            matrix(m, title="r.m.s.e. / CRLB, axial", value=lambda r: r.axial_over_crlb, digits=2, low=4.0, high=1.0)
        )
    figure = style.svg(curves.against_density(m), label="Jaccard index, error and efficiency against density")
    return _section("Crowded frames", text, figure, f'<div class="tables">{"".join(tables)}</div>')


def _isolated(m: Measurements) -> str:
    text = (
        "One emitter at a time, at a random place, no other within 16 pixels, shining for whole frames. The bound is "
        "Cramér and Rao's for a fit of one frame that knows the PSF (position, photons and background unknown). An "
        "emitter that shines in three frames gives three times the information, so its bound is √3 lower. "
        "The network serves all optics in the card's ranges and is not told which: where these are drawn, the bound is "
        "that of optics in doubt (van Trees'). Only a network trained for one calibration can reach that of known "
        "optics."
    )
    volume = m.condition.volume
    body = [
        [
            f"{row.photons:g}", curves.MODE_STYLES[row.mode][0], fixed(100.0 * row.found, 1),
            fixed(row.rmse_nm[0]), fixed(row.rmse_nm[1]), fixed(row.crlb_nm[0]), fixed(row.sigma_nm[0]),
            fixed(row.lateral_over_crlb), fixed(row.over_bound[0]),
            *([fixed(row.rmse_nm[2], 1), fixed(row.axial_over_crlb), fixed(row.over_bound[1])] if volume else []),
        ]
        for row in m.isolated
    ]  # fmt: skip
    head = [
        "photons", "shown", "found %", "x (nm)", "y (nm)", "bound x, one frame (nm)", "predicted σ x (nm)",
        "lateral / one-frame bound", "/ bound of what was shown",
        *(["z (nm)", "z / one-frame bound", "/ bound of what was shown"] if volume else []),
    ]  # fmt: skip
    table = rows(f"r.m.s.e. of {m.isolated[0].emitters if m.isolated else 0} emitters each", head=head, body=body)
    figure = style.svg(curves.against_photons(m), label="Error of isolated emitters and bound against photons")
    return _section("Alone: against the bound", text, figure, f'<div class="tables">{table}</div>')


def _depth(m: Measurements) -> str:
    text = "Isolated emitters that shine in one frame only, about 2,500 photons; the bound is that of one frame."
    return _section("Depth", text, style.svg(curves.against_depth(m), label="Errors and axial bias against z"))


def _sigma(m: Measurements) -> str:
    repeats = "" if m.repeated is None else (
        f" Middle and right: one crowded recording exposed {m.repeated.repeats} times; each point is an emitter."
    )  # fmt: skip
    text = (
        "Is the σ that comes with each localization its real error? On the line it is; above it the network is too "
        "sure of itself. The z-score is √mean((error / σ)²), 1 if σ is true; a few wrong matches raise it." + repeats
    )
    axes = list(next(iter(m.crowding.values()))["sigma"]) if m.crowding else []
    body = [
        [f"{density:g}", *(fixed(report["sigma"][axis]["z_score_sd"]) for axis in axes),
         *(fixed(report["sigma"][axis]["bin_correlation"], 3) for axis in axes)]
        for density, report in m.crowding.items()
    ]  # fmt: skip
    head = ["/µm²", *(f"z-score {axis}" for axis in axes), *(f"correlation of bins {axis}" for axis in axes)]
    table = rows("Calibration of σ", head=head, body=body)
    figure = style.svg(trust.sigma(m), label="Measured error against predicted sigma")
    return _section("What its σ is worth", text, figure, f'<div class="tables">{table}</div>')


def _context(m: Measurements) -> str:
    text = (
        "The same recordings twice: every frame with its true neighbours, and every frame as its own neighbour, as in "
        "a live view. The network is the same; one trained for single frames would lose less."
    )
    return _section("Temporal context", text, style.svg(curves.temporal_context(m), label="With and without context"))


def _bias(m: Measurements) -> str:
    deviations = ", ".join(
        f"{axis} {number(row['rms_deviation'])} (chance {number(row['expected_rms_deviation'])})"
        for axis, row in m.pooled["subpixel"].items()
    )
    text = (
        "All conditions together. Truth is uniform over the pixel; a histogram with a bump says that localizations are "
        f"drawn to a part of it. Root mean square deviation from uniform: {deviations}. Right: isolated emitters that "
        "the detection loses because their probability is shared by the four pixels around a corner."
    )
    return _section("Bias to the pixel", text, style.svg(trust.subpixel(m), label="Sub-pixel histogram and bias"))


def _linearity(m: Measurements) -> str:
    line = m.pooled["photons"]
    text = (
        f"Photons, all conditions: found = {number(line['slope'], 4)} · true + {number(line['intercept'], 3)}; median "
        f"ratio {number(line['ratio_median'], 4)}. In dense frames the light of neighbours ends up in dim emitters."
    )
    return _section("Photons and background", text, style.svg(trust.linearity(m), label="Photons and background"))


def _how(m: Measurements) -> str:
    condition, plan, cost = m.condition, m.plan, m.cost
    kind = (
        "measured" if condition.psf is not None else ("astigmatic Gaussian" if condition.volume else "round Gaussian")
    )
    camera = condition.camera
    facts = [
        ("network", f"{cost.parameters:,} parameters, {cost.mflop_per_px:g} MFLOP per camera pixel"),
        ("time", f"{cost.ms_per_frame:.1f} ms of one CPU thread per new 128 × 128 frame (ONNX Runtime, median)"),
        ("size", f"{cost.bytes_on_disk / 1e6:.2f} MB of graphs, {m.content['graphs'].get('precision', '')}"),
        ("optics", f"{kind} PSF, σ {condition.psf_sigma_nm:g} nm, pixels of {condition.pixel_size_nm:g} nm"),
        ("light", f"background {condition.background_photons:g} photons per pixel, brightness varies by 10 %"),
        ("blinking", f"mean on-time {condition.on_time_frames:g} frames, recordings of {condition.frames} frames"),
        ("camera", f"QE {camera.qe:g}, {camera.e_per_adu:g} e⁻ per count, read noise {camera.read_noise_e:g} e⁻"),
        ("effort", f"{plan.appearances:,} visible emitters per condition, seed {plan.seed}; the graphs of the bundle"),
    ]
    if condition.volume:
        low, high = condition.z_nm
        facts.insert(4, ("depth", f"z {low:g} to {high:g} nm, foci ±{condition.focus_nm:g} nm"))
    items = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts)
    text = "Every number comes from fresh simulations; none of them was seen in training."
    return _section("How it was measured, and what it costs", text, f"<dl>{items}</dl>")
