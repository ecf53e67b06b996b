"""What a scan says of itself to the daemon: its localization series and its widefield series. Pure."""

from __future__ import annotations

import dataclasses
import json

from blinkd.micromanager.core import Setup
from blinkd.micromanager.plan import ScanPlan, WidefieldPass
from blinkd.series import Camera, Series


def burst_series(
    plan: ScanPlan, setup: Setup, *, series_id: bytes, tiles: int, calibration: Camera | None = None
) -> Series:
    """The bursts'; `tiles`: how many will be taken, fewer than the grid has where a scan goes on."""
    return dataclasses.replace(
        _grid(plan, setup, tiles=tiles, frames=plan.frames),
        name=plan.name,
        calibration=calibration,
        metadata_json=json.dumps({"scan": dataclasses.asdict(plan)}),
        series_id=series_id,
    )


def widefield_series(plan: ScanPlan, widefield: WidefieldPass, setup: Setup, *, tiles: int, bursts_id: bytes) -> Series:
    """The widefield frames'; an id of its own, and the bursts'. Of each tile only what counts is sent."""
    grid = _grid(plan, setup, tiles=tiles, frames=widefield.kept)
    return dataclasses.replace(
        grid,
        name=f"{plan.name}, widefield",
        pixel_size_nm=widefield.pixel_size_nm or setup.pixel_size_nm,
        widefield=True,
        widefield_of=bursts_id,
        widefield_skip_frames=0,
    )


def _grid(plan: ScanPlan, setup: Setup, *, tiles: int, frames: int) -> Series:
    return Series(
        source=setup.source,
        camera=setup.camera,
        pixel_size_nm=setup.pixel_size_nm,
        affine_um=setup.affine_um,
        exposure_ms=setup.exposure_ms,
        bit_depth=setup.bit_depth,
        grid_rows=plan.rows,
        grid_columns=plan.columns,
        overlap_um=plan.overlap_um,
        snake=plan.snake,
        expected_tiles=tiles,
        expected_frames=tiles * frames,
    )
