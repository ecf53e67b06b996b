"""``evaluate``: metrics on fresh simulations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models import card, export
from blinkd_models.evaluate import Metrics, evaluate, grid
from blinkd_models.evaluate.condition import promised_condition
from blinkd_models.report.summary import with_metrics
from blinkd_models.verbs import measured_psf


def add(verbs: Any) -> None:
    judge = verbs.add_parser("evaluate", help="metrics on fresh simulations")
    judge.add_argument("--bundle", type=Path, required=True)
    measured_psf.add(judge)
    judge.add_argument("--also", type=Path, nargs="*", default=[], help="bundles with the same weights")
    judge.add_argument("--write", action="store_true", help="put the metrics into the card")
    judge.add_argument(
        "--densities", type=float, nargs="+", default=[0.2, 1.0, 2.0, 3.0, 5.0], help="visible emitters per um^2"
    )
    judge.add_argument("--photons", type=float, nargs="+", default=[500.0, 1000.0, 2000.0, 5000.0, 10000.0])
    judge.add_argument("--appearances", type=int, default=4000, help="visible emitters per condition, about")
    judge.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    try:
        model, content = export.load_weights(arguments.bundle), card.read(arguments.bundle)
        base = promised_condition(content, psf=measured_psf.load(arguments.psf, content=content))
    except (ValueError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    rows = []
    print("density photons    JI  prec   rec  lateral  CRLB  ratio  axial  ratio  efficiency")
    for condition in grid(arguments.densities, arguments.photons, base=base):
        metrics = evaluate(
            model,
            condition=condition,
            scales=card.scales(content),
            post=card.post_process(content),
            grid_px=content["network"]["grid_px"],
            appearances=arguments.appearances,
        )
        rows.append(metrics.as_dict())
        print(_line(metrics), flush=True)
    for bundle in [arguments.bundle, *arguments.also] if arguments.write else []:
        card.write(with_metrics(card.read(bundle), rows), bundle=bundle)
    return 0


def _line(row: Metrics) -> str:
    """A line of the table; nothing in the axial columns in 2D."""
    axial = "     -      -"
    if row.rmse_axial_nm is not None and row.axial_over_crlb is not None:
        axial = f"{row.rmse_axial_nm:6.1f} {row.axial_over_crlb:6.2f}"
    return (
        f"{row.density_per_um2:7g} {row.photons:7g} {row.ji:5.3f} {row.precision:5.3f} {row.recall:5.3f} "
        f"{row.rmse_lateral_nm:8.1f} {row.crlb_lateral_nm:5.1f} {row.rmse_over_crlb:6.2f} {axial} "
        f"{row.efficiency:11.3f}"
    )
