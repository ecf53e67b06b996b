"""What a published DECODE network was trained for, from its ``param_run.yaml``.

Comes in: the parameter file's fields. Goes out: scales, ranges, camera, words. Never: the network itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blinkd_models.camera import Camera
from blinkd_models.import_.fields import Fields, Span
from blinkd_models.import_.tensors import sha1
from blinkd_models.infer import PostProcess
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

UNKNOWN_SIGMA_NM = (60.0, 400.0)
"""A PSF of which only the calibration file's name is known."""
SPLIT_THRESHOLD = 0.6
DARKEST_PHOTONS = 0.1


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person may add. ``pixel_tolerance``: how far another camera's pixel size may be from the training's.

    ``raw_th``: DECODE's single threshold in place of the paper's three.
    """

    pixel_tolerance: float = 0.1
    raw_th: float | None = None
    licence: str = "that of the weights' owner"


def one_threshold(raw_th: float | None) -> PostProcess:
    """The paper's rule, or the published code's ``raw_th`` in its words: candidate and final threshold are one."""
    if raw_th is None:
        return PostProcess()
    return PostProcess(candidate=raw_th, second=SPLIT_THRESHOLD, accept=raw_th)


def purpose(fields: Fields, *, weights: Path, z: bool, mirrored: tuple[int, ...], options: Options) -> Purpose:
    """Scales, ranges and camera of the training."""
    scales = Scales(
        offset=fields.number("Scaling.input_offset"),
        scale=fields.number("Scaling.input_scale", low=1e-6),
        photons=fields.number("Scaling.phot_max", low=1e-6),
        z_nm=fields.number("Scaling.z_max", low=1e-6),
        background=fields.number("Scaling.bg_max", low=1e-6),
    )
    camera = _camera(fields)
    ranges = _ranges(fields, z=z, tolerance=options.pixel_tolerance)
    calibration = fields.get("InOut.calibration_file")
    return Purpose(
        description=_describe(calibration, weights=weights, z=z, mirrored=mirrored, options=options),
        scales=scales,
        ranges=ranges,
        psf={"kind": "spline" if calibration else "unknown"},
        training={
            "package": f"DECODE {fields.get('Meta.version', default='of unknown version')}",
            "weights": weights.name,
            "weights_sha1": sha1(weights) if weights.is_file() else "",
            "parameters": Path(fields.file).name,
            "calibration": Path(str(calibration).replace("\\", "/")).name if calibration else "unknown",
        },
        licence=options.licence,
        post=one_threshold(options.raw_th),
        camera=camera,
    )


def _describe(calibration: Any, *, weights: Path, z: bool, mirrored: tuple[int, ...], options: Options) -> str:
    """One line that says what is known and what is not."""
    psf = f"PSF of {Path(str(calibration)).name}" if calibration else "unknown PSF"
    parts = [f"DECODE, imported from {weights.name}; {'3D' if z else '2D'}; {psf}, its width in nm unknown"]
    if mirrored:
        axes = " and ".join("columns" if dim == -1 else "rows" for dim in mirrored)
        parts.append(f"trained for a camera with mirrored {axes}, coordinates are the camera's")
    if options.raw_th is not None:
        parts.append(f"thresholds as DECODE with raw_th = {options.raw_th:g}")
    return "; ".join(parts) + "."


def _camera(fields: Fields) -> Camera:
    if fields.get("Camera.convert2photons", default=True) is not True:
        fields.problem("Camera.convert2photons", "is false; only networks trained on photons are supported")
    if not fields.holds("Camera.em_gain"):
        fields.problem("Camera.em_gain", "is missing; null says that the camera has none")
    return Camera(
        offset_adu=fields.number("Camera.baseline"),
        e_per_adu=fields.number("Camera.e_per_adu", low=1e-9),
        qe=fields.number("Camera.qe", low=1e-6, high=1.0),
        em_gain=fields.number("Camera.em_gain", low=1e-9, or_absent=1.0),
        spurious_e=fields.number("Camera.spur_noise", low=0.0),
        read_noise_e=fields.number("Camera.read_sigma", low=0.0, or_absent=0.0),
    )


def _ranges(fields: Fields, *, z: bool, tolerance: float) -> Ranges:
    """What the simulation of the training drew from, three standard deviations of brightness wide."""
    sides = fields.pair("Camera.px_size")
    if min(sides) <= 0.0:
        fields.problem("Camera.px_size", f"is {list(sides)}; nm are needed")
        sides = (1.0, 1.0)
    mean, spread = fields.pair("Simulation.intensity_mu_sig")
    if mean <= 0.0 or spread < 0.0:
        fields.problem("Simulation.intensity_mu_sig", f"is {[mean, spread]}; a mean above 0 and a spread are needed")
        mean, spread = 1.0, 0.0
    dimmest = fields.number("HyperParameter.emitter_label_photon_min", low=0.0, or_absent=0.0)
    photons = (max(mean - 3.0 * spread, min(dimmest, mean), 1.0), mean + 3.0 * spread)
    depth = _z_extent(fields) if z else (0.0, 0.0)
    return Ranges(
        pixel_size_nm=(min(sides) * (1.0 - tolerance), max(sides) * (1.0 + tolerance)),
        psf_sigma_nm=UNKNOWN_SIGMA_NM,
        photons=(min(photons), max(photons)),
        background_photons=_background(fields),
        density_per_um2=(1e-3, _densest_per_um2(fields, pixel_um2=sides[0] * sides[1] * 1e-6)),
        z_nm=depth,
        emccd=0.0 if fields.get("Camera.em_gain") is None else 1.0,
    )


def _z_extent(fields: Fields) -> Span:
    extent = fields.get("Simulation.emitter_extent")
    if isinstance(extent, list) and len(extent) == 3:
        inner = Fields({"z": extent[2]}, file=fields.file)
        span = inner.span("z")
        if not inner.problems:
            return span
    fields.problem("Simulation.emitter_extent", "has no third entry [lowest z, highest z] in nm")
    return 0.0, 1.0


def _background(fields: Fields) -> Span:
    """The range of the training; a single value counts for a quarter more and less."""
    value = fields.get("Simulation.bg_uniform")
    if isinstance(value, list):
        low, high = fields.span("Simulation.bg_uniform", low=0.0)
        return max(low, DARKEST_PHOTONS), max(high, DARKEST_PHOTONS)
    level = fields.number("Simulation.bg_uniform", low=0.0)
    return max(0.75 * level, DARKEST_PHOTONS), max(1.25 * level, DARKEST_PHOTONS)


def _densest_per_um2(fields: Fields, *, pixel_um2: float) -> float:
    """Twice the mean density, from ``density`` per square pixel or ``emitter_av`` per frame."""
    if fields.get("Simulation.density") is not None:
        return 2.0 * fields.number("Simulation.density", low=1e-9) / pixel_um2
    extent = fields.get("Simulation.emitter_extent")
    count = fields.number("Simulation.emitter_av", low=1e-9)
    try:
        area_px = (extent[0][1] - extent[0][0]) * (extent[1][1] - extent[1][0])
        return float(2.0 * count / (area_px * pixel_um2))
    except (TypeError, IndexError, ZeroDivisionError):
        fields.problem("Simulation.emitter_extent", "has no first two entries [from, to] in px")
        return 1.0
