"""``calibrate``: PSFs and a report from a stack of beads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import torch

from blinkd_models.calibrate import CalibrationError, calibrate, read_stack
from blinkd_models.calibrate.beads import WINDOW_NM
from blinkd_models.calibrate.files import write
from blinkd_models.calibrate.report import summary
from blinkd_models.calibrate.retrieval import NOLL_LAST
from blinkd_models.psf.masks import read_mask
from blinkd_models.psf.pupil import Optics


def add(verbs: Any) -> None:
    verb = verbs.add_parser(
        "calibrate",
        help="PSFs and a report from a stack of beads",
        epilog="example: blinkd_models calibrate --stack beads.tif --dz-nm 10 --pixel-size-nm 65 --na 1.49 "
        "--wavelength-nm 670 --out calibration/",
    )
    verb.add_argument("--stack", type=Path, required=True, help="TIFF or .npy, slices first; one bead or several")
    verb.add_argument("--dz-nm", type=float, required=True, help="step between slices")
    verb.add_argument("--pixel-size-nm", type=float, required=True, help="camera pixel over magnification")
    verb.add_argument("--na", type=float, required=True, help="numerical aperture, as engraved on the objective")
    verb.add_argument("--wavelength-nm", type=float, required=True, help="of the emitted light")
    verb.add_argument("--index-immersion", type=float, default=1.518, help="oil 1.518, silicone 1.40, water 1.33")
    verb.add_argument("--index-sample", type=float, help="around the beads, where it differs from the immersion")
    verb.add_argument("--z-falls", action="store_true", help="the first slice is the farthest from the objective")
    verb.add_argument("--window-nm", type=float, default=WINDOW_NM, help="width around a bead; tetrapods need 5000")
    verb.add_argument("--noll-last", type=int, default=NOLL_LAST, help="Zernike terms 5 to this are fitted")
    verb.add_argument("--mask", type=Path, help="phase mask in the pupil, square, radians: .npy or .mat")
    verb.add_argument("--scalar", action="store_true", help="leave polarization out")
    verb.add_argument("--anyway", action="store_true", help="write PSFs although they are not usable")
    verb.add_argument("--out", type=Path, required=True, help="folder for report.html, calibration.json and the PSFs")
    verb.set_defaults(call=run)


def run(arguments: argparse.Namespace) -> int:
    """0: good or usable. 2: the stack cannot be calibrated, or the result is not usable."""
    torch.set_num_threads(arguments.threads)
    try:
        optics = Optics(
            na=arguments.na,
            wavelength_nm=arguments.wavelength_nm,
            pixel_size_nm=arguments.pixel_size_nm,
            index_immersion=arguments.index_immersion,
            index_sample=arguments.index_sample,
            vectorial=not arguments.scalar,
        )
        done = calibrate(
            read_stack(arguments.stack, z_falls=arguments.z_falls),
            dz_nm=arguments.dz_nm,
            optics=optics,
            window_nm=arguments.window_nm,
            noll_last=arguments.noll_last,
            mask_rad=read_mask(arguments.mask) if arguments.mask else None,
        )
        write(done, optics=optics, folder=arguments.out, anyway=arguments.anyway)
    except (CalibrationError, ValueError, OSError) as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 2
    failed = done.verdict.grade == "not usable" and not arguments.anyway
    print(summary(done), file=sys.stderr if failed else sys.stdout)
    return 2 if failed else 0
