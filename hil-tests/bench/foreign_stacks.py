"""How bundles do on recordings that others made: simulated ones with truth, and a real one as a picture.

    python hil-tests/bench/foreign_stacks.py [--bundles onnx-models/decode-2d-lite ...] [--picture docs/tubulins.png]

Comes in: the release binary, bundles, the stacks of ../shared/data (or --data). Goes out: a table on standard output, a
JSON in hil-tests/results, and a picture of widefield beside blinkd's. Never: a stack that a bundle was trained on.
Needs numpy, pillow and tifffile.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rigs.recordings import Bundle, Calibration, FailedError, judge, open_bundle, replay
from rigs.results import day, keep, machine

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A stack with truth, and its camera as its own pixels tell it (see `why`)."""

    name: str
    stack: str
    truth: str
    calibration: Calibration
    why: str
    frames: int | None = None
    volume: bool = False
    floor: dict[str, float] | None = None
    """JI, precision, recall and r.m.s.e. of single-emitter Gaussian fits (Picasso 0.11.3)."""


TUBES = ("deep-storm/bundled-tubes-001-180.tif", "deep-storm/bundled-tubes-001-180-truth.csv")
TUBES_FLOOR = {"jaccard": 0.155, "precision": 0.989, "recall": 0.155, "rmse_lateral_nm": 64.5}
EM = "noise variance is 4.0 ADU per ADU of signal above 100: 2 ADU per photon, and twice its variance as behind EM gain"
POISSON = "offset 100; background 50 ADU with a variance of 48: one ADU per photon"

RECORDINGS = (
    Recording(
        name="bundled tubes, first 60", stack=TUBES[0], truth=TUBES[1], frames=60, floor=TUBES_FLOOR,
        calibration=Calibration(e_per_adu=0.5), why=EM,
    ),
    Recording(
        name="bundled tubes, first 60, as 1 e/ADU", stack=TUBES[0], truth=TUBES[1], frames=60, floor=TUBES_FLOOR,
        calibration=Calibration(e_per_adu=1.0), why="what was measured before: photons twice too many",
    ),
    Recording(
        name="bundled tubes", stack=TUBES[0], truth=TUBES[1], calibration=Calibration(e_per_adu=0.5), why=EM,
    ),
    Recording(
        name="bundled tubes, as 1 e/ADU", stack=TUBES[0], truth=TUBES[1], calibration=Calibration(e_per_adu=1.0),
        why="what was measured before: photons twice too many",
    ),
    Recording(
        name="ThunderSTORM demo 1", stack="deep-storm/ArtificialDataset_demo1.tif",
        truth="deep-storm/positions_demo1.csv", calibration=Calibration(e_per_adu=0.484),
        why="the true emitters, drawn, fit the frames with 2.065 ADU per photon (correlation 0.992)",
        floor={"jaccard": 0.197, "precision": 1.0, "recall": 0.197, "rmse_lateral_nm": 89.4},
    ),
    Recording(
        name="storm-analysis 2D", stack="storm-analysis/test.dax", truth="storm-analysis/test_olist.bin",
        calibration=Calibration(), why=POISSON + "; the PSF's sigma is 1.00 px, photons 3,150",
        floor={"jaccard": 0.913, "precision": 1.0, "recall": 0.913, "rmse_lateral_nm": 37.4},
    ),
    Recording(
        name="storm-analysis astigmatic", stack="storm-analysis/test_spliner.dax",
        truth="storm-analysis/test_spliner_olist.bin", calibration=Calibration(), volume=True,
        why=POISSON + "; narrow along x at positive z, as our z; the spline's own pixel is 100 nm",
    ),
)  # fmt: skip

REAL = ("3densestorm/tubulins.tif", Calibration(pixel_size_nm=65.0, offset_adu=99.0, e_per_adu=0.6))
GAP_PX, TEXT_PX = 8, 14
COLUMNS = ("jaccard", "precision", "recall", "rmse_lateral_nm", "rmse_axial_nm")


def run_one(recording: Recording, *, bundle: Bundle, binary: Path, data: Path, out: Path) -> dict[str, Any]:
    """Scores of a bundle on a recording."""
    settings: dict[str, object] = {"frames": recording.frames}
    stack, truth = data / recording.stack, data / recording.truth
    said = replay(binary, stack, bundle=bundle, calibration=recording.calibration, out=out, settings=settings)
    options: list[object] = ["--last-frame", recording.frames - 1] if recording.frames else []
    volume = recording.volume and bundle.three_d
    options += ["--volume"] if volume else []
    size = recording.calibration.pixel_size_nm
    report = judge(binary, out / "localizations.parquet", truth=truth, pixel_size_nm=size, options=options)
    return {
        "recording": recording.name,
        "bundle": bundle.name,
        "calibration": asdict(recording.calibration),
        "why": recording.why,
        "frames": said["stack_frames"],
        "volume": volume,
        "overruled": said["overruled"],
        "scores": report["overall"],
        "by_neighbours": report["by_neighbours"],
        "photons_median": said["statistics"]["photons_median"],
        "background_median": said["statistics"]["background_median"],
        "single_emitter_floor": recording.floor,
    }


def show(row: dict[str, Any]) -> None:
    """One line per result, and one for the floor beside it."""

    def cells(scores: dict[str, Any] | None) -> str:
        values = [(scores or {}).get(column) for column in COLUMNS]
        return "".join(f"{'-' if value is None else f'{value:.3f}':>14}" for value in values)

    marks = " (overruled)" if row["overruled"] else ""
    print(f"{row['recording']:38} {row['bundle'] + marks:34}{cells(row['scores'])}")
    if row["single_emitter_floor"]:
        print(f"{'':38} {'single-emitter fits':34}{cells(row['single_emitter_floor'])}")


def picture(bundle: Bundle, *, binary: Path, data: Path, path: Path, out: Path) -> dict[str, Any]:
    """Widefield (the mean of all frames) beside what was localized; the same bar in both, with its length."""
    import numpy as np
    import tifffile
    from PIL import Image

    stack, calibration = data / REAL[0], REAL[1]
    said = replay(binary, stack, bundle=bundle, calibration=calibration, out=out, settings={})
    with Image.open(out / "render.png") as drawn:
        after = drawn.convert("RGB")
    mean = tifffile.imread(stack).mean(axis=0)
    low, high = np.percentile(mean, [1.0, 99.8])
    grey = (np.clip((mean - low) / (high - low), 0.0, 1.0) * 255.0).astype(np.uint8)
    before = Image.fromarray(grey).convert("RGB").resize(after.size, Image.Resampling.NEAREST)
    field_nm = calibration.pixel_size_nm * mean.shape[1]
    both = Image.new("RGB", (2 * after.width + GAP_PX, after.height), "white")
    for index, (panel, words) in enumerate(((before, "mean of all frames"), (after, bundle.name))):
        scale_bar(panel, words=words, nm_per_px=field_nm / after.width)
        both.paste(panel, (index * (after.width + GAP_PX), 0))
    both.save(path, optimize=True)
    shown = {"localizations": said["localizations"], "frames": said["stack_frames"], "overruled": said["overruled"]}
    print(f"{path}: {bundle.name}, {shown}")
    return {"recording": "tubulins (real)", "bundle": bundle.name, "calibration": asdict(calibration), **shown}


def scale_bar(panel: Any, *, words: str, nm_per_px: float) -> None:
    """blinkd's own bar (1, 2 or 5 times a power of ten, at most a fifth of the width) where blinkd draws it, with its
    length above, and words at the top."""
    from PIL import ImageDraw, ImageFont

    aim = nm_per_px * panel.width / 5.0
    power = 10.0 ** math.floor(math.log10(aim))
    length_nm = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= aim)
    thick, margin = max(2, panel.height // 128), max(2, min(panel.size) // 24)
    right, bottom = panel.width - margin, panel.height - margin
    left = right - round(length_nm / nm_per_px)
    draw, font = ImageDraw.Draw(panel), ImageFont.load_default(size=TEXT_PX)
    draw.rectangle((left, bottom - thick, right - 1, bottom - 1), fill="white")
    middle = ((left + right) // 2, bottom - thick - 3)
    edge = {"font": font, "fill": "white", "stroke_width": 2, "stroke_fill": "black"}
    draw.text(middle, f"{length_nm:g} nm", anchor="ms", **edge)
    draw.text((margin, margin), words, anchor="lt", **edge)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bundles", type=Path, nargs="+", default=[REPOSITORY / "onnx-models" / "decode-2d-lite"])
    options.add_argument("--blinkd", type=Path, default=REPOSITORY / "target" / "release" / "blinkd")
    options.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    options.add_argument("--picture", type=Path, help="PNG of the real recording; made with the last bundle")
    options.add_argument("--no-results", action="store_true", help="print only, write no JSON")
    arguments = options.parse_args()
    rows: list[dict[str, Any]] = []
    about = machine()
    try:
        bundles = [open_bundle(folder) for folder in arguments.bundles]
        print(f"{'recording':38} {'bundle':34}" + "".join(f"{name.removesuffix('_nm'):>14}" for name in COLUMNS))
        with tempfile.TemporaryDirectory(prefix="blinkd-foreign-") as folder:
            common = {"binary": arguments.blinkd, "data": arguments.data}
            for recording in RECORDINGS:
                if not (arguments.data / recording.stack).is_file():
                    print(f"SKIPPED: {arguments.data / recording.stack} is missing; name the folder with --data")
                    continue
                for bundle in bundles:
                    rows.append(run_one(recording, bundle=bundle, out=Path(folder) / "out", **common))
                    show(rows[-1])
            if arguments.picture:
                rows.append(picture(bundles[-1], path=arguments.picture, out=Path(folder) / "real", **common))
    except FailedError as error:
        print(f"foreign_stacks: {error}", file=sys.stderr)
        return 1
    if not arguments.no_results:
        print(keep("foreign-stacks", {"day": day(), "machine": about, "results": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
