"""``--psf FILE``: the measured PSF of a card, for the verbs that simulate what a card promises.

Comes in: a card, a ``_3dcal.mat``. Goes out: the PSF, refused if it is not the one the card names. Never: guesses one.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from blinkd_models import card
from blinkd_models.evaluate.condition import GAUSSIANS
from blinkd_models.psf import Psf, read_3dcal


def add(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--psf", type=Path, help="the _3dcal.mat a bundle with a spline PSF was trained with")


def load(path: Path | None, *, content: dict[str, Any]) -> Psf | None:
    """None for a card whose PSF is a formula."""
    shape = content["psf"]
    kind, name = shape["kind"], shape.get("file", "the file its training names")
    if kind in GAUSSIANS:
        if path is not None:
            raise ValueError(f"--psf {path}: the card's PSF is {kind!r}, which needs no file; leave --psf out")
        return None
    if path is None:
        raise ValueError(f"the card's PSF is {kind!r}, measured: give {name} with --psf")
    spline = read_3dcal(path)
    wanted, given = shape.get("sha256", ""), card.sha256(path)
    if wanted and wanted != given:
        raise ValueError(f"--psf {path}: SHA-256 {given[:12]}…, the card's psf.sha256 is {wanted[:12]}…; give {name}")
    return spline.faded()
