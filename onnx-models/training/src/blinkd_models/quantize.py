"""Makes an int8 bundle of an fp32 one, and measures what that costs and gains.

Comes in: a bundle of fp32 graphs. Goes out: a bundle with int8 inside, f32 at its ends; or a refusal.
Never: a bundle that localizes worse than allowed, or whose loss nobody measured.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blinkd_models import card, golden
from blinkd_models.bundle import finish, writing
from blinkd_models.evaluate import match
from blinkd_models.graphs import Array, Graphs
from blinkd_models.infer import localize
from blinkd_models.int8 import quantize_graph
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges, Recording, draw_scene, simulate

CALIBRATION_SEQUENCES = 24
JUDGED_FRAMES = 8
SIDE_PX = 64
TIMED_PX = 128


class QuantizeError(ValueError):
    """A bundle cannot be quantized, or lost too much by it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may be lost: of the Jaccard index, and the growth of the lateral r.m.s.e. as a part of itself."""

    ji_loss: float = 0.02
    rmse_growth: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Quality:
    """On one small simulation of the card's ranges: Jaccard index, lateral r.m.s.e., emitters in it."""

    ji: float
    rmse_lateral_nm: float
    emitters: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """``speed_ratio``: processor time of fp32 over that of int8, one frame and one window, one thread."""

    before: Quality
    after: Quality
    speed_ratio: float

    @property
    def ji_loss(self) -> float:
        return self.before.ji - self.after.ji


def quantize(source: Path, *, bundle: Path, limits: Limits | None = None, sequences: int = 24) -> Report:
    """Writes the int8 bundle, or raises and writes nothing. ``sequences``: of 8 frames of 64 x 64 px, judged."""
    try:
        content = card.read(source)
    except (OSError, ValueError) as error:
        raise QuantizeError(f"{source / card.NAME}: {error}; name a bundle's folder") from error
    if content["graphs"]["precision"] != "fp32":
        raise QuantizeError(f"{source} is {content['graphs']['precision']} already; name the fp32 bundle")
    purpose = _purpose(content)
    fine = Graphs.open(source, card=content)
    files = [name for key, name in content["graphs"].items() if key in ("frame", "context", "model")]
    with writing(bundle) as folder, tempfile.TemporaryDirectory() as scratch:
        for name in files:
            feeds = list(_feeds(fine, name=name.removesuffix(".onnx"), purpose=purpose))
            quantize_graph(source / name, to=folder / name, feeds=feeds, scratch=Path(scratch))
        coarse = Graphs.open(folder, card=content)
        report = Report(
            before=judge(fine, purpose=purpose, sequences=sequences),
            after=judge(coarse, purpose=purpose, sequences=sequences),
            speed_ratio=speed_ratio(fine, coarse),
        )
        _check(report, limits=limits or Limits())
        table = golden.write(predict=partial(coarse.predict, scales=purpose.scales), bundle=folder, purpose=purpose)
        finish(_content(content, name=bundle.name, report=report, table=table), files=files, folder=folder)
    return report


def _check(report: Report, *, limits: Limits) -> None:
    """Raises where more is lost than allowed."""
    before, after = report.before, report.after
    if not report.ji_loss <= limits.ji_loss:
        raise QuantizeError(
            f"int8 loses {report.ji_loss:.3f} of the Jaccard index {before.ji:.3f}, allowed {limits.ji_loss:g}; "
            "keep fp32, or allow more with --largest-ji-loss"
        )
    if after.rmse_lateral_nm > before.rmse_lateral_nm * (1.0 + limits.rmse_growth):
        raise QuantizeError(
            f"int8 has {after.rmse_lateral_nm:.1f} nm where fp32 has {before.rmse_lateral_nm:.1f} nm, allowed "
            f"{limits.rmse_growth:.0%} more; keep fp32, or allow more with --largest-rmse-growth"
        )


def judge(graphs: Graphs, *, purpose: Purpose, sequences: int) -> Quality:
    """Localizes simulated recordings that were drawn from the card's ranges."""
    recording = _simulate(purpose.ranges, sequences=sequences, frames=JUDGED_FRAMES, side_px=SIDE_PX, seed=11)
    truth = recording.emitters.within(height=SIDE_PX, width=SIDE_PX).visible()
    output = torch.cat([graphs.predict(burst, scales=purpose.scales) for burst in recording.photons])
    found = localize(output, scales=purpose.scales, post=purpose.post, height=SIDE_PX, width=SIDE_PX)
    pixel_nm = recording.scene.pixel_size_nm
    matches = match(
        truth_frame=(truth.sequence * JUDGED_FRAMES + truth.frame).numpy(),
        truth_nm=_nm(truth.col_px, truth.row_px, pixel_nm=pixel_nm[truth.sequence]),
        found_frame=found.frame.numpy(),
        found_nm=_nm(found.x_px, found.y_px, pixel_nm=pixel_nm[found.frame // JUDGED_FRAMES]),
    )
    return Quality(ji=matches.jaccard, rmse_lateral_nm=matches.rmse_nm, emitters=matches.truths)


def speed_ratio(fine: Graphs, coarse: Graphs, *, repeats: int = 15) -> float:
    """Median processor time of a frame through ``fine`` over that through ``coarse``, taken in turns."""
    frames = np.random.default_rng(1).random((1, fine.window_frames, TIMED_PX, TIMED_PX), dtype=np.float32)
    spent: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for graphs, times in zip((fine, coarse), spent, strict=True):
            began = time.process_time()
            graphs.one(frames)
            if repeat:
                times.append(time.process_time() - began)
    return float(np.median(spent[0]) / np.median(spent[1]))


def _nm(x_px: Tensor, y_px: Tensor, *, pixel_nm: Tensor) -> Any:
    return (torch.stack([x_px, y_px], dim=1) * pixel_nm[:, None]).numpy()


def _purpose(content: dict[str, Any]) -> Purpose:
    """From a card: what its bundle was made for, with the camera of its golden frames."""
    table, psf = content["range"], content["psf"]
    spans: dict[str, Any] = {name: (float(low), float(high)) for name, (low, high) in table.items()}
    low, high = spans["density_per_um2"]
    spans["density_per_um2"] = (max(low, min(0.1, high)), high)
    for name in ("focus_nm", "depth_nm"):
        if name in psf:
            spans[name] = (float(psf[name][0]), float(psf[name][1]))
    return Purpose(
        description=content["description"],
        scales=card.scales(content),
        ranges=Ranges(**spans),
        psf=psf,
        training=content["training"],
        licence=content["licence"],
        post=card.post_process(content),
        camera=card.golden_camera(content),
    )


def _content(content: dict[str, Any], *, name: str, report: Report, table: dict[str, Any]) -> dict[str, Any]:
    """The card of the int8 bundle; metrics of the fp32 one are not its own."""
    quantized = {
        "from": content["name"],
        "speed_ratio": round(report.speed_ratio, 2),
        "ji_before": round(report.before.ji, 4),
        "ji_after": round(report.after.ji, 4),
        "rmse_lateral_nm_before": round(report.before.rmse_lateral_nm, 2),
        "rmse_lateral_nm_after": round(report.after.rmse_lateral_nm, 2),
        "emitters": report.after.emitters,
    }
    kept = {key: value for key, value in content.items() if key not in ("metrics", "golden")}
    return {
        **kept,
        "name": name,
        "description": f"{content['description']} int8 inside.",
        "graphs": {**content["graphs"], "precision": "int8"},
        "training": {**content["training"], "quantized": quantized},
        "golden": table,
    }


def _simulate(ranges: Ranges, *, sequences: int, frames: int, side_px: int, seed: int) -> Recording:
    generator = torch.Generator().manual_seed(seed)
    scene = draw_scene(ranges, sequences=sequences, generator=generator)
    return simulate(scene, frames=frames, height=side_px, width=side_px, generator=generator)


def _feeds(graphs: Graphs, *, name: str, purpose: Purpose) -> Iterator[dict[str, Array]]:
    """Inputs of one graph, from simulated windows."""
    window = graphs.window_frames
    recording = _simulate(purpose.ranges, sequences=CALIBRATION_SEQUENCES, frames=window, side_px=SIDE_PX, seed=5)
    for frames in purpose.scales.to_input(recording.photons).numpy():
        if name == "model":
            yield {"frames": frames[None]}
            continue
        single = [frames[place][None, None] for place in range(window)]
        if name == "frame":
            yield from ({"frame": frame} for frame in single)
        else:
            features = [graphs.frame.run(None, {"frame": frame})[0] for frame in single]
            yield dict(zip(("previous", "this", "next"), features, strict=True))


def is_worth_it(report: Report) -> bool:
    """Whether int8 is faster at all."""
    return math.isfinite(report.speed_ratio) and report.speed_ratio > 1.0
