"""A tile scan on any pymmcore-plus core, with a loop of its own: move, wait, burst, next.

In: a plan, a core, an endpoint. Out: frames to the daemon, a report. Full queue: the publisher drops and counts; the
scan goes on. A core whose buffer overflows stops its burst early: the tile is reported, and taken again. Never: a wait
for the daemon between two tiles (only the end waits, for seconds at most).

The MDA engine needs about 70 ms between two tiles; this loop is here because a scan has a thousand of them.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from blinkd.micromanager.core import Core, Setup, describe_frame, read_setup, stage_position
from blinkd.micromanager.errors import require_one_camera, require_stage
from blinkd.micromanager.plan import Preset, ScanPlan, Stop, WidefieldPass
from blinkd.micromanager.report import ScanReport, TileReport
from blinkd.micromanager.sequence import Captured, Sequence
from blinkd.publisher import DEFAULT_ENDPOINT, FramePublisher
from blinkd.series import EndReason, Frame, Series

Focus = Callable[[Core, Stop], None]
"""Brings a tile into focus after the stage has arrived."""
Again = Callable[[TileReport], Iterable[int]]
"""Asked after each tile: which tiles are to be taken again."""


class Scan:
    """One scan. `run` does it in the calling thread; `abort` may be called from any."""

    def __init__(
        self,
        core: Core,
        plan: ScanPlan,
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        focus: Focus | None = None,
        again: Again | None = None,
        most_repeats: int = 1,
        series: Series | None = None,
        first_seq: int = 0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing moves yet.

        `focus`: called at every tile. `again`: called after every tile; the tiles it names are taken again after the
        others, each at most `most_repeats` times, as are tiles whose burst the core cut short. `series`, `first_seq`:
        to go on with a series that a daemon already knows (its status says `next_seq`); a new one otherwise.
        Raises MicroscopeError for a core without one camera and an XY stage.
        """
        require_one_camera(int(core.getNumberOfCameraChannels()))
        require_stage(core.getXYStageDevice())
        self._core, self._plan, self._endpoint = core, plan, endpoint
        self._focus, self._again, self._most_repeats = focus, again, most_repeats
        self._given_series, self._first_seq, self._pause = series, first_seq, pause
        self._aborted = threading.Event()
        self._last_frame_s: float | None = None
        self._preset: Preset | None = None
        self._exposure_ms = 0.0
        self._widefield: FramePublisher | None = None

    def abort(self) -> None:
        """Stops after the frame that is being taken; `run` returns, its report says where to go on."""
        self._aborted.set()

    def run(self, *, first_tile: int = 0) -> ScanReport:
        """Takes the tiles from `first_tile` on, in the order of the plan, then those to be taken again."""
        self._plan.stop(first_tile)
        report, began = ScanReport(next_tile=first_tile), time.perf_counter()
        self._prepare()
        setup = read_setup(self._core)
        with contextlib.ExitStack() as stack:
            publisher = stack.enter_context(FramePublisher(self._endpoint))
            publisher.start(self._series(setup), first_seq=self._first_seq)
            if self._plan.widefield is not None:
                self._widefield = stack.enter_context(FramePublisher(self._endpoint))
                self._widefield.start(self._widefield_series(setup))
            self._visit_all(publisher, report, first_tile)
            report.aborted = self._aborted.is_set()
            reason = EndReason.ABORTED if report.aborted else EndReason.COMPLETED
            report.counts = publisher.end(reason=reason)
            if self._widefield is not None:
                report.widefield_counts = self._widefield.end(reason=reason)
        report.seconds = time.perf_counter() - began
        return report

    def _visit_all(self, publisher: FramePublisher, report: ScanReport, first_tile: int) -> None:
        queue = deque((index, 0) for index in range(first_tile, self._plan.tiles))
        visits: dict[int, int] = {}
        while queue and not self._aborted.is_set():
            index, visit = queue.popleft()
            tile = self._visit(publisher, self._plan.stop(index), visit)
            report.tiles.append(tile)
            if self._aborted.is_set():
                break
            if visit == 0:
                report.next_tile = index + 1
            for again in self._to_repeat(tile):
                taken = visits.get(again, 0)
                if taken < self._most_repeats:
                    visits[again] = taken + 1
                    queue.append((again, taken + 1))

    def _to_repeat(self, tile: TileReport) -> set[int]:
        wanted = set(self._again(tile)) if self._again is not None else set()
        for index in wanted:
            self._plan.stop(index)
        return wanted if tile.whole else wanted | {tile.index}

    def _visit(self, publisher: FramePublisher, stop: Stop, visit: int) -> TileReport:
        core, plan = self._core, self._plan
        core.setXYPosition(stop.x_um, stop.y_um)
        core.waitForDevice(core.getXYStageDevice())
        if self._focus is not None:
            self._focus(core, stop)
        if plan.widefield is not None and self._widefield is not None:
            self._take_widefield(self._widefield, plan.widefield, stop)
            self._use(plan.preset, plan.exposure_ms)
        publisher.begin_tile(stop.tile)
        dropped_before = publisher.counts.dropped
        burst = self._sequence(plan.frames)
        first: Captured | None = None
        last: Captured | None = None
        stage = None
        for image in burst.run():
            first = first or image
            if last is None:
                # Asked while the camera goes on exposing: on many stages the question takes longer than a frame.
                stage = stage_position(core)
            last = image
            publisher.send_frame(image.pixels, self._frame(image, stage))
        gap_ms = self._gap_ms(first)
        self._last_frame_s = last.at_s if last is not None else None
        return TileReport(
            index=stop.tile.index,
            row=stop.tile.row,
            column=stop.tile.column,
            frames=burst.captured,
            planned=plan.frames,
            dropped=publisher.counts.dropped - dropped_before,
            overflowed=burst.overflowed,
            gap_ms=gap_ms,
            fps=_fps(first, last, burst.captured),
            deepest_queue=burst.deepest_queue,
            visit=visit,
            stage_um=stage,
        )

    def _take_widefield(self, publisher: FramePublisher, widefield: WidefieldPass, stop: Stop) -> None:
        self._use(widefield.preset, widefield.exposure_ms or self._plan.exposure_ms)
        kept = widefield.frames - widefield.ignored
        publisher.begin_tile(
            type(stop.tile)(index=stop.tile.index, row=stop.tile.row, column=stop.tile.column, frames=kept)
        )
        stage = stage_position(self._core)
        burst = self._sequence(widefield.frames)
        for number, image in enumerate(burst.run()):
            if number >= widefield.ignored:
                publisher.send_frame(image.pixels, self._frame(image, stage))
        self._last_frame_s = None  # the next gap would be that of the filter wheel, not of the stage

    def _sequence(self, frames: int) -> Sequence:
        return Sequence(core=self._core, frames=frames, stopping=self._aborted.is_set, pause=self._pause)

    def _frame(self, image: Captured, stage: tuple[float, float] | tuple[float, float, float] | None) -> Frame:
        return describe_frame(
            image.metadata,
            exposure_ms=self._exposure_ms,
            stage_um=stage,
            stage_measured=stage is not None,
            queue_depth=image.queue_depth,
        )

    def _gap_ms(self, first: Captured | None) -> float | None:
        if first is None or self._last_frame_s is None:
            return None
        return (first.at_s - self._last_frame_s) * 1e3 - self._exposure_ms

    def _prepare(self) -> None:
        self._preset, self._last_frame_s = None, None
        self._use(self._plan.preset, self._plan.exposure_ms)

    def _use(self, preset: Preset | None, exposure_ms: float | None) -> None:
        """Sets what is not set already: a filter wheel is not asked to stay where it is."""
        if preset is not None and preset != self._preset:
            self._core.setConfig(preset.group, preset.name)
            self._core.waitForConfig(preset.group, preset.name)
            self._preset = preset
        if exposure_ms is not None and exposure_ms != self._exposure_ms:
            self._core.setExposure(exposure_ms)
        self._exposure_ms = float(self._core.getExposure())

    def _series(self, setup: Setup) -> Series:
        plan = self._plan
        return self._given_series or Series(
            name=plan.name,
            source=setup.source,
            camera=setup.camera,
            pixel_size_nm=setup.pixel_size_nm,
            affine_um=setup.affine_um,
            exposure_ms=setup.exposure_ms,
            grid_rows=plan.rows,
            grid_columns=plan.columns,
            overlap_um=plan.overlap_um,
            snake=plan.snake,
            expected_tiles=plan.tiles,
            expected_frames=plan.tiles * plan.frames,
            metadata_json=json.dumps({"scan": repr(plan)}),
        )

    def _widefield_series(self, setup: Setup) -> Series:
        plan, widefield = self._plan, self._plan.widefield
        assert widefield is not None
        kept = widefield.frames - widefield.ignored
        return Series(
            name=f"{plan.name}, widefield",
            source=setup.source,
            camera=setup.camera,
            pixel_size_nm=setup.pixel_size_nm,
            affine_um=setup.affine_um,
            exposure_ms=widefield.exposure_ms or setup.exposure_ms,
            grid_rows=plan.rows,
            grid_columns=plan.columns,
            overlap_um=plan.overlap_um,
            snake=plan.snake,
            expected_tiles=plan.tiles,
            expected_frames=plan.tiles * kept,
            widefield=True,
        )


def _fps(first: Captured | None, last: Captured | None, frames: int) -> float:
    if first is None or last is None or last.at_s <= first.at_s:
        return 0.0
    return (frames - 1) / (last.at_s - first.at_s)
