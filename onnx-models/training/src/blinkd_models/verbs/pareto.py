"""``pareto``: accuracy against cost of many network shapes."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from blinkd_models import pareto, pareto_table
from blinkd_models.checkpoint import DiskFullError
from blinkd_models.device import keep_memory
from blinkd_models.train import TrainingStoppedError

EPILOG = """
Writes OUT/pareto.csv, .md and .svg after each candidate; the same command goes on where a stopped one was.
Example: blinkd_models --threads 1 pareto --settings pareto.toml --out runs/pareto --minutes-each 20 --clock process
"""


def add(verbs: Any) -> None:
    find = verbs.add_parser("pareto", help="train network shapes alike, compare accuracy and cost", epilog=EPILOG)
    find.add_argument("--settings", type=Path, required=True, help="TOML list: [base] and one [[candidate]] each")
    find.add_argument("--out", type=Path, required=True, help="folder with one run per candidate")
    find.add_argument("--minutes-each", type=float, required=True, help="training time of each candidate")
    find.add_argument("--clock", choices=sorted(pareto.CLOCKS), default="process", help="what the minutes count")
    find.add_argument("--only", nargs="+", default=[], help="names of candidates; the others are left out")
    find.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    keep_memory()
    try:
        candidates = pareto.read_candidates(arguments.settings, minutes=arguments.minutes_each)
        if unknown := set(arguments.only) - {candidate.name for candidate in candidates}:
            raise ValueError(f"--only names {', '.join(sorted(unknown))}; {arguments.settings} has no such candidate")
        pareto.search(
            [candidate for candidate in candidates if not arguments.only or candidate.name in arguments.only],
            out=arguments.out,
            clock=pareto.CLOCKS[arguments.clock],
            report=partial(print, flush=True),
            after_each=partial(pareto_table.write, out=arguments.out),
        )
    except KeyboardInterrupt:
        print("pareto: stopped; the same command goes on", file=sys.stderr)
        return 130
    except (ValueError, DiskFullError) as reason:
        print(f"pareto: {reason}", file=sys.stderr)
        return 2
    except TrainingStoppedError as reason:
        print(f"pareto: training stopped: {reason}", file=sys.stderr)
        return 1
    return 0
