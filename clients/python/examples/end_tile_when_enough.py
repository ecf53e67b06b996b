"""A smart scan: each tile ends as soon as enough localizations have arrived.

    python examples/end_tile_when_enough.py --config MMConfig.cfg --localizations 20000

Needs a running daemon and `pip install 'blinkd[micromanager]'`. The scan asks nothing and waits for nothing: a second
thread counts localizations as they come and tells the scan when a tile has enough. A tile of which frames still wait in
the daemon ends a little late.
"""

from __future__ import annotations

import argparse
import threading
from collections import Counter
from collections.abc import Callable, Iterable

from blinkd.client import Client, LocalizationBatch


def watch_tiles(batches: Iterable[LocalizationBatch], enough: int, end_tile: Callable[[int], object]) -> None:
    """Calls `end_tile` once for each tile when `enough` localizations of it have come; ends with the batches."""
    found: Counter[int] = Counter()
    for batch in batches:
        before = found.copy()
        found.update(batch.tile.tolist())
        # What this client was too slow for was found, too, and in the tile that is being taken.
        if batch.lagged and len(batch):
            found[int(batch.tile[0])] += batch.lagged
        for tile in found:
            if before[tile] < enough <= found[tile]:
                end_tile(tile)


def main() -> None:
    """Scans 2 x 2 tiles, or as many as are asked for."""
    from pymmcore_plus import CMMCorePlus

    from blinkd.micromanager import Scan, ScanPlan

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="MMConfig_demo.cfg", help="Micro-Manager's configuration file")
    parser.add_argument("--frames", default="tcp://127.0.0.1:5766", help="where the daemon takes frames")
    parser.add_argument("--address", default="127.0.0.1:5767", help="where the daemon answers clients")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--most-frames", type=int, default=1000, help="of a tile that never has enough")
    parser.add_argument("--exposure-ms", type=float, default=10.0)
    parser.add_argument("--localizations", type=int, default=20_000, help="that are enough for a tile")
    options = parser.parse_args()
    core = CMMCorePlus()
    core.loadSystemConfiguration(options.config)
    core.setExposure(options.exposure_ms)
    pixel_um = core.getPixelSizeUm() or 0.1
    field_um = (core.getImageWidth() * pixel_um, core.getImageHeight() * pixel_um)
    plan = ScanPlan(
        rows=options.rows,
        columns=options.columns,
        frames=options.most_frames,
        field_um=field_um,
        overlap_um=(0.0, 0.0),
    )
    scan = Scan(core, plan, endpoint=options.frames)
    with Client(options.address) as client:
        batches = (batch for batch in client.localizations() if batch.series_id == scan.series_id)
        arguments = (batches, options.localizations, scan.end_tile)
        threading.Thread(target=watch_tiles, args=arguments, daemon=True).start()
        report = scan.run()
    for tile in report.tiles:
        print(f"tile {tile.index}: {tile.frames} of {tile.planned} frames{' were enough' if tile.enough else ''}")


if __name__ == "__main__":
    main()
