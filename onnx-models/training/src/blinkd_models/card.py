"""The model card: what a bundle promises. Reads and writes ``card.toml``.

Comes in and goes out: plain dictionaries in the order of the file. Never: computes a metric.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from blinkd_models.camera import Camera
from blinkd_models.infer import PostProcess
from blinkd_models.network import CHANNELS, Architecture
from blinkd_models.purpose import Purpose
from blinkd_models.simulate import Ranges
from blinkd_models.target import Scales

NAME = "card.toml"
GRID_PX = 8


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(bundle: Path) -> dict[str, Any]:
    """The card of a bundle folder."""
    return tomllib.loads((bundle / NAME).read_text(encoding="utf-8"))


def write(card: dict[str, Any], *, bundle: Path) -> None:
    """Writes the card; top-level values first, then tables, then lists of tables."""
    lines = [f"{key} = {_value(value)}" for key, value in card.items() if not _is_table(value)]
    for key, value in card.items():
        if not _is_table(value):
            continue
        for header, table in (
            [(f"[[{key}]]", entry) for entry in value] if isinstance(value, list) else [(f"[{key}]", value)]
        ):
            lines += ["", header]
            lines += [f"{_key(name)} = {_value(entry)}" for name, entry in table.items()]
    (bundle / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def scales(card: dict[str, Any]) -> Scales:
    """Network units of a card."""
    given, out = card["input"], card["output"]
    return Scales(
        offset=given["offset"],
        scale=given["scale"],
        photons=out["photons_scale"],
        z_nm=out["z_scale_nm"],
        background=out["background_scale"],
    )


def post_process(card: dict[str, Any]) -> PostProcess:
    """Thresholds of a card."""
    return PostProcess(**card["postprocess"])


def golden_camera(card: dict[str, Any]) -> Camera:
    """The camera of a card's golden frames; a plain one if it has none."""
    given = dict(card.get("golden", {}).get("camera", {}))
    return Camera(spurious_e=given.pop("spurious", 0.0), **given)


def compose(
    *, name: str, graphs: dict[str, str], halo_px: int, mflop_per_px: float, architecture: Architecture,
    purpose: Purpose, precision: str = "fp32",
) -> dict[str, Any]:  # fmt: skip
    """A card without checksums, metrics and golden files."""
    return {
        "schema": 1,
        "name": name,
        "version": purpose.version,
        "engine": "decode",
        "description": purpose.description,
        "licence": purpose.licence,
        "graphs": {**graphs, "precision": precision},
        "sha256": {},
        "network": {
            "window_frames": architecture.window_frames,
            "features": architecture.feature_maps if graphs["kind"] == "split" else 0,
            "halo_px": halo_px,
            "grid_px": max(GRID_PX, architecture.grid_px),
            "mflop_per_px": round(mflop_per_px, 4),
        },
        **tables(purpose),
    }


def psf_table(ranges: Ranges) -> dict[str, Any]:
    """The simulated PSF, in the card's words; a measured one by its file's name and SHA-256."""
    if ranges.psf_file is not None:
        file = Path(ranges.psf_file)
        return {"kind": ranges.psf_kind(), "file": file.name, "sha256": sha256(file)}
    if ranges.psf_kind() != "astigmatic":
        return {"kind": ranges.psf_kind()}
    return {
        "kind": "astigmatic",
        "sigma_nm": list(ranges.psf_sigma_nm),
        "focus_nm": list(ranges.focus_nm),
        "depth_nm": list(ranges.depth_nm),
    }


def tables(purpose: Purpose) -> dict[str, Any]:
    """The part of a card that does not depend on the network's shape."""
    scaling, ranges = purpose.scales, purpose.ranges
    return {
        "input": {"unit": "photons", "offset": scaling.offset, "scale": scaling.scale},
        "output": {
            "channels": list(CHANNELS),
            "axes": "decode",
            "photons_scale": scaling.photons,
            "z_scale_nm": scaling.z_nm,
            "background_scale": scaling.background,
        },
        "postprocess": {k: v for k, v in asdict(purpose.post).items() if v is not None},
        "range": {
            "pixel_size_nm": list(ranges.pixel_size_nm),
            "psf_sigma_nm": list(ranges.psf_sigma_nm),
            "photons": list(ranges.photons),
            "background_photons": list(ranges.background_photons),
            "density_per_um2": [0.0, ranges.density_per_um2[1]],
            "z_nm": list(ranges.z_nm),
        },
        "psf": purpose.psf,
        "training": purpose.training,
    }


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"'


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {_value(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    return repr(value)
