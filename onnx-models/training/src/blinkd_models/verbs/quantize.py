"""``quantize``: an int8 bundle of an fp32 one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models.quantize import Limits, QuantizeError, is_worth_it, quantize


def add(verbs: Any) -> None:
    small = verbs.add_parser("quantize", help="int8 bundle of an fp32 one, with what it costs and gains on this CPU")
    small.add_argument("--bundle", type=Path, required=True, help="the fp32 bundle")
    small.add_argument(
        "-o", "--out", type=Path, required=True, help="the int8 bundle's folder; its name is the model's"
    )
    small.add_argument(
        "--largest-ji-loss", type=float, default=Limits.ji_loss, help="refuse to write if the Jaccard index falls more"
    )
    small.add_argument(
        "--largest-rmse-growth",
        type=float,
        default=Limits.rmse_growth,
        help="refuse if the r.m.s.e. grows more, as a part",
    )
    small.add_argument("--sequences", type=int, default=24, help="of 8 frames of 64 x 64 px, to judge by")
    small.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    try:
        if arguments.sequences < 1:
            raise QuantizeError(f"--sequences is {arguments.sequences}; it must be at least 1")
        report = quantize(
            arguments.bundle,
            bundle=arguments.out,
            limits=Limits(ji_loss=arguments.largest_ji_loss, rmse_growth=arguments.largest_rmse_growth),
            sequences=arguments.sequences,
        )
    except ValueError as error:
        print(f"quantize: {error}", file=sys.stderr)
        return 2
    before, after = report.before, report.after
    print(f"{'':6} {'JI':>6} {'rmse nm':>8}   ({after.emitters} emitters of the card's ranges)")
    for name, quality in (("fp32", before), ("int8", after)):
        print(f"{name:6} {quality.ji:6.3f} {quality.rmse_lateral_nm:8.2f}")
    verdict = "" if is_worth_it(report) else "; not worth it on this CPU"
    print(f"{arguments.out}: {report.speed_ratio:.2f} times as fast on one thread{verdict}")
    return 0
