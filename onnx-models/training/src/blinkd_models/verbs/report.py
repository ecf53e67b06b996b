"""``report``: one HTML page per bundle, and its summary in the card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models import card
from blinkd_models.report.measure import Plan, measure
from blinkd_models.report.page import page
from blinkd_models.report.summary import metrics, with_metrics
from blinkd_models.verbs import measured_psf

DEFAULT = Plan()


def add(verbs: Any) -> None:
    report = verbs.add_parser("report", help="one HTML page with pictures, tables and curves of a bundle")
    report.add_argument("--bundle", type=Path, required=True)
    report.add_argument("--out", type=Path, required=True, help="the page; one file that needs nothing else")
    measured_psf.add(report)
    report.add_argument("--write", action="store_true", help="put the summary into the card")
    report.add_argument("--densities", type=float, nargs="+", default=DEFAULT.densities_per_um2, help="per um^2")
    report.add_argument("--photons", type=float, nargs="+", default=DEFAULT.photons)
    report.add_argument("--isolated-photons", type=float, nargs="+", default=DEFAULT.isolated_photons)
    report.add_argument("--appearances", type=int, default=DEFAULT.appearances, help="visible emitters per condition")
    report.add_argument("--emitters", type=int, default=DEFAULT.emitters, help="isolated emitters per brightness")
    report.add_argument("--repeats", type=int, default=DEFAULT.repeats, help="exposures of one recording; 0: none")
    report.add_argument("--seed", type=int, default=DEFAULT.seed)
    report.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(1)
    plan = Plan(
        densities_per_um2=sorted(set(arguments.densities)),
        photons=sorted(set(arguments.photons)),
        isolated_photons=sorted(set(arguments.isolated_photons)),
        appearances=arguments.appearances,
        emitters=arguments.emitters,
        repeats=arguments.repeats,
        seed=arguments.seed,
    )
    try:
        content = card.read(arguments.bundle)
        psf = measured_psf.load(arguments.psf, content=content)
        measurements = measure(arguments.bundle, plan=plan, psf=psf, say=_say)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page(measurements), encoding="utf-8")
    except (ValueError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    if arguments.write:
        card.write(with_metrics(content, metrics(measurements)), bundle=arguments.bundle)
    print(arguments.out)
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
