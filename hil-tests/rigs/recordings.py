"""`blinkd replay` and `blinkd eval` as functions, and what a bundle's card says.

Comes in: a binary, a stack, a bundle. Goes out: what the program says as JSON. Never: judges.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigs.daemon import run

TIMEOUT_S = 1800.0


class FailedError(RuntimeError):
    """A verb ended badly; the text is what it said."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A model bundle by its folder."""

    folder: Path
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def three_d(self) -> bool:
        """Whether it was trained to find z."""
        low, high = self.card["range"]["z_nm"]
        return bool(high > low)


def open_bundle(folder: Path) -> Bundle:
    card = folder / "card.toml"
    if not card.is_file():
        raise FailedError(f"{card} is missing: name the folder of a bundle")
    return Bundle(folder=folder, card=tomllib.loads(card.read_text(encoding="utf-8")))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Of a recording's camera; defaults are the daemon's."""

    pixel_size_nm: float = 100.0
    offset_adu: float = 100.0
    e_per_adu: float = 1.0
    qe: float = 1.0

    def options(self) -> list[str]:
        """For `blinkd replay`."""
        values = {"offset_adu": self.offset_adu, "e_per_adu": self.e_per_adu, "qe": self.qe}
        settings = [part for key, value in values.items() for part in ("--set", f"camera.{key}={value}")]
        return ["--pixel-size-nm", str(self.pixel_size_nm), *settings]


def replay(
    binary: Path, stack: Path, *, bundle: Bundle, calibration: Calibration, out: Path, settings: dict[str, object]
) -> dict[str, Any]:
    """What `blinkd replay --json` says. A bundle that does not fit is used all the same, and `overruled` says so.

    `settings`: keys of the configuration, and `frames` for at most so many.
    """
    frames = settings.pop("frames", None) if (settings := dict(settings)) else None
    command: list[object] = ["replay", stack, "--out", out, "--model", bundle.folder.resolve(), "--json"]
    command += calibration.options()
    command += ["--frames", frames] if frames else []
    command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    done = run(binary, *command, timeout_s=TIMEOUT_S)
    overruled = done.returncode == 1 and "model.overrule" in done.stderr
    if overruled:
        done = run(binary, *command, "--set", "model.overrule=true", timeout_s=TIMEOUT_S)
    if done.returncode != 0:
        raise FailedError(f"blinkd replay {stack} with {bundle.name}: {done.stderr.strip()}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**said, "overruled": overruled}


def judge(binary: Path, table: Path, *, truth: Path, pixel_size_nm: float, options: list[object]) -> dict[str, Any]:
    """What `blinkd eval --json` says."""
    command = ["eval", table, "--truth", truth, "--pixel-size-nm", pixel_size_nm, "--json", *options]
    done = run(binary, *command, timeout_s=TIMEOUT_S)
    if done.returncode != 0:
        raise FailedError(f"blinkd eval {table}: {done.stderr.strip()}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said
