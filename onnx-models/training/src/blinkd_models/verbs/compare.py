"""``compare``: localizations against a truth table."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blinkd_models.evaluate import match
from blinkd_models.infer import read_csv


def add(verbs: Any) -> None:
    compare = verbs.add_parser("compare", help="localizations against a truth table (frame from 1, x [nm], y [nm])")
    compare.add_argument("--localizations", type=Path, required=True)
    compare.add_argument("--truth", type=Path, required=True)
    compare.add_argument("--pixel-size-nm", type=float, required=True)
    compare.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    found = read_csv(arguments.localizations)
    with arguments.truth.open(newline="", encoding="utf-8") as file:
        rows = [(int(float(row["frame"])), float(row["x [nm]"]), float(row["y [nm]"])) for row in csv.DictReader(file)]
    truth = np.array(rows)
    matches = match(
        truth_frame=truth[:, 0] - 1,
        truth_nm=truth[:, 1:],
        found_frame=found.frame.numpy(),
        found_nm=(torch.stack([found.x_px, found.y_px], dim=1).numpy() + 0.5) * arguments.pixel_size_nm,
    )
    print(
        f"JI {matches.jaccard:.3f} precision {matches.precision:.3f} recall {matches.recall:.3f} "
        f"lateral {matches.rmse_nm:.1f} nm"
    )
    return 0
