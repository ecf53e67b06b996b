"""What a scan did, tile by tile, in numbers. Pure."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

from blinkd.counts import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class TileReport:
    """One visit of one tile."""

    index: int
    row: int
    column: int
    frames: int
    """That the core gave."""
    planned: int
    dropped: int
    """By the publisher, for want of room."""
    overflowed: bool
    """The core's buffer was full: the camera stopped before all frames were taken, of the burst or of widefield."""
    gap_ms: float | None
    """From the last frame before to the first of this tile, less one exposure; None for the first of a scan, and
    where widefield frames came between."""
    stage_ms: float
    """Of the gap, what the stage took to arrive."""
    fps: float
    """Between this tile's first and last frame."""
    deepest_queue: int
    """Most images that waited in the core."""
    visit: int
    """0 the first time, 1 when it was taken again."""
    stage_um: tuple[float, ...] | None
    """As the stage itself said."""
    lost_in_core: int = 0
    """Images that the core counted and never gave."""
    widefield_frames: int = 0
    """That the core gave, the ignored ones included."""
    widefield_planned: int = 0
    enough: bool = False
    """Ended early because somebody had seen enough."""

    @property
    def frames_saved(self) -> int:
        """Planned, and not taken because there was enough."""
        return self.planned - self.frames if self.enough else 0

    @property
    def seconds_saved(self) -> float:
        """What these would have taken; 0 where a tile has too few frames to say."""
        return self.frames_saved / self.fps if self.fps > 0 else 0.0

    @property
    def whole(self) -> bool:
        """Every frame that was planned came from the camera, or as many as were wanted."""
        frames = self.enough or self.frames >= self.planned
        all_frames = frames and self.widefield_frames >= self.widefield_planned
        return all_frames and not self.overflowed and self.lost_in_core == 0


@dataclass(slots=True, kw_only=True)
class ScanReport:
    """A scan."""

    tiles: list[TileReport] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    """Of the localization series."""
    widefield_counts: Counts | None = None
    aborted: bool = False
    seconds: float = 0.0
    next_tile: int = 0
    """Where to go on after an abort: the first tile that was not visited. `not_whole` names those cut short before."""
    series_id: bytes = b""
    """Of the localization series, as the daemon knows it."""
    again_failures: int = 0
    """How often the callback failed that names tiles to be taken again, or named one that is not in the grid."""
    again_error: str = ""
    """The first time."""
    early_stop_error: str = ""
    """Why the daemon could not say when there is enough of a tile; empty: it could, or was not asked."""

    def summary(self) -> dict[str, Any]:
        """The totals in words for people, and values for JSON."""
        gaps = [tile.gap_ms for tile in self.tiles if tile.gap_ms is not None]
        again = [tile.index for tile in self.tiles if tile.visit > 0]
        return {
            "tiles": len({tile.index for tile in self.tiles}),
            "frames": self.counts.captured,
            "sent": self.counts.sent,
            "dropped": self.counts.dropped,
            "widefield_frames": 0 if self.widefield_counts is None else self.widefield_counts.captured,
            "seconds": self.seconds,
            "gap_ms_median": statistics.median(gaps) if gaps else None,
            "gap_ms_largest": max(gaps, default=None),
            "stage_ms_median": statistics.median([tile.stage_ms for tile in self.tiles]) if self.tiles else 0.0,
            "fps_median": statistics.median([tile.fps for tile in self.tiles]) if self.tiles else 0.0,
            "deepest_queue": max((tile.deepest_queue for tile in self.tiles), default=0),
            "core_buffer_overflows": sum(tile.overflowed for tile in self.tiles),
            "lost_in_core": sum(tile.lost_in_core for tile in self.tiles),
            "taken_again": again,
            "ended_early": [tile.index for tile in self.tiles if tile.enough],
            "frames_saved": sum(tile.frames_saved for tile in self.tiles),
            "seconds_saved": sum(tile.seconds_saved for tile in self.tiles),
            "early_stop_error": self.early_stop_error,
            "not_whole": sorted(self.not_whole()),
            "again_failures": self.again_failures,
            "again_error": self.again_error,
            "aborted": self.aborted,
            "next_tile": self.next_tile,
            "series_id": self.series_id.hex(),
        }

    def not_whole(self) -> set[int]:
        """Tiles whose last visit did not give every frame."""
        last = {tile.index: tile for tile in self.tiles}
        return {index for index, tile in last.items() if not tile.whole}

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per visit of a tile."""
        return [asdict(tile) for tile in self.tiles]
