"""Micro-Manager's real core in a process of its own: one JSON argument says what to do, one JSON line says what came.

    python mm_process.py '{"do": "scan", "endpoint": "tcp://127.0.0.1:5766", "side": 512, ...}'

The process ends with `os._exit`, because with the core loaded the interpreter's ordinary exit aborts at times; whoever
starts it judges it by its line. `rigs.micromanager` starts it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

import numpy as np
from blinkd.micromanager import BurstLive, Publisher, Scan, ScanPlan, WidefieldPass
from blinkd.micromanager.snap import snap_widefield

Said = Mapping[str, Any]


def demo_core(said: Said) -> Any:
    """The demo configuration: its camera repeats one frame, as fast as it is asked to."""
    from pymmcore_plus import CMMCorePlus

    core = CMMCorePlus()
    core.loadSystemConfiguration("MMConfig_demo.cfg")
    core.setCircularBufferMemoryFootprint(said.get("core_buffer_mib", 500))
    for name, value in (
        ("PixelType", "16bit"),
        ("OnCameraCCDXSize", said["side"]),
        ("OnCameraCCDYSize", said["side"]),
        ("FastImage", 1),
    ):
        core.setProperty("Camera", name, value)
    core.setExposure(said["exposure_ms"])
    core.setPixelSizeUm(core.getCurrentPixelSizeConfig(), 0.1)  # the engine takes the field of view from it
    return core


def playing_core(said: Said) -> Any:
    """The real engine and the demo stage, with a camera that plays a stack over and over."""
    from pymmcore_plus.experimental.unicore import CameraDevice, UniMMCore

    movie = np.load(said["movie"], mmap_mode="r")

    class Player(CameraDevice):
        def __init__(self) -> None:
            super().__init__()
            self.exposure_ms, self.at = float(said["exposure_ms"]), 0

        def get_exposure(self) -> float:
            return self.exposure_ms

        def set_exposure(self, exposure: float) -> None:
            self.exposure_ms = exposure

        def shape(self) -> tuple[int, int]:
            return (movie.shape[1], movie.shape[2])

        def dtype(self) -> np.dtype[Any]:
            return movie.dtype

        def start_sequence(
            self, n: int | None, get_buffer: Callable[[Sequence[int], Any], np.ndarray]
        ) -> Iterator[Mapping[str, Any]]:
            due, number = time.perf_counter(), 0
            while n is None or number < n:
                due += self.exposure_ms / 1e3
                time.sleep(max(0.0, due - time.perf_counter()))  # the exposure
                get_buffer(self.shape(), self.dtype())[:] = movie[self.at % len(movie)]
                self.at += 1
                number += 1
                yield {}

    core = UniMMCore()
    core.loadSystemConfiguration("MMConfig_demo.cfg")
    core.loadPyDevice("Player", Player())
    core.initializeDevice("Player")
    core.setCameraDevice("Player")
    core.setCircularBufferMemoryFootprint(said.get("core_buffer_mib", 500))
    core.setPixelSizeUm(core.getCurrentPixelSizeConfig(), 0.1)
    return core


def plan(said: Said) -> ScanPlan:
    widefield = WidefieldPass(**said["widefield"]) if "widefield" in said else None
    return ScanPlan(
        rows=said["rows"],
        columns=said["columns"],
        frames=said["frames"],
        field_um=(said["field_um"], said["field_um"]),
        overlap_um=(said["overlap_um"], said["overlap_um"]),
        exposure_ms=said["exposure_ms"],
        widefield=widefield,
    )


def scan(core: Any, said: Said) -> dict[str, Any]:
    report = Scan(core, plan(said), endpoint=said["endpoint"]).run()
    return report.summary() | {"by_tile": report.rows()}


def mda(core: Any, said: Said) -> dict[str, Any]:
    """The MDA engine, with the publisher listening. The handler must not hold up the engine."""
    deepest = 0

    def watch(_image: object, _event: object, meta: Mapping[str, Any]) -> None:
        nonlocal deepest
        deepest = max(deepest, int(meta["images_remaining_in_buffer"]))

    core.mda.events.frameReady.connect(watch)
    publisher = Publisher(core, endpoint=said["endpoint"])
    began = time.perf_counter()
    with publisher.attach():
        core.mda.run(plan(said).to_useq())
        seconds = time.perf_counter() - began
    counts = publisher.counts
    return {
        "seconds": seconds,
        "frames": sum(c.captured for c in counts.values()),
        "sent": sum(c.sent for c in counts.values()),
        "dropped": sum(c.dropped for c in counts.values()),
        "deepest_queue": deepest,
        "error": repr(publisher.error),
        "errors": publisher.errors,
    }


def live(core: Any, said: Said) -> dict[str, Any]:
    """The preview; after half of the time something holds it up until the core's buffer is full."""
    preview = BurstLive(core, endpoint=said["endpoint"])
    if said.get("stall"):
        take, stalled = core.popNextImageAndMD, []

        def slow(*arguments: Any) -> Any:
            if len(stalled) < 1 and preview.counts.captured > 20:
                stalled.append(True)
                while not core.isBufferOverflowed():
                    time.sleep(0.01)
            return take(*arguments)

        core.popNextImageAndMD = slow
    preview.start()
    time.sleep(said["seconds"])
    counts = preview.stop()
    preview.close()
    return {
        "frames": counts.captured,
        "sent": counts.sent,
        "dropped": counts.dropped,
        "overflows": preview.overflows,
        "deepest_queue": preview.deepest_queue,
        "error": repr(preview.error),
    }


def widefield(core: Any, said: Said) -> dict[str, Any]:
    counts = snap_widefield(core, WidefieldPass(frames=said["frames"], ignored=0), endpoint=said["endpoint"])
    return {"frames": counts.captured, "sent": counts.sent, "dropped": counts.dropped}


def main(said: Said) -> None:
    core = playing_core(said) if "movie" in said else demo_core(said)
    print("ready", flush=True)
    verbs = {"scan": scan, "mda": mda, "live": live, "widefield": widefield}
    print(json.dumps(verbs[said["do"]](core, said)), flush=True)


if __name__ == "__main__":
    code = 1
    try:
        main(json.loads(sys.argv[1]))
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
