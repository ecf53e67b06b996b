"""The command line: finds the verb and calls it. What a verb does stands in ``verbs``."""

from __future__ import annotations

import argparse

from blinkd_models.verbs import (
    anet,
    calibrate,
    compare,
    evaluate,
    export,
    import_,
    infer,
    overview,
    pareto,
    quantize,
    report,
    train,
)

VERBS = (calibrate, train, evaluate, report, overview, export, import_, quantize, infer, compare, pareto, anet)


def parser() -> argparse.ArgumentParser:
    """Every verb with its arguments."""
    top = argparse.ArgumentParser(prog="blinkd_models", description="Train, judge and export blinkd's networks.")
    top.add_argument("--threads", type=int, default=2, help="1 on a busy machine: threads wait for each other")
    verbs = top.add_subparsers(dest="verb", required=True)
    for verb in VERBS:
        verb.add(verbs)
    return top


def main() -> int:
    """Entry point; returns the exit code."""
    arguments = parser().parse_args()
    code: int = arguments.call(arguments)
    return code
