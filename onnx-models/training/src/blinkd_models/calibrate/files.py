"""What a calibration leaves on disk.

Comes in: a ``Calibration``, a folder. Goes out: report.html, calibration.json, and the PSFs where they are usable.
Never: leaves a PSF behind that is not usable, unless asked to.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from blinkd_models.calibrate.calibration import Calibration
from blinkd_models.calibrate.quality import Bound, Residual
from blinkd_models.calibrate.report import page
from blinkd_models.psf import CubicSpline, write_3dcal
from blinkd_models.psf.pupil import Optics

PSFS = ("spline_3dcal.mat", "spline.npz", "pupil_3dcal.mat")


def write(c: Calibration, *, optics: Optics, folder: Path, anyway: bool = False) -> None:
    """Makes the folder; replaces what an earlier calibration wrote there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page(c, optics=optics), encoding="utf-8")
    text = json.dumps(numbers(c, optics=optics), indent=1, sort_keys=True, allow_nan=False)
    (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")
    if c.verdict.grade == "not usable" and not anyway:
        for name in PSFS:
            (folder / name).unlink(missing_ok=True)
        return
    write_3dcal(c.spline, folder / PSFS[0])
    write_npz(c.spline, folder / PSFS[1])
    write_3dcal(c.pupil_spline, folder / PSFS[2])


def write_npz(spline: CubicSpline, path: Path) -> None:
    """The fields of a ``CubicSpline``."""
    np.savez(
        path,
        coefficients=spline.coefficients.numpy(),
        dz_nm=np.float64(spline.dz_nm),
        z0=np.float64(spline.z0),
        row0=np.float64(spline.row0),
        col0=np.float64(spline.col0),
    )


def numbers(c: Calibration, *, optics: Optics) -> dict[str, Any]:
    """Everything the page says, in JSON's types; NaN becomes null. No time, no path: the same stack, the same text."""
    fit = c.fit
    content = {
        "stack": c.name,
        "verdict": {"grade": c.verdict.grade, "reasons": list(c.verdict.reasons), "text": c.verdict.text},
        "optics": asdict(optics),
        "figures": asdict(c.figures),
        "beads": {
            "places_px": c.found.places.tolist(),
            "kept": c.averaged.kept.tolist(),
            "shifts_slices_px_px": c.averaged.shifts.tolist(),
            "likeness": c.averaged.likeness.tolist(),
            "at_edge": c.found.at_edge,
            "crowded": c.found.crowded,
            "half_window_px": c.found.half_px,
            "first_slice": c.averaged.first_slice,
        },
        "noise": asdict(c.noise),
        "pupil": {
            "noll": list(fit.pupil.noll),
            "zernike_rad": [] if fit.pupil.zernike_rad is None else fit.pupil.zernike_rad.tolist(),
            "sigma_rad": fit.sigma_rad.tolist(),
            "blur_px": None if fit.pupil.blur_px is None else abs(float(fit.pupil.blur_px)),
            "row_px": fit.row_px,
            "col_px": fit.col_px,
            "row_walk_px_per_um": fit.row_walk_px_per_um,
            "col_walk_px_per_um": fit.col_walk_px_per_um,
            "z0_nm": fit.z0_nm,
            "z_scale": fit.z_scale,
            "background_photons": fit.background,
        },
        "per_slice": {
            "z_nm": c.z_nm.tolist(),
            "photons": fit.light.tolist(),
            "spline_residual": _residual(c.spline_residual),
            "pupil_residual": _residual(c.pupil_residual),
            "axis_rad": c.angle_rad,
            "bead_sigma_px": [w.tolist() for w in c.data_widths_px],
            "pupil_sigma_px": [w.tolist() for w in c.pupil_widths_px],
        },
        "crlb": {"spline": [_bound(b) for b in c.spline_bounds], "pupil": [_bound(b) for b in c.pupil_bounds]},
    }
    finite: dict[str, Any] = _finite(content)
    return finite


def _residual(r: Residual) -> dict[str, Any]:
    return {"total": r.total.tolist(), "noise": r.noise.tolist(), "mean": r.mean, "beyond_noise": r.beyond_noise}


def _bound(b: Bound) -> dict[str, Any]:
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(b).items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
