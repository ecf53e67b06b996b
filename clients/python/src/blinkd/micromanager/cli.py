"""`blinkd-mm`: a live preview, a tile scan or a widefield picture with a Micro-Manager configuration.

In: a configuration file, numbers with their units in the options' names. Out: frames to the daemon, a report on
standard output. Ctrl-C stops the camera and ends the series. Exit: 0 done, 1 the microscope cannot, 2 wrong arguments,
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from blinkd.micromanager.core import read_setup
from blinkd.micromanager.errors import MicroscopeError
from blinkd.micromanager.live import BurstLive
from blinkd.micromanager.plan import Preset, ScanPlan, WidefieldPass
from blinkd.micromanager.scan import Scan
from blinkd.micromanager.snap import snap_widefield
from blinkd.publisher import DEFAULT_ENDPOINT

DEMO = "demo"


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs, then leaves the process at once: with Micro-Manager's core loaded, the ordinary exit aborts at times."""
    code = run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(arguments: Sequence[str] | None = None, *, load: Callable[[str, int], Any] | None = None) -> int:
    """The command; returns the exit code. `load` makes a core from a configuration and a buffer size in MiB."""
    options = parser().parse_args(arguments)
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        core = (load or load_core)(options.config, options.core_buffer_mib)
        report = options.verb(core, options, stop)
    except (MicroscopeError, ValueError, OSError, RuntimeError) as error:
        print(f"blinkd-mm: {error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, before)
    _show(report, options)
    return 130 if stop.is_set() and options.verb is not _live else 0


def _show(report: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            if name != "by_tile":
                print(f"{name.replace('_', ' '):22} {f'{value:.6g}' if isinstance(value, float) else value}")
    if report["frames"] and not report["sent"]:
        print(f"blinkd-mm: no daemon took a frame at {options.endpoint}: is 'blinkd serve' running?", file=sys.stderr)


def load_core(config: str, buffer_mib: int) -> Any:  # noqa: ANN401
    """A pymmcore-plus core with this configuration."""
    try:
        pymmcore_plus = importlib.import_module("pymmcore_plus")
    except ImportError as missing:
        raise MicroscopeError("pymmcore-plus is not installed: pip install 'blinkd[micromanager]'") from missing
    if config != DEMO and not Path(config).is_file():
        raise MicroscopeError(f"--config {config}: there is no such file; --config demo needs none")
    core = pymmcore_plus.CMMCorePlus()
    try:
        core.loadSystemConfiguration("MMConfig_demo.cfg" if config == DEMO else config)
    except (RuntimeError, FileNotFoundError) as error:
        raise MicroscopeError(f"--config {config}: the core does not load it: {error}") from error
    if buffer_mib:
        core.setCircularBufferMemoryFootprint(buffer_mib)
    return core


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="blinkd-mm", description=(__doc__ or "").splitlines()[0])
    verbs = top.add_subparsers(required=True, metavar="live | scan | snap-widefield")
    live = verbs.add_parser("live", help="every frame to the daemon until Ctrl-C")
    live.add_argument("--seconds", type=float, default=None, help="stop after so long")
    live.add_argument("--roi-px", metavar="X,Y,WIDTH,HEIGHT", type=_roi, help="part of the sensor")
    live.set_defaults(verb=_live)
    scan = verbs.add_parser("scan", help="tiles of a grid around where the stage is now")
    _scan_options(scan)
    scan.set_defaults(verb=_scan)
    snap = verbs.add_parser("snap-widefield", help="one widefield picture where the stage is now")
    snap.add_argument("--frames", type=int, default=5, help="taken (default: 5)")
    snap.add_argument("--ignore", type=int, default=2, help="the first so many are thrown away (default: 2)")
    snap.add_argument("--preset", type=Preset.parse, metavar="GROUP=PRESET", help="set before, as Channel=DAPI")
    snap.set_defaults(verb=_snap)
    for verb in (live, scan, snap):
        verb.add_argument("--config", default=DEMO, help="Micro-Manager configuration (.cfg); demo: the demo devices")
        verb.add_argument("--endpoint", default=DEFAULT_ENDPOINT, help=f"the daemon's (default: {DEFAULT_ENDPOINT})")
        verb.add_argument("--exposure-ms", type=float, default=None, help="default: as configured")
        verb.add_argument("--core-buffer-mib", type=int, default=0, help="the core's image buffer; 0: as it is")
        verb.add_argument("--json", action="store_true", help="the report as one line of JSON")
    return top


def _scan_options(scan: argparse.ArgumentParser) -> None:
    scan.add_argument("--rows", type=int, required=True)
    scan.add_argument("--columns", type=int, required=True)
    scan.add_argument("--frames", type=int, required=True, help="in each tile")
    scan.add_argument("--overlap-um", type=float, default=1.0, help="of neighbouring fields (default: 1)")
    scan.add_argument("--field-um", type=float, default=None, help="side of a field; default: pixels x pixel size")
    scan.add_argument("--preset", type=Preset.parse, metavar="GROUP=PRESET", help="for the bursts, as Channel=Cy5")
    scan.add_argument("--widefield-frames", type=int, default=0, help="before each burst; ANNA-PALM's protocol: 5")
    scan.add_argument("--widefield-ignore", type=int, default=2, help="the first so many of them (default: 2)")
    scan.add_argument("--widefield-preset", type=Preset.parse, metavar="GROUP=PRESET", help="for the widefield frames")
    scan.add_argument("--first-tile", type=int, default=0, help="go on at this tile (the report's next_tile)")
    scan.add_argument("--name", default="scan")


def _roi(text: str) -> tuple[int, int, int, int]:
    numbers = [int(number) for number in text.split(",")]
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"'{text}': four numbers are needed, X,Y,WIDTH,HEIGHT")
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _live(core: Any, options: argparse.Namespace, stop: threading.Event) -> dict[str, Any]:  # noqa: ANN401
    if options.exposure_ms is not None:
        core.setExposure(options.exposure_ms)
    live = BurstLive(core, endpoint=options.endpoint)
    if options.roi_px is not None:
        live.set_roi(*options.roi_px)
    live.start()
    end_s = None if options.seconds is None else time.monotonic() + options.seconds
    while live.running and not stop.is_set() and (end_s is None or time.monotonic() < end_s):
        stop.wait(0.1)
    counts = live.stop()
    error = live.error
    live.close()
    if error is not None:
        raise MicroscopeError(f"the preview ended by itself: {error}")
    return {
        "frames": counts.captured,
        "sent": counts.sent,
        "dropped": counts.dropped,
        "core_buffer_overflows": live.overflows,
        "deepest_queue": live.deepest_queue,
    }


def _scan(core: Any, options: argparse.Namespace, stop: threading.Event) -> dict[str, Any]:  # noqa: ANN401
    scan = Scan(core, _plan(core, options), endpoint=options.endpoint)

    def abort_when_told() -> None:
        stop.wait()
        scan.abort()

    threading.Thread(target=abort_when_told, daemon=True).start()
    report = scan.run(first_tile=options.first_tile)
    return report.summary() | {"by_tile": report.rows()}


def _plan(core: Any, options: argparse.Namespace) -> ScanPlan:  # noqa: ANN401
    setup = read_setup(core)
    if options.field_um is not None:
        field_um = (options.field_um, options.field_um)
    elif setup.pixel_size_nm is not None:
        width, height = setup.field_px
        field_um = (width * setup.pixel_size_nm[0] / 1e3, height * setup.pixel_size_nm[1] / 1e3)
    else:
        raise MicroscopeError("the configuration has no pixel size: calibrate it in Micro-Manager, or give --field-um")
    widefield = None
    if options.widefield_frames:
        widefield = WidefieldPass(
            frames=options.widefield_frames, ignored=options.widefield_ignore, preset=options.widefield_preset
        )
    x_um, y_um = core.getXYPosition() if core.getXYStageDevice() else (0.0, 0.0)
    return ScanPlan(
        rows=options.rows,
        columns=options.columns,
        frames=options.frames,
        field_um=field_um,
        overlap_um=(options.overlap_um, options.overlap_um),
        centre_um=(float(x_um), float(y_um)),
        exposure_ms=options.exposure_ms,
        preset=options.preset,
        widefield=widefield,
        name=options.name,
    )


def _snap(core: Any, options: argparse.Namespace, stop: threading.Event) -> dict[str, Any]:  # noqa: ANN401
    widefield = WidefieldPass(
        frames=options.frames, ignored=options.ignore, preset=options.preset, exposure_ms=options.exposure_ms
    )
    counts = snap_widefield(core, widefield, endpoint=options.endpoint, stopping=stop.is_set)
    return {"frames": counts.captured, "sent": counts.sent, "dropped": counts.dropped}


if __name__ == "__main__":
    main()
