"""The tiles of a scan as rectangles.

Comes in: a scan as the daemon describes it. Goes out: corners in µm, colours by state, a label by row and column, and
how many tiles of which state there are, in words. Never: more than MOST_TILES rectangles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blinkd.client.scans import Scan, TileState
from blinkd.napari.world import NM_PER_UM

MOST_TILES = 4096
"""Drawn; of a larger scan the first ones, and the sentence says so."""

COLOURS: Mapping[str, str] = {
    "planned": "#999999",
    "acquiring": "#56b4e9",
    "processing": "#f0e442",
    "done": "#009e73",
    "failed": "#d55e00",
    "retake": "#cc79a7",
    "suspect": "#e69f00",
}
"""By state; Okabe and Ito's, which colour-blind people can tell apart."""


@dataclass(frozen=True)
class TileGrid:
    """Rectangles for napari: `corners_um` (n, 4, 2), (y, x)."""

    series_id: bytes
    corners_um: npt.NDArray[np.float64]
    states: tuple[str, ...]
    labels: tuple[str, ...]
    note: str

    @property
    def colours(self) -> list[str]:
        """Of each rectangle."""
        return [COLOURS[state] for state in self.states]


def tile_grid(scan: Scan) -> TileGrid:
    """Of a scan; tiles that the daemon cannot place lie at the corner."""
    tiles = sorted(scan.tiles, key=lambda seen: seen.tile.tile_index)
    drawn = tiles[:MOST_TILES]
    left = np.array([seen.tile.corner_x_nm for seen in drawn], np.float64)
    top = np.array([seen.tile.corner_y_nm for seen in drawn], np.float64)
    right, bottom = left + scan.tile_width_nm, top + scan.tile_height_nm
    edges = ((top, left), (top, right), (bottom, right), (bottom, left))
    corners = np.stack([np.column_stack(edge) for edge in edges], axis=1) / NM_PER_UM
    states = tuple(state_name(seen.state) for seen in drawn)
    labels = tuple(f"{seen.tile.row}, {seen.tile.column}" for seen in drawn)
    return TileGrid(bytes(scan.series_id), corners, states, labels, _note(scan, len(tiles)))


def _note(scan: Scan, tiles: int) -> str:
    counts = ", ".join(f"{count} {state}" for state in COLOURS if (count := scan.tiles_by_state.get(state, 0)))
    note = f"{tiles:,} tiles: {counts}" if counts else f"{tiles:,} tiles"
    return note if tiles <= MOST_TILES else f"{note}; the first {MOST_TILES:,} are drawn"


def state_name(state: TileState) -> str:
    """A tile's state as a word; a newer daemon's unknown one counts as planned."""
    name = state.name.lower()
    return name if name in COLOURS else "planned"
