"""A tile scan on any pymmcore-plus core, with a loop of its own: move, wait, burst, next.

In: a plan, a core, an endpoint. Out: frames to the daemon, a report. Full queue: the publisher drops and counts; the
scan goes on. A core whose buffer overflows stops its burst early: the tile is reported, and taken again. A core, or a
focus, that fails ends the scan with what was taken until then (ScanError). Never: a wait for the daemon between two
tiles (only the end waits, for seconds at most).

The MDA engine needs about 70 ms between two tiles; this loop is here because a scan has a thousand of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable

from blinkd.micromanager.core import Core, describe_frame, read_setup, stage_position
from blinkd.micromanager.enough import EnoughListener, listening
from blinkd.micromanager.errors import MicroscopeError, ScanError
from blinkd.micromanager.light import Light, LightPath, lights_of
from blinkd.micromanager.plan import ScanPlan, Stop
from blinkd.micromanager.report import ScanReport, TileReport
from blinkd.micromanager.requirements import require_idle, require_one_camera, require_stage
from blinkd.micromanager.scan_series import burst_series, widefield_series
from blinkd.micromanager.sequence import SILENCE_S, Captured, Sequence
from blinkd.publisher import DEFAULT_ENDPOINT, FramePublisher
from blinkd.series import Camera, EndReason, Frame, Series

log = logging.getLogger(__name__)

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
        calibration: Camera | None = None,
        focus: Focus | None = None,
        again: Again | None = None,
        most_repeats: int = 1,
        early_stop: str | None = None,
        series: Series | None = None,
        first_seq: int = 0,
        silence_s: float = SILENCE_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing moves yet.

        `focus`: called at every tile. `again`: called after every tile, between two tiles, so that it must be quick;
        the tiles it names are taken again after the others, each at most `most_repeats` times, as are tiles whose
        burst the core cut short. A callback that fails is counted, and the scan goes on. `early_stop`: where the daemon
        answers clients, as 127.0.0.1:5767; tiles then end as soon as it has seen what its `[scan.early_stop]` asks
        for. `series`, `first_seq`: to go on with a series that a daemon still receives (its status says `next_seq`); a
        new one otherwise. `silence_s`: a camera that gives no image for so long has failed.
        Raises MicroscopeError for a core without one camera and an XY stage, ValueError for a wrong argument.
        """
        require_one_camera(core)
        require_stage(core)
        if most_repeats < 0 or first_seq < 0:
            raise ValueError(f"most_repeats {most_repeats} and first_seq {first_seq}: from 0")
        self._core, self._plan, self._endpoint, self._calibration = core, plan, endpoint, calibration
        self._focus, self._again, self._most_repeats = focus, again, most_repeats
        self._early_stop, self._first_of_visit = early_stop, first_seq
        self._given_series, self._first_seq = series, first_seq
        self._silence_s, self._pause = silence_s, pause
        self._aborted = threading.Event()
        self._enough_of: int | None = None
        self._last_frame_s: float | None = None
        self._path = LightPath(core)
        self._at = plan.stop(0)
        self._bursts = Light(camera="", presets=(), exposure_ms=None)
        self._wide_light: Light | None = None
        self._widefield: FramePublisher | None = None
        self.series_id = series.series_id if series is not None else uuid.uuid4().bytes
        """Of the localization series, for whoever asks the daemon about it."""

    def abort(self) -> None:
        """Stops after the frame that is being taken; `run` returns, its report says where to go on."""
        self._aborted.set()

    def end_tile(self, index: int) -> None:
        """There is enough of this tile: its burst ends after the frame that is being taken, and the scan goes on.

        May be called from any thread, and too late: of another tile than the one being taken, nothing happens.
        """
        self._enough_of = index

    def _heard(self, index: int, seq: int) -> None:
        """There is enough, by the daemon; of an earlier visit of this tile where the frame came before it."""
        if seq >= self._first_of_visit:
            self.end_tile(index)

    def run(self, *, first_tile: int = 0) -> ScanReport:
        """Takes the tiles from `first_tile` on, in the order of the plan, then those to be taken again.

        Raises MicroscopeError for what the core does not have, before anything is sent, and ScanError when core or
        focus fail on the way.
        """
        self._plan.stop(first_tile)
        require_idle(self._core)
        report, began = ScanReport(next_tile=first_tile, series_id=self.series_id), time.perf_counter()
        tiles, failure = self._plan.tiles - first_tile, None
        self._path = LightPath(self._core)
        self._bursts, self._wide_light = lights_of(self._core, self._plan, self._path)
        with contextlib.ExitStack() as stack:
            stack.callback(self._put_back)
            publisher = stack.enter_context(FramePublisher(self._endpoint))
            wide_series = self._wide_series(tiles)
            self._path.use(self._bursts)
            setup = read_setup(self._core)
            own = burst_series(self._plan, setup, series_id=self.series_id, tiles=tiles, calibration=self._calibration)
            publisher.start(self._given_series or own, first_seq=self._first_seq)
            if wide_series is not None:
                self._widefield = stack.enter_context(FramePublisher(self._endpoint))
                self._widefield.start(wide_series)
            try:
                with listening(self._early_stop, self.series_id, self._heard) as listener:
                    self._visit_all(publisher, report, first_tile)
            except Exception as error:  # the report of a night is not lost for one tile
                failure = error
            report.early_stop_error = listener.error if isinstance(listener, EnoughListener) else ""
            report.aborted = self._aborted.is_set()
            reason = EndReason.ERROR if failure is not None else _reason(report)
            report.counts = publisher.end(reason=reason)
            if self._widefield is not None:
                report.widefield_counts = self._widefield.end(reason=reason)
        report.seconds = time.perf_counter() - began
        if failure is not None:
            raise ScanError(self._failed(failure, report), report) from failure
        return report

    def _visit_all(self, publisher: FramePublisher, report: ScanReport, first_tile: int) -> None:
        queue = deque((index, 0) for index in range(first_tile, self._plan.tiles))
        visits: dict[int, int] = {}
        self._last_frame_s = None
        while queue and not self._aborted.is_set():
            index, visit = queue.popleft()
            self._at = self._plan.stop(index)
            tile = self._visit(publisher, self._at, visit)
            report.tiles.append(tile)
            if self._aborted.is_set():
                break
            if visit == 0:
                report.next_tile = index + 1
            wanted = self._asked_for(tile, report) | (set() if tile.whole else {index})
            waiting = {each for each, later in queue if later > 0}
            for each in sorted(wanted - waiting):
                if visits.get(each, 0) < self._most_repeats:
                    visits[each] = visits.get(each, 0) + 1
                    queue.append((each, visits[each]))

    def _asked_for(self, tile: TileReport, report: ScanReport) -> set[int]:
        """What the callback names. Whatever it does, the scan goes on."""
        if self._again is None:
            return set()
        wanted = set()
        try:
            for index in self._again(tile):
                self._plan.stop(index)
                wanted.add(index)
        except Exception as error:
            report.again_failures += 1
            if report.again_failures == 1:
                report.again_error = f"{type(error).__name__}: {error}"
                log.warning("tiles to be taken again are not known (the scan goes on): %s", report.again_error)
        return wanted

    def _visit(self, publisher: FramePublisher, stop: Stop, visit: int) -> TileReport:
        core = self._core
        began_s = time.perf_counter()
        core.setXYPosition(stop.x_um, stop.y_um)
        core.waitForDevice(core.getXYStageDevice())
        stage_ms = (time.perf_counter() - began_s) * 1e3
        if self._focus is not None:
            self._focus(core, stop)
        wide = self._take_widefield(stop)
        self._path.use(self._bursts)
        publisher.begin_tile(stop.tile)
        dropped_before = publisher.counts.dropped
        self._first_of_visit, self._enough_of = publisher.next_seq, None
        burst = self._sequence(self._plan.frames, index=stop.tile.index)
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
            planned=self._plan.frames,
            dropped=publisher.counts.dropped - dropped_before,
            overflowed=burst.overflowed or (wide is not None and wide.overflowed),
            gap_ms=gap_ms,
            stage_ms=stage_ms,
            fps=_fps(first, last, burst.captured),
            deepest_queue=max(burst.deepest_queue, wide.deepest_queue if wide is not None else 0),
            visit=visit,
            stage_um=stage,
            lost_in_core=burst.lost,
            widefield_frames=wide.captured if wide is not None else 0,
            widefield_planned=(wide.frames or 0) if wide is not None else 0,
            enough=self._enough_of == stop.tile.index and burst.captured < self._plan.frames,
        )

    def _take_widefield(self, stop: Stop) -> Sequence | None:
        """The widefield frames of a tile, in their series."""
        widefield, publisher = self._plan.widefield, self._widefield
        if widefield is None or publisher is None or self._wide_light is None:
            return None
        self._path.use(self._wide_light)
        publisher.begin_tile(dataclasses.replace(stop.tile, frames=widefield.kept))
        stage = stage_position(self._core)
        burst = self._sequence(widefield.frames)
        for number, image in enumerate(burst.run()):
            if number >= widefield.ignored:
                publisher.send_frame(image.pixels, self._frame(image, stage))
        self._last_frame_s = None  # the next gap would be that of the filter wheel, not of the stage
        return burst

    def _wide_series(self, tiles: int) -> Series | None:
        """Read with the camera of the widefield frames."""
        if self._plan.widefield is None or self._wide_light is None:
            return None
        self._path.use(self._wide_light)
        require_one_camera(self._core)
        setup = read_setup(self._core)
        return widefield_series(self._plan, self._plan.widefield, setup, tiles=tiles, bursts_id=self.series_id)

    def _put_back(self) -> None:
        """Camera and light as the bursts have them, whatever happened."""
        try:
            self._path.use(self._bursts)
        except Exception:  # it is said already why the scan ended
            log.exception("camera and light could not be set back")

    def _sequence(self, frames: int, *, index: int | None = None) -> Sequence:
        """`index`: of the tile whose burst may be ended early."""

        def stopping() -> bool:
            return self._aborted.is_set() or (index is not None and self._enough_of == index)

        return Sequence(
            core=self._core,
            frames=frames,
            stopping=stopping,
            silence_s=self._silence_s,
            pause=self._pause,
        )

    def _frame(self, image: Captured, stage: tuple[float, float] | tuple[float, float, float] | None) -> Frame:
        return describe_frame(
            image.metadata,
            exposure_ms=self._path.exposure_ms,
            stage_um=stage,
            stage_measured=stage is not None,
            queue_depth=image.queue_depth,
        )

    def _gap_ms(self, first: Captured | None) -> float | None:
        if first is None or self._last_frame_s is None:
            return None
        return (first.at_s - self._last_frame_s) * 1e3 - self._path.exposure_ms

    def _failed(self, error: Exception, report: ScanReport) -> str:
        tile = self._at.tile
        said = str(error) if isinstance(error, MicroscopeError) else f"{type(error).__name__}: {error}"
        return (
            f"tile {tile.index} (row {tile.row}, column {tile.column}, x {self._at.x_um:.1f} um, "
            f"y {self._at.y_um:.1f} um): {said}; go on with first tile {report.next_tile}"
        )


def _reason(report: ScanReport) -> EndReason:
    if report.aborted:
        return EndReason.ABORTED
    last = {tile.index: tile for tile in report.tiles}
    return EndReason.OVERFLOW if any(tile.overflowed for tile in last.values()) else EndReason.COMPLETED


def _fps(first: Captured | None, last: Captured | None, frames: int) -> float:
    if first is None or last is None or last.at_s <= first.at_s:
        return 0.0
    return (frames - 1) / (last.at_s - first.at_s)
