"""``train``: from scratch, or on from a checkpoint."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch

from blinkd_models.network import ACTIVATIONS, Architecture
from blinkd_models.train import Settings, Trainer, TrainingStoppedError


def add(verbs: Any) -> None:
    train = verbs.add_parser("train", help="train from scratch, or go on from RUN/checkpoint.pt")
    train.add_argument("--run", type=Path, required=True, help="folder of the checkpoint")
    train.add_argument("--minutes", type=float, default=110.0, help="training time; the schedule follows it")
    train.add_argument("--steps", type=int, help="end after so many updates, if that comes first")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--learning-rate", type=float, default=2e-3)
    train.add_argument("--sequences", type=int, default=4, help="sequences of 10 frames per update")
    train.add_argument("--features", type=int, default=16)
    train.add_argument("--activation", choices=sorted(ACTIVATIONS), default="silu")
    train.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    settings = Settings(
        minutes=arguments.minutes,
        steps=arguments.steps,
        seed=arguments.seed,
        learning_rate=arguments.learning_rate,
        sequences=arguments.sequences,
        architecture=Architecture(features=arguments.features, activation=arguments.activation),
    )
    try:
        Trainer(settings, run=arguments.run).run(report=partial(print, flush=True))
    except TrainingStoppedError as reason:
        print(f"training stopped: {reason}", file=sys.stderr)
        return 1
    return 0
