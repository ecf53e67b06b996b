"""`blinkd-mm`: a live preview, a tile scan or a widefield picture with a Micro-Manager configuration.

In: a configuration file, numbers with their units in the options' names. Out: frames to the daemon, progress on
standard error, a report on standard output. Ctrl-C and SIGTERM stop the camera and end the series; a second one leaves
at once. Exit: 0 done, 1 the microscope cannot, 2 wrong arguments, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from blinkd.counts import Counts
from blinkd.micromanager.core import read_setup
from blinkd.micromanager.errors import MicroscopeError, ScanError
from blinkd.micromanager.live import BurstLive
from blinkd.micromanager.options import DEMO, parser
from blinkd.micromanager.plan import ScanPlan, WidefieldPass
from blinkd.micromanager.report import ScanReport, TileReport
from blinkd.micromanager.scan import Scan
from blinkd.micromanager.snap import snap_widefield

STOPPED = 130
MOST_OF_MEMORY = 0.5
"""Of the machine's memory, for the core's buffer: MMCore takes what it is told, and the system ends the process."""
TROUBLES = (MicroscopeError, ValueError, OSError, RuntimeError, MemoryError)
"""What a microscope may say; anything else is a fault of this program."""

Report = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs, then leaves the process at once: with Micro-Manager's core loaded, the ordinary exit aborts at times."""
    code = 1
    try:
        code = run(arguments)
    except SystemExit as left:  # argparse
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(arguments: Sequence[str] | None = None, *, load: Callable[[str, int], Any] | None = None) -> int:
    """The command; returns the exit code. `load` makes a core from a configuration and a buffer size in MiB."""
    options = parser(_live, _scan, _snap).parse_args(arguments)
    stop = threading.Event()
    report: Report = {}
    try:
        with _stopping(stop):
            core = (load or load_core)(options.config, options.core_buffer_mib)
            options.verb(core, options, stop, report)
    except TROUBLES as error:
        report["error"] = str(error) or repr(error)
        print(f"blinkd-mm: {report['error']}", file=sys.stderr)
    _show(report, options)
    if "error" in report:
        return 1
    return STOPPED if stop.is_set() and options.verb is not _live else 0


@contextlib.contextmanager
def _stopping(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set `stop`; the second time they end the process, however stuck the core is."""

    def asked(*_: object) -> None:
        if stop.is_set():
            os._exit(STOPPED)
        stop.set()
        os.write(2, b"blinkd-mm: stopping; once more to leave at once\n")

    before = [(number, signal.signal(number, asked)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _show(report: Report, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            if name not in ("by_tile", "error"):
                print(f"{name.replace('_', ' '):22} {f'{value:.6g}' if isinstance(value, float) else value}")
    if report.get("frames") and not report["sent"]:
        print(f"blinkd-mm: no daemon took a frame at {options.endpoint}: is 'blinkd serve' running?", file=sys.stderr)


def load_core(config: str, buffer_mib: int) -> Any:  # noqa: ANN401
    """A pymmcore-plus core with this configuration."""
    if config != DEMO and not Path(config).is_file():
        raise MicroscopeError(f"--config {config}: there is no such file; --config demo needs none")
    if buffer_mib > _memory_mib() * MOST_OF_MEMORY:
        raise MicroscopeError(
            f"--core-buffer-mib {buffer_mib}: this machine has {_memory_mib():.0f} MiB; half of it at most"
        )
    try:
        pymmcore_plus = importlib.import_module("pymmcore_plus")
    except ImportError as missing:
        raise MicroscopeError(
            f"pymmcore-plus cannot be loaded ({missing}): pip install 'blinkd[micromanager]'"
        ) from missing
    core = pymmcore_plus.CMMCorePlus()
    try:
        core.loadSystemConfiguration("MMConfig_demo.cfg" if config == DEMO else str(Path(config).resolve()))
    except (RuntimeError, OSError, ValueError) as error:
        remedy = (
            "pip install 'blinkd[micromanager-demo]'"
            if config == DEMO
            else "check that line; adapters are looked for in MICROMANAGER_PATH and must be made for pymmcore's device "
            f"interface ({core.getAPIVersionInfo()})"
        )
        said = " ".join(str(error).split())
        raise MicroscopeError(f"--config {config}: the core does not load it: {said}; {remedy}") from error
    if buffer_mib:
        try:
            core.setCircularBufferMemoryFootprint(buffer_mib)
        except (RuntimeError, MemoryError) as error:
            raise MicroscopeError(f"--core-buffer-mib {buffer_mib}: {error}") from error
    return core


def _memory_mib() -> float:
    """Of the machine; where that is not known, without end."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    except (AttributeError, ValueError, OSError):
        return math.inf


def _counts(counts: Counts) -> Report:
    return {"frames": counts.captured, "sent": counts.sent, "dropped": counts.dropped}


def _live(core: Any, options: argparse.Namespace, stop: threading.Event, report: Report) -> None:  # noqa: ANN401
    if options.exposure_ms is not None:
        core.setExposure(options.exposure_ms)
    live = BurstLive(core, endpoint=options.endpoint)
    if options.roi_px is not None:
        live.set_roi(*options.roi_px)
    live.start()
    end_s = None if options.seconds is None else time.monotonic() + options.seconds
    told_s = time.monotonic()
    while live.running and not stop.is_set() and (end_s is None or time.monotonic() < end_s):
        stop.wait(0.1 if end_s is None else max(0.0, min(0.1, end_s - time.monotonic())))
        if not options.json and time.monotonic() - told_s >= 1.0:
            told_s, counts = time.monotonic(), live.counts
            print(
                f"{counts.captured} frames, {counts.dropped} dropped, {live.overflows} overflows of the core's buffer",
                file=sys.stderr,
            )
    counts = live.stop()
    error = live.error
    live.close()
    report |= _counts(counts) | {"core_buffer_overflows": live.overflows, "deepest_queue": live.deepest_queue}
    if error is not None:
        raise MicroscopeError(f"the preview ended by itself: {error}")


def _scan(core: Any, options: argparse.Namespace, stop: threading.Event, report: Report) -> None:  # noqa: ANN401
    plan = _plan(core, options)

    def progress(tile: TileReport) -> tuple[int, ...]:
        if not options.json:
            print(_progress(tile, plan), file=sys.stderr)
        return ()

    scan = Scan(
        core,
        plan,
        endpoint=options.endpoint,
        again=progress,
        most_repeats=options.most_repeats,
        early_stop=options.early_stop,
    )
    ended = threading.Event()

    def abort_when_told() -> None:
        stop.wait()
        if not ended.is_set():
            scan.abort()

    threading.Thread(target=abort_when_told, name="blinkd-abort", daemon=True).start()
    done: ScanReport | None = None
    try:
        done = scan.run(first_tile=options.first_tile)
    except ScanError as failed:
        done = failed.report
        raise
    finally:
        ended.set()
        if done is not None:
            report |= done.summary() | {"centre_um": list(plan.centre_um), "by_tile": done.rows()}


def _progress(tile: TileReport, plan: ScanPlan) -> str:
    said = [f"tile {tile.index} of {plan.tiles} (row {tile.row}, column {tile.column}): {tile.frames} frames"]
    said += [f"{tile.dropped} dropped"] * (tile.dropped > 0)
    said += ["the core's image buffer was full"] * tile.overflowed
    said += [f"{tile.lost_in_core} lost in the core"] * (tile.lost_in_core > 0)
    said += [f"{tile.frames_saved} saved"] * tile.enough
    said += [f"gap {tile.gap_ms:.1f} ms"] if tile.gap_ms is not None else []
    return ", ".join(said)


def _plan(core: Any, options: argparse.Namespace) -> ScanPlan:  # noqa: ANN401
    if options.first_tile and options.centre_um is None:
        raise MicroscopeError(
            "--first-tile goes on with a grid, but without --centre-um the grid would lie around where the stage is "
            "now: give the centre_um of that scan's report"
        )
    widefield = None
    if options.widefield_frames:
        widefield = WidefieldPass(
            frames=options.widefield_frames,
            ignored=options.widefield_ignore,
            preset=options.widefield_preset,
            exposure_ms=options.widefield_exposure_ms,
            camera=options.widefield_camera,
        )
    elif options.widefield_preset or options.widefield_exposure_ms or options.widefield_camera:
        raise MicroscopeError("--widefield-frames is 0: say how many, or leave the other --widefield options out")
    x_um, y_um = options.centre_um or (core.getXYPosition() if core.getXYStageDevice() else (0.0, 0.0))
    return ScanPlan(
        rows=options.rows,
        columns=options.columns,
        frames=options.frames,
        field_um=_field_um(core, options),
        overlap_um=(options.overlap_um, options.overlap_um),
        centre_um=(float(x_um) + 0.0, float(y_um) + 0.0),  # no -0.0
        exposure_ms=options.exposure_ms,
        preset=options.preset,
        widefield=widefield,
        name=options.name,
    )


def _field_um(core: Any, options: argparse.Namespace) -> tuple[float, float]:  # noqa: ANN401
    if options.field_um is not None:
        return (options.field_um, options.field_um)
    setup = read_setup(core)
    if setup.pixel_size_nm is None:
        raise MicroscopeError(
            f"--config {options.config}: it has no pixel size: calibrate it in Micro-Manager, or give --field-um"
        )
    width, height = setup.field_px
    return (width * setup.pixel_size_nm[0] / 1e3, height * setup.pixel_size_nm[1] / 1e3)


def _snap(core: Any, options: argparse.Namespace, stop: threading.Event, report: Report) -> None:  # noqa: ANN401
    widefield = WidefieldPass(
        frames=options.frames,
        ignored=options.ignore,
        preset=options.preset,
        exposure_ms=options.exposure_ms,
        camera=options.camera,
    )
    report |= _counts(snap_widefield(core, widefield, endpoint=options.endpoint, stopping=stop.is_set))


if __name__ == "__main__":
    main()
