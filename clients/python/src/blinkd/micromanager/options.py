"""The command line of `blinkd-mm`. Pure.

In: words. Out: checked options, each with its unit in its name. Never: a core.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

from blinkd.micromanager.plan import Preset
from blinkd.publisher import DEFAULT_ENDPOINT

DEMO = "demo"

EXAMPLES = """examples:
  blinkd-mm live --config microscope.cfg --exposure-ms 10 --roi-px 256,256,512,512
  blinkd-mm scan --config microscope.cfg --rows 3 --columns 3 --frames 1000 --exposure-ms 10 \\
      --overlap-um 1 --preset Channel=Cy5 --widefield-frames 5 --widefield-preset Channel=DAPI
  blinkd-mm snap-widefield --config microscope.cfg --preset Channel=DAPI --exposure-ms 50

Ctrl-C stops the camera, ends the series and reports; a second one leaves at once.
Exit code: 0 done, 1 the microscope cannot, 2 wrong arguments, 130 a scan or picture stopped by Ctrl-C."""


def parser(
    live: Callable[..., object], scan: Callable[..., object], snap: Callable[..., object]
) -> argparse.ArgumentParser:
    """The three verbs, with what does them."""
    top = argparse.ArgumentParser(
        prog="blinkd-mm",
        description="Sends frames of a Micro-Manager microscope to the blinkd daemon.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(required=True, metavar="live | scan | snap-widefield")
    for name, summary, fill, work in (
        ("live", "a preview in which every frame arrives, until Ctrl-C", _live, live),
        ("scan", "tiles of a grid, one burst in each", _scan, scan),
        ("snap-widefield", "one widefield picture where the stage is now", _snap, snap),
    ):
        verb = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        fill(verb)
        _common(verb)
        verb.set_defaults(verb=work)
    return top


def _common(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--config",
        default=DEMO,
        metavar="FILE.cfg",
        help="Micro-Manager configuration; 'demo', the default: a simulated camera and stage",
    )
    verb.add_argument("--endpoint", default=DEFAULT_ENDPOINT, help="the daemon's (default: %(default)s)")
    verb.add_argument("--exposure-ms", type=_above_0, metavar="MS", help="of each frame (default: as configured)")
    verb.add_argument(
        "--core-buffer-mib",
        type=_count,
        default=0,
        metavar="MIB",
        help="memory in which the core keeps images that wait; 0, the default: as it is",
    )
    verb.add_argument("--json", action="store_true", help="the report as one line of JSON on standard output")


def _live(live: argparse.ArgumentParser) -> None:
    live.add_argument("--seconds", type=_above_0, metavar="S", help="stop after so long (default: at Ctrl-C)")
    live.add_argument("--roi-px", type=_roi, metavar="X,Y,WIDTH,HEIGHT", help="part of the sensor (default: as it is)")


def _scan(scan: argparse.ArgumentParser) -> None:
    grid = scan.add_argument_group("grid")
    grid.add_argument("--rows", type=int, required=True, metavar="N", help="of tiles; row 0 has the largest y")
    grid.add_argument("--columns", type=int, required=True, metavar="N", help="of tiles; column 0 has the smallest x")
    grid.add_argument("--frames", type=int, required=True, metavar="N", help="in each tile")
    grid.add_argument(
        "--overlap-um", type=float, default=1.0, metavar="UM", help="of neighbouring tiles (default: %(default)s)"
    )
    grid.add_argument(
        "--field-um", type=_above_0, metavar="UM", help="side of a square tile (default: camera pixels x pixel size)"
    )
    grid.add_argument(
        "--centre-um", type=_point, metavar="X,Y", help="of the grid, on the stage (default: where the stage is now)"
    )
    grid.add_argument(
        "--first-tile",
        type=_count,
        default=0,
        metavar="N",
        help="go on with this tile: a report's next_tile; needs that report's --centre-um",
    )
    grid.add_argument(
        "--most-repeats",
        type=_count,
        default=1,
        metavar="N",
        help="how often a tile that did not come whole is taken again (default: %(default)s)",
    )
    scan.add_argument(
        "--early-stop",
        nargs="?",
        const="127.0.0.1:5767",
        metavar="ADDRESS",
        help="end each tile when the daemon there has seen enough of it, by its [scan.early_stop] (default: never; "
        "without an address: %(const)s)",
    )
    scan.add_argument(
        "--preset", type=_preset, metavar="GROUP=PRESET", help="for the bursts, as Channel=Cy5 (default: as it is)"
    )
    scan.add_argument("--name", default="scan", help="of the series (default: %(default)s)")
    wide = scan.add_argument_group("widefield frames before each burst, a series of their own")
    wide.add_argument(
        "--widefield-frames", type=_count, default=0, metavar="N", help="0, the default: none; ANNA-PALM's protocol: 5"
    )
    wide.add_argument(
        "--widefield-ignore", type=_count, default=2, metavar="N", help="the first so many (default: %(default)s)"
    )
    wide.add_argument("--widefield-preset", type=_preset, metavar="GROUP=PRESET", help="as Channel=DAPI")
    wide.add_argument("--widefield-exposure-ms", type=_above_0, metavar="MS", help="(default: the bursts')")
    wide.add_argument("--widefield-camera", metavar="LABEL", help="another camera's label (default: the bursts')")


def _snap(snap: argparse.ArgumentParser) -> None:
    snap.add_argument("--frames", type=_count, default=5, metavar="N", help="taken (default: %(default)s)")
    snap.add_argument(
        "--ignore", type=_count, default=2, metavar="N", help="the first so many are thrown away (default: %(default)s)"
    )
    snap.add_argument("--preset", type=_preset, metavar="GROUP=PRESET", help="set before, as Channel=DAPI")
    snap.add_argument("--camera", metavar="LABEL", help="(default: the configuration's)")


def _above_0(text: str) -> float:
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}': a number above 0 is needed")
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number") from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}': a whole number from 0 is needed")
    return int(text)


def _preset(text: str) -> Preset:
    try:
        return Preset.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _point(text: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"'{text}': two numbers are needed, X,Y in um")
    return (_number(parts[0]), _number(parts[1]))


def _roi(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}': four whole numbers are needed, X,Y,WIDTH,HEIGHT in pixels")
    x, y, width, height = (int(part) for part in parts)
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': width and height from 1 px")
    return (x, y, width, height)
