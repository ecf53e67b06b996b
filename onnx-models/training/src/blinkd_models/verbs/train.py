"""``train``: from scratch, or on from a checkpoint."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, get_args

import torch

from blinkd_models import checkpoint, settings_file
from blinkd_models.checkpoint import DiskFullError
from blinkd_models.device import keep_memory
from blinkd_models.network import ACTIVATIONS
from blinkd_models.settings import PRESETS, Device, Precision, Schedule, Settings
from blinkd_models.train import Trainer, TrainingStoppedError

CLOCKS = {"wall": time.monotonic, "process": time.process_time}
SINGLE = (
    "minutes", "steps", "seed", "learning_rate", "schedule", "sequences", "device", "precision", "init", "teacher",
    "teacher_weight",
)  # fmt: skip
ARCHITECTURE = ("features", "activation")
EPILOG = """
The recipe is built in layers, later ones win: defaults, --preset, --settings, options. Without the first two, a run
that was begun goes on with its own settings.toml.
Example: blinkd_models train --run runs/3d --preset astigmatic --minutes 120.
Exit codes: 0 trained or stopped by a signal, 1 stopped because it went wrong, 2 asked for something impossible.
"""


def add(verbs: Any) -> None:
    train = verbs.add_parser("train", help="train from scratch, or go on from RUN/checkpoint.pt", epilog=EPILOG)
    train.add_argument("--run", type=Path, required=True, help="folder of checkpoint, settings.toml and progress.html")
    train.add_argument("--preset", nargs="+", choices=sorted(PRESETS), help="named parts of recipes, in this order")
    train.add_argument("--settings", type=Path, help="TOML file; any value of RUN/settings.toml can stand there")
    train.add_argument(
        "--clock", choices=sorted(CLOCKS), default="wall", help="process: for machines shared with others"
    )
    train.add_argument("--minutes", type=float, help="training time; the cosine follows it (110)")
    train.add_argument("--steps", type=int, help="end after so many updates, if that comes first")
    train.add_argument("--seed", type=int)
    train.add_argument("--learning-rate", type=float)
    train.add_argument("--schedule", choices=get_args(Schedule))
    train.add_argument("--sequences", type=int, help="sequences of frames per update")
    train.add_argument("--device", choices=get_args(Device), help="auto: a GPU if there is one")
    train.add_argument("--precision", choices=get_args(Precision), help="of the body; last layers and loss are fp32")
    train.add_argument("--init", help="bundle, run or checkpoint: copy every tensor that fits")
    train.add_argument("--teacher", help="bundle, run or checkpoint to learn from as well")
    train.add_argument("--teacher-weight", type=float)
    train.add_argument("--features", type=int)
    train.add_argument("--activation", choices=sorted(ACTIVATIONS))
    train.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    torch.set_num_threads(arguments.threads)
    keep_memory()
    clock = CLOCKS[arguments.clock]
    return to_the_end(lambda: Trainer(chosen(arguments), run=arguments.run, clock=clock), verb="train")


class Training(Protocol):
    """A trainer of any network."""

    stop_requested: bool
    step: int
    path: Path

    def run(self, *, report: Callable[[str], None]) -> None: ...


def to_the_end(begin: Callable[[], Training], *, verb: str) -> int:
    """Trains until the budget is spent or a signal comes; the exit code, with what went wrong said."""
    try:
        trainer = begin()
        _stop_on_signals(trainer)
        trainer.run(report=partial(print, flush=True))
    except (ValueError, DiskFullError) as reason:
        print(f"{verb}: {reason}", file=sys.stderr)
        return 2
    except TrainingStoppedError as reason:
        print(f"training stopped: {reason}", file=sys.stderr)
        return 1
    if trainer.stop_requested:
        print(f"stopped at step {trainer.step}; the same command goes on from {trainer.path}")
    return 0


def chosen(arguments: argparse.Namespace) -> Settings:
    """The recipe that presets, files and options ask for together."""
    layers, source = layers_of(arguments, presets=PRESETS, read=settings_file.read)
    options = {name: value for name in SINGLE if (value := getattr(arguments, name)) is not None}
    shape = {name: value for name in ARCHITECTURE if (value := getattr(arguments, name)) is not None}
    return settings_file.build(settings_file.merge(*layers, options, {"architecture": shape}), source=source)


def layers_of(
    arguments: argparse.Namespace, *, presets: Mapping[str, dict[str, Any]], read: Callable[[Path], dict[str, Any]]
) -> tuple[list[dict[str, Any]], str]:
    """Presets, then the settings file; without either, the settings of a run that was begun. And what to call them."""
    own = arguments.run / settings_file.NAME
    layers = [presets[name] for name in arguments.preset or ()]
    if arguments.settings is not None:
        return [*layers, read(arguments.settings)], str(arguments.settings)
    if not layers and own.exists() and (arguments.run / checkpoint.NAME).exists():
        return [read(own)], str(own)
    return layers, "settings"


def _stop_on_signals(trainer: Training) -> None:
    """Ctrl-C and SIGTERM end training after the running update, saved; a second one ends it at once."""

    def stop(number: int, _frame: Any) -> None:
        trainer.stop_requested = True
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
