"""Where the tiles of a scan are and in what order they are taken. Pure.

In: rows, columns, field of view, overlap. Out: tiles with stage positions. Never: a core.

Row 0 has the largest y and column 0 the smallest x, as in useq; the centre of the grid is the plan's centre. Rows and
columns say nothing of the camera's axes: those are in the pixel size affine of the series.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any

from blinkd.series import Tile

MAX_TILES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A preset of a configuration group, as `Channel=Cy5`."""

    group: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Preset:
        """Reads `GROUP=PRESET`; raises ValueError."""
        group, equals, name = text.partition("=")
        if not (equals and group and name):
            raise ValueError(f"'{text}': a preset is written GROUP=PRESET, as Channel=Cy5")
        return cls(group=group, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class WidefieldPass:
    """Widefield frames before each tile's burst, for ANNA-PALM: five, the first two of which are ignored."""

    frames: int = 5
    ignored: int = 2
    """Taken and thrown away: light and stage are still settling."""
    preset: Preset | None = None
    """Set before, as the filter of the widefield label; None: that of the bursts."""
    exposure_ms: float | None = None
    """None: the bursts', or another camera's own."""
    camera: str | None = None
    """The label of another camera; None: that of the bursts."""
    pixel_size_nm: tuple[float, float] | None = None
    """(x, y) of that camera in the sample; None: the core's, which knows one for all cameras."""

    def __post_init__(self) -> None:
        """Refuses a pass that keeps nothing."""
        if not 0 <= self.ignored < self.frames:
            raise ValueError(f"widefield: {self.frames} frames with {self.ignored} ignored keep none: take more")
        if self.exposure_ms is not None and self.exposure_ms <= 0:
            raise ValueError(f"widefield exposure_ms {self.exposure_ms}: above 0")

    @property
    def kept(self) -> int:
        """How many are sent."""
        return self.frames - self.ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A tile and where the stage must be for it, um."""

    tile: Tile
    x_um: float
    y_um: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPlan:
    """A grid of rows x columns fields of view, taken in a snake."""

    rows: int
    columns: int
    frames: int
    """In each tile."""
    field_um: tuple[float, float]
    """(x, y) of one field of view."""
    overlap_um: tuple[float, float] = (1.0, 1.0)
    """(x, y) of neighbouring fields."""
    centre_um: tuple[float, float] = (0.0, 0.0)
    """(x, y) of the middle of the grid on the stage."""
    exposure_ms: float | None = None
    """None: what the core is set to."""
    preset: Preset | None = None
    """Set before each burst when there is a widefield pass, once otherwise; None: what the core is set to."""
    widefield: WidefieldPass | None = None
    snake: bool = True
    name: str = "scan"

    def __post_init__(self) -> None:
        """Refuses what no stage could do; the message names the field."""
        if self.rows < 1 or self.columns < 1 or self.rows * self.columns > MAX_TILES:
            raise ValueError(f"rows {self.rows} x columns {self.columns}: each at least 1, {MAX_TILES} tiles at most")
        if self.frames < 1:
            raise ValueError(f"frames {self.frames}: at least 1 in each tile")
        if not all(math.isfinite(number) for number in (*self.field_um, *self.centre_um)):
            raise ValueError(f"field_um {self.field_um} and centre_um {self.centre_um}: finite numbers are needed")
        for axis, size, overlap in zip("xy", self.field_um, self.overlap_um, strict=True):
            if not 0 <= overlap < size:
                raise ValueError(f"overlap_um in {axis} is {overlap}: from 0 to less than the field of {size} um")
        if self.exposure_ms is not None and self.exposure_ms <= 0:
            raise ValueError(f"exposure_ms {self.exposure_ms}: above 0")

    @property
    def tiles(self) -> int:
        """How many."""
        return self.rows * self.columns

    @property
    def step_um(self) -> tuple[float, float]:
        """(x, y) from one field to the next."""
        return (self.field_um[0] - self.overlap_um[0], self.field_um[1] - self.overlap_um[1])

    def stop(self, index: int) -> Stop:
        """The tile that is taken as number `index`, from 0; raises ValueError for one that is not in the grid."""
        if not 0 <= index < self.tiles:
            raise ValueError(f"tile {index} is not in a grid of {self.tiles}: 0 to {self.tiles - 1}")
        row, along = divmod(index, self.columns)
        column = self.columns - 1 - along if self.snake and row % 2 else along
        step_x, step_y = self.step_um
        return Stop(
            tile=Tile(index=index, row=row, column=column, frames=self.frames),
            x_um=self.centre_um[0] + (column - (self.columns - 1) / 2) * step_x,
            y_um=self.centre_um[1] - (row - (self.rows - 1) / 2) * step_y,
        )

    def to_useq(self) -> Any:  # noqa: ANN401 - useq-schema is no dependency of this package
        """The same tiles, positions and frames as an `MDASequence`, without the widefield pass. Needs useq-schema.

        useq has exposures only with channels: without a preset, set the core's exposure yourself.
        """
        useq = importlib.import_module("useq")
        percent_x, percent_y = (
            100 * overlap / size for overlap, size in zip(self.overlap_um, self.field_um, strict=True)
        )
        grid = useq.GridRowsColumns(
            rows=self.rows,
            columns=self.columns,
            fov_width=self.field_um[0],
            fov_height=self.field_um[1],
            overlap=(percent_x, percent_y),
            mode="row_wise_snake" if self.snake else "row_wise",
        )
        channels = []
        if self.preset is not None:
            channels = [useq.Channel(group=self.preset.group, config=self.preset.name, exposure=self.exposure_ms)]
        return useq.MDASequence(
            axis_order="pgtc",
            stage_positions=[useq.Position(x=self.centre_um[0], y=self.centre_um[1])],
            grid_plan=grid,
            time_plan=useq.TIntervalLoops(interval=0, loops=self.frames),
            channels=channels,
            metadata={"name": self.name},
        )
