"""``compare``: localizations against a truth table, in the words of ``blinkd eval``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from blinkd_models.camera import Camera
from blinkd_models.evaluate.bound import IDEAL_CAMERA, Optics, parse_psf, parse_values
from blinkd_models.evaluate.comparison import compare
from blinkd_models.evaluate.table import read_table


def add(verbs: Any) -> None:
    verb = verbs.add_parser("compare", help="localizations against a truth table (both CSV, columns with units)")
    verb.add_argument("--localizations", type=Path, required=True)
    verb.add_argument("--truth", type=Path, required=True)
    verb.add_argument("--pixel-size-nm", type=float, help="for tables in pixels, the bound and the place in the pixel")
    verb.add_argument("--volume", action="store_true", help="compare z too")
    verb.add_argument("--first-frame", type=int, help="number of the localizations' first frame; 0 in pixels, else 1")
    verb.add_argument("--truth-first-frame", type=int, default=1)
    psf = verb.add_mutually_exclusive_group()
    psf.add_argument("--psf-sigma-nm", type=float, help="round Gaussian; gives the Cramér-Rao bound")
    psf.add_argument("--psf", help="gaussian,sigma_nm=125 or astigmatic,sigma_nm=125,focus_nm=200,depth_nm=400")
    verb.add_argument("--background", type=float, help="photons per pixel, for the bound")
    verb.add_argument("--camera", help="qe=0.9,read_noise_e=1.6,em_gain=1 for the bound; an ideal camera if left out")
    verb.add_argument("--json", action="store_true", help="everything, as one JSON object")
    verb.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        pixel_size_nm = arguments.pixel_size_nm
        report = compare(
            truth=read_table(arguments.truth, pixel_size_nm=pixel_size_nm, first_frame=arguments.truth_first_frame),
            found=read_table(arguments.localizations, pixel_size_nm=pixel_size_nm, first_frame=arguments.first_frame),
            volume=arguments.volume,
            pixel_size_nm=pixel_size_nm,
            optics=_optics(arguments),
        )
    except (ValueError, OSError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1) if arguments.json else _text(report))
    return 0


def _optics(arguments: argparse.Namespace) -> Optics | None:
    """What the bound needs; None if no PSF is given."""
    text = arguments.psf
    if arguments.psf_sigma_nm is not None:
        text = f"gaussian,sigma_nm={arguments.psf_sigma_nm}"
    if text is None:
        return None
    for name in ("pixel_size_nm", "background"):
        if getattr(arguments, name) is None:
            raise ValueError(f"a PSF is given for the bound, so --{name.replace('_', '-')} is needed too")
    return Optics(
        psf=parse_psf(text, pixel_size_nm=arguments.pixel_size_nm),
        pixel_size_nm=arguments.pixel_size_nm,
        background_photons=arguments.background,
        camera=parse_camera(arguments.camera),
    )


def parse_camera(text: str | None) -> Camera:
    """``qe=0.9,read_noise_e=1.6``; an ideal camera without a text."""
    if not text:
        return IDEAL_CAMERA
    try:
        return Camera(**parse_values(text.split(","), option=f"--camera {text}"))
    except TypeError:
        names = ", ".join(Camera.__dataclass_fields__)
        raise ValueError(f"--camera {text}: the values are {names}") from None


def _text(report: dict[str, Any]) -> str:
    """The scores, a line each, and the table by brightness."""

    def number(value: Any) -> str:
        return "-" if value is None else f"{value:.4g}"

    lines = [f"{name:20} {number(value)}" for name, value in report["overall"].items() if not isinstance(value, list)]
    for axis, row in report.get("sigma", {}).items():
        lines.append(f"sigma {axis}: z-score {number(row['z_score_sd'])}, bins r {number(row['bin_correlation'])}")
    lines += ["", "   photons      JI  lateral    CRLB   ratio"] if "by_photons" in report else []
    for row in report.get("by_photons", []):
        values = [row["jaccard"], row["rmse_lateral_nm"], row["crlb_lateral_nm"], row["lateral_over_crlb"]]
        top = "" if row["high"] is None else f"{row['high']:.0f}"
        lines.append(f"{row['low']:5.0f}-{top:5}" + "".join(f"{number(value):>8}" for value in values))
    return "\n".join(lines)
