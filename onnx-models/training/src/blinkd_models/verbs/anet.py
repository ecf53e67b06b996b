"""``anet``: train, judge and export ANNA-PALM's network."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models import card, checkpoint, settings_file, svg
from blinkd_models.anet import export
from blinkd_models.anet.evaluate import Curve, curves, factors, seam
from blinkd_models.anet.settings import PRESETS, AnetSettings
from blinkd_models.anet.train import AnetTrainer, take
from blinkd_models.device import keep_memory
from blinkd_models.verbs.train import layers_of, to_the_end

EPILOG = """
Example: blinkd_models anet train --run runs/filaments --minutes 120, then anet evaluate and anet export.
Exit codes: 0 done or stopped by a signal, 1 training went wrong, 2 asked for something impossible.
"""


def add(verbs: Any) -> None:
    """Three verbs of its own."""
    anet = verbs.add_parser("anet", help="ANNA-PALM: pictures from sparse localizations", epilog=EPILOG)
    own = anet.add_subparsers(dest="anet_verb", required=True)
    train = own.add_parser("train", help="train from scratch, or go on from RUN/checkpoint.pt")
    train.add_argument("--run", type=Path, required=True, help="folder of checkpoint and settings.toml")
    train.add_argument("--preset", nargs="+", choices=sorted(PRESETS), help="named parts of recipes, in this order")
    train.add_argument("--settings", type=Path, help="TOML file; any value of RUN/settings.toml can stand there")
    train.add_argument("--minutes", type=float, help="budget of training time")
    train.add_argument("--steps", type=int, help="end after so many updates, if that comes first")
    train.add_argument("--seed", type=int)
    train.add_argument("--init", help="run, bundle or checkpoint to start from")
    train.add_argument("--kinds", nargs="+", help="structures to learn")
    train.add_argument("--tables", nargs="+", help="dense localization tables (CSV) to learn from as well")
    train.set_defaults(call=run_train)
    judge = own.add_parser("evaluate", help="MS-SSIM against the number of localizations, and seams")
    judge.add_argument("--bundle", type=Path, required=True)
    judge.add_argument("--pictures", type=int, default=10, help="held-back pictures of 10 x 10 um")
    judge.add_argument("--write", action="store_true", help="put the metrics into the card, and curve.svg beside it")
    judge.set_defaults(call=run_evaluate)
    out = own.add_parser("export", help="write the bundle of RUN/checkpoint.pt")
    out.add_argument("--run", type=Path, required=True)
    out.add_argument("--bundle", type=Path, required=True, help="folder; its name is the model's")
    out.add_argument("--window-px", type=int, default=export.WINDOW_PX, help="side of the graph's fixed window")
    out.add_argument("--model-version", default="1", help="of the bundle; a retrained one gets another")
    out.add_argument("--note", default="", help="what else the card should say of the training")
    out.set_defaults(call=run_export)


def run_train(arguments: argparse.Namespace) -> int:
    """Trains; a signal ends it after the running update, saved."""
    torch.set_num_threads(arguments.threads)
    keep_memory()
    return to_the_end(lambda: AnetTrainer(chosen(arguments), run=arguments.run), verb="anet train")


def run_export(arguments: argparse.Namespace) -> int:
    """Writes a bundle."""
    torch.set_num_threads(arguments.threads)
    try:
        found = checkpoint.last_good(arguments.run, read=take)
        if found is None:
            raise ValueError(f"{arguments.run / checkpoint.NAME} is missing; --run names the folder that train wrote")
        worst = export.write(
            found[0], bundle=arguments.bundle, version=arguments.model_version, note=arguments.note,
            window_px=arguments.window_px,
        )  # fmt: skip
    except (ValueError, OSError) as reason:
        print(f"anet export: {reason}", file=sys.stderr)
        return 2
    print(f"{arguments.bundle}: step {found[0]['step']}, ONNX Runtime agrees with PyTorch to {worst:.1e}")
    return 0


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Judges a bundle's weights on held-back simulations."""
    torch.set_num_threads(arguments.threads)
    try:
        painter, settings = export.load(take(arguments.bundle / export.WEIGHTS))
        content = card.read(arguments.bundle)
    except (ValueError, OSError) as reason:
        print(f"anet evaluate: {reason}", file=sys.stderr)
        return 2
    network = content["network"]
    rows: list[dict[str, Any]] = []
    for kind in settings.kinds:
        found = curves(
            painter.generator, kind=kind, structures=settings.structures, sampling=settings.sampling,
            pictures=arguments.pictures,
        )  # fmt: skip
        for curve in found:
            print(f"{kind}, {curve.name}: " + " ".join(f"{value:.3f}" for value in curve.mean), flush=True)
            rows.append({"test": "ms_ssim", "kind": kind, "of": curve.name, "per_um2": list(curve.per_um2),
                         "mean": list(curve.mean), "spread": list(curve.spread)})  # fmt: skip
        for row in factors(found):
            print(f"{kind}: {row}")
            rows.append({"test": "factor", "kind": kind, **row})
        height = seam(
            painter.generator, kind=kind, structures=settings.structures, window_px=network["window_px"],
            overlap_px=network["overlap_px"],
        )  # fmt: skip
        print(f"{kind}, seam: strip {height['strip']:.4f}, middle {height['middle']:.4f} r.m.s. of 0 to 1")
        rows.append({"test": "seam", "kind": kind, **{name: round(value, 5) for name, value in height.items()}})
        if arguments.write:
            (arguments.bundle / f"curve-{kind}.svg").write_text(picture_of(found, kind=kind), encoding="utf-8")
    if arguments.write:
        card.write({**content, "metrics": rows}, bundle=arguments.bundle)
    return 0


def picture_of(found: list[Curve], *, kind: str) -> str:
    """The paper's Fig. 2g."""
    series = [
        svg.Series(name=curve.name, points=list(zip(curve.per_um2, curve.mean, strict=True)),
                   dashed=curve.name == "widefield only")
        for curve in found
    ]  # fmt: skip
    return svg.chart(
        series, title=f"MS-SSIM, {kind}", x_label="localizations per um^2", log_x=True, from_zero=True,
        width=720, height=360,
    )  # fmt: skip


def chosen(arguments: argparse.Namespace) -> AnetSettings:
    """The recipe that presets, files and options ask for together."""
    layers, source = layers_of(arguments, presets=PRESETS, read=settings_file.tables)
    names = ("minutes", "steps", "seed", "init", "kinds", "tables")
    options = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return settings_file.build_as(AnetSettings, settings_file.merge(*layers, options), source=source)
