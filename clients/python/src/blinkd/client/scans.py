"""Scans as a whole. Names and units are those of `scans.proto`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from blinkd.client.acquisitions import Grid, TileAccount


class TileState(enum.IntEnum):
    """Where a tile stands. A state that only a newer daemon knows is UNSPECIFIED."""

    UNSPECIFIED = 0
    PLANNED = 1
    ACQUIRING = 2
    PROCESSING = 3
    DONE = 4
    FAILED = 5
    """Frames are lost or missing."""
    RETAKE = 6
    """Somebody wants it again."""
    SUSPECT = 7
    """Done, and `TileReport.reasons` says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileReason:
    """Why a tile is suspect."""

    kind: str
    """frames_lost, too_few, saturated, out_of_focus, drifted, bright, coarse."""
    text: str
    """A sentence with the numbers."""


class PictureState(enum.IntEnum):
    """Where a tile's picture stands. A state that only a newer daemon knows is UNSPECIFIED."""

    UNSPECIFIED = 0
    WAITING = 1
    """To be painted."""
    PAINTED = 2
    EMPTY = 3
    """Black: nothing was localized, and no network was asked."""
    FAILED = 4
    """Tried again after a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePicture:
    """What a network made of a finished tile's localizations."""

    state: PictureState
    model: str
    """Name and version of the bundle."""
    structure: str
    widefield_series_id: bytes
    """Empty: there is no widefield of this tile, and nothing judges the picture."""
    rsp: float | None
    """Resolution-scaled Pearson correlation with the widefield, -1 to 1."""
    rse_adu: float | None
    """Resolution-scaled error."""
    error: float | None
    """Of the error map: mean weighed with light, 0 to 1."""
    error_share: float | None
    """The part of what is lit that contradicts the widefield, 0 to 1."""
    not_to_be_trusted: bool
    """A warning: the tile itself may be as good as any."""
    reason: str
    """Why it is not to be trusted, why it is not judged, or why it failed."""
    took_s: float
    painted_unix_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TileReport:
    """A tile that was looked at as a whole, once its last frame was done."""

    first_seq: int
    last_seq: int
    localizations: int
    merged: int
    """Localizations, once those of one emitter in successive frames are one."""
    frc_nm: float | None
    no_frc: str
    """Why there is none."""
    drift_nm: float | None
    """The farthest the sample was from where it began; it was taken out."""
    no_drift: str
    sigma_lateral_nm: float | None
    """Median."""
    photons: float | None
    """Median."""
    background_photons: float | None
    """Median, per pixel."""
    psf_sigma_px: float | None
    saturated_share: float | None
    """Of the pixels, 0 to 1."""
    reasons: tuple[TileReason, ...]
    """Empty: nothing is wrong with it."""
    unknown: tuple[str, ...]
    """What could not be judged."""
    moved_x_nm: float | None
    """Where it lies by what it shows, minus where it lies by the stage; None: not laid out yet."""
    moved_y_nm: float | None
    placed_by_seams: bool
    """Else by the stage, with the tiles beside it."""
    took_s: float
    finished_unix_ns: int
    psf_sigma_sd_px: float | None
    """Standard deviation of `psf_sigma_px`."""
    frames_saved: int | None
    """Announced and not taken any more, where there was enough of it; None: there never was."""
    seconds_saved: float | None
    """What they would have taken; None: nobody knows how fast frames come."""
    picture: TilePicture | None
    """None: none is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What became of the overlaps of tiles."""

    matched: int
    rejected: int
    """Contradicted by others, and left out."""
    without: int
    """Neighbours that share nothing to be matched by."""
    residual_nm: float | None
    """Root mean square at those that count."""
    each: tuple[Seam, ...]
    """Of `client.scans.get` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """What became of the overlap of two tiles."""

    tile_index: int
    """The one that was there first."""
    other_index: int
    residual_x_nm: float | None
    """By how much more the other lies aside by what both show than by their places; None: they are not matched."""
    residual_y_nm: float | None
    sd_nm: float | None
    """Standard deviation of each."""
    rejected: bool
    """Contradicted by others, and left out."""
    missing: str
    """Why they are not matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enough:
    """Where a tile had reached what the daemon's `[scan.early_stop]` asks for."""

    seq: int
    """The latest frame that was known; of an earlier visit of the tile where it is before the first one of this."""
    frames: int
    localizations: int
    frc_nm: float | None
    """Where it is a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTile:
    """A tile with its state, and how often its frames began to come."""

    state: TileState
    tile: TileAccount
    visits: int
    report: TileReport | None
    """None: not finished yet."""
    enough: Enough | None
    """None: not yet, or nobody looks. Whoever drives the scan may end the tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A series of tiles."""

    series_id: bytes
    name: str
    grid: Grid | None
    expected_tiles: int
    tiles_by_state: Mapping[str, int]
    tiles: tuple[ScanTile, ...]
    retake: tuple[int, ...]
    """Indices of the tiles that somebody wants again: for whoever drives the scan."""
    seconds_left: float | None
    """Until every tile is taken, processed and finished, at the pace of the latest ones; None: not known, or nothing is
    left."""
    tile_width_nm: float
    tile_height_nm: float
    tiles_finished: int
    """Those with a report."""
    suspect: tuple[int, ...]
    """Indices in order of acquisition, for `client.scans.retake(scan, scan.suspect)` while the stage is still there."""
    seams: Seams | None
    complete: bool
    """The series has ended and every tile is finished."""
    early_stop: bool
    """Tiles are watched until there is enough of them."""
    frames_saved: int
    """By tiles that ended early."""
    seconds_saved: float
    tiles_painted: int
    not_to_be_trusted: tuple[int, ...]
    """Tiles whose picture contradicts their widefield, in order of acquisition."""
