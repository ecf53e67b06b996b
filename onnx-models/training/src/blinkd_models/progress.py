"""What a person sees of a running training: a log line, ``progress.html`` and ``progress.jsonl``.

Comes in: log rows and early estimates. Goes out: text, and two files rewritten whole. Never: stops training, not even
when the disk is full.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from blinkd_models import schedule, settings_file, svg
from blinkd_models.settings import Settings
from blinkd_models.svg import Series
from blinkd_models.whole_file import replace_text

PAGE, ROWS = "progress.html", "progress.jsonl"
REFRESH_S = 30
Row = Mapping[str, float]

CSS = """
:root{color-scheme:light dark}
body{font:14px/1.45 system-ui,sans-serif;margin:1.2rem auto;max-width:1040px;padding:0 1rem;
background:light-dark(#fafafa,#15181c);color:light-dark(#22262b,#d7dce2)}
h1{font-size:1.25rem;margin:.2rem 0}
dl{display:flex;flex-wrap:wrap;gap:.6rem;margin:.8rem 0}
dl div,figure{background:light-dark(#fff,#1c2026);border:1px solid light-dark(#dde1e6,#2c323a);border-radius:8px}
dl div{padding:.4rem .8rem;min-width:6.5rem}dt{font-size:.75rem;opacity:.7}dd{margin:0;font-size:1.15rem}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:.7rem}
figure{margin:0;padding:.4rem}svg{width:100%;height:auto;display:block;color:inherit}
.bar{height:8px;border-radius:4px;background:light-dark(#dde1e6,#2c323a);overflow:hidden}
.bar i{display:block;height:100%;background:#4c8dff}pre{overflow:auto;font-size:12px}
"""


def line(row: Row, *, spent: float) -> str:
    """One line for the terminal."""
    distilled = f" teacher {row['distillation']:.2f}" if row.get("distillation") else ""
    left = f" {clock_text(time_left_s(row['elapsed_s'], spent=spent))} left" if spent < 1.0 else ""
    return (
        f"step {row['step']:.0f} {row['elapsed_s']:.0f} s lr {row['learning_rate']:.1e} count {row['count']:.3f} "
        f"localization {row['localization']:.2f} background {row['background']:.3f}{distilled} "
        f"norm {row['gradient_norm']:.1f}{left}"
    )


def time_left_s(elapsed_s: float, *, spent: float) -> float:
    """Seconds to the end of the budget if it goes on as so far; NaN before it began."""
    return elapsed_s * (1.0 - spent) / spent if spent > 0.0 else math.nan


def clock_text(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds below an hour."""
    if not math.isfinite(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"


def write(
    run: Path, *, history: Sequence[Row], scores: Sequence[Row], settings: Settings, running: bool
) -> None:  # fmt: skip
    """Replaces both files; says so and goes on if they cannot be written."""
    try:
        replace_text(run / ROWS, rows(history=history, scores=scores))
        replace_text(run / PAGE, page(run.name, history=history, scores=scores, settings=settings, running=running))
    except OSError as reason:
        print(f"warning: {run / PAGE} was not written: {reason}; training goes on", flush=True)


def rows(*, history: Sequence[Row], scores: Sequence[Row]) -> str:
    """Every log row and early estimate, one line of JSON each, in the order of steps."""
    tagged = [(row["step"], "step", row) for row in history] + [(row["step"], "estimate", row) for row in scores]
    tagged.sort(key=lambda entry: entry[:2])
    return "".join(_json(kind, row) for _, kind, row in tagged)


def page(
    name: str, *, history: Sequence[Row], scores: Sequence[Row], settings: Settings, running: bool
) -> str:  # fmt: skip
    """The whole page; it needs nothing from elsewhere."""
    refresh = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if running else ""
    charts = "".join(f"<figure>{chart}</figure>" for chart in [*_estimates(scores), *_curves(history)])
    spent = _spent(history, settings=settings, running=running)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}'
        f'<meta name="viewport" content="width=device-width"><title>{100 * spent:.0f} % {escape(name)}</title>'
        f"<style>{CSS}</style></head><body><h1>{escape(name)}: {'training' if running else 'ended'}</h1>"
        f'<div class="bar"><i style="width:{100 * spent:.1f}%"></i></div>'
        f"<dl>{_facts(history, scores=scores, spent=spent)}</dl><main>{charts or '<p>Nothing logged yet.</p>'}</main>"
        f"<details><summary>Settings</summary><pre>{escape(settings_file.text(settings))}</pre></details></body></html>\n"
    )


def steps_per_s(history: Sequence[Row]) -> float:
    """Over the last log intervals."""
    if not history:
        return math.nan
    last, before = history[-1], history[-6] if len(history) > 5 else {"step": 0.0, "elapsed_s": 0.0}
    return (last["step"] - before["step"]) / max(last["elapsed_s"] - before["elapsed_s"], 1e-9)


def _spent(history: Sequence[Row], *, settings: Settings, running: bool) -> float:
    if not history:
        return 0.0 if running else 1.0
    return schedule.fraction(settings, step=int(history[-1]["step"]), elapsed_s=history[-1]["elapsed_s"])


def _facts(history: Sequence[Row], *, scores: Sequence[Row], spent: float) -> str:
    facts: list[tuple[str, str]] = []
    if history:
        last = history[-1]
        facts = [
            ("updates", f"{last['step']:.0f}"),
            ("updates/s", f"{steps_per_s(history):.2f}"),
            ("trained", clock_text(last["elapsed_s"])),
            ("left", clock_text(time_left_s(last["elapsed_s"], spent=spent))),
            ("learning rate", f"{last['learning_rate']:.1e}"),
            ("detections / emitters", f"{last['expected']:.1f} / {last['asked']:.1f}" if "expected" in last else "-"),
        ]
    if scores:
        score = scores[-1]
        facts += [("JI", f"{score['ji']:.3f}"), ("lateral", f"{score['lateral_nm']:.1f} nm")]
        if math.isfinite(score["axial_nm"]):
            facts.append(("axial", f"{score['axial_nm']:.0f} nm"))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)


def _estimates(scores: Sequence[Row]) -> list[str]:
    """JI and errors against minutes, if there is an estimate yet."""
    if not scores:
        return []
    say = f"{scores[-1]['density_per_um2']:g}/µm², {scores[-1]['photons']:g} photons"
    errors = [_series(scores, "lateral_nm", name="lateral")]
    if any(math.isfinite(row["axial_nm"]) for row in scores):
        errors.append(_series(scores, "axial_nm", name="axial"))
    ji = [_series(scores, "ji", name="JI")]
    return [
        svg.chart(ji, title=f"Jaccard index ({say})", x_label="minutes", from_zero=True),
        svg.chart(errors, title="r.m.s. error, nm", x_label="minutes", from_zero=True),
    ]


def _curves(history: Sequence[Row]) -> list[str]:
    if not history:
        return []
    losses = [
        ("localization", False),
        ("count", False),
        ("background", True),
        ("gradient_norm", True),
        ("learning_rate", True),
    ]
    charts = [
        svg.chart([_series(history, key, name=key)], title=key.replace("_", " "), x_label="minutes", log_y=log)
        for key, log in losses
    ]
    if any(row.get("distillation") for row in history):
        own = [_series(history, "distillation", name="teacher")]
        charts.append(svg.chart(own, title="pull of the teacher", x_label="minutes", log_y=True))
    if "expected" in history[-1]:
        both = [_series(history, "expected", name="detections"), _series(history, "asked", name="emitters")]
        charts.append(svg.chart(both, title="per frame", x_label="minutes", from_zero=True))
    return charts


def _series(rows: Sequence[Row], key: str, *, name: str) -> Series:
    return Series(name=name, points=[(row["elapsed_s"] / 60.0, row[key]) for row in rows if key in row])


def _json(kind: str, row: Row) -> str:
    """One line; JSON knows no NaN."""
    return json.dumps({"kind": kind, **{k: v if math.isfinite(v) else None for k, v in row.items()}}) + "\n"
