"""Half an hour of acquisition in front of the viewer, compressed in time: its memory does not grow."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

from rigs import places
from rigs.daemon import environment
from rigs.viewer_tabs import chromium, tabs
from rigs.waiting import until

__all__ = ["chromium", "tabs"]  # fixtures

ACQUISITION_S = 30 * 60
FPS = 100
FRAMES = ACQUISITION_S * FPS
GROWTH_MIB = 4.0
"""What measuring itself makes of it: the heap is read after a forced collection, but compiled code comes and goes."""

FASTER = """(times) => {
    // Pauses between questions shrink; time-outs, which are longer, stay.
    const wait = window.setTimeout;
    window.setTimeout = (call, ms = 0, ...rest) => wait(call, ms <= 2000 ? ms / times : ms, ...rest);
}"""


def memory(devtools: Any) -> dict[str, float]:
    """What is alive after a collection."""
    for _ in range(2):
        devtools.send("HeapProfiler.collectGarbage")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] for each in metrics}


def test_half_an_hour_of_acquisition_does_not_make_the_viewer_grow(daemons: Any, binary: Path, tabs: Any) -> None:
    seconds = places.seconds(45.0)
    times = ACQUISITION_S / seconds
    daemon = daemons("--model", "fake", store__files="[]").start()
    tab = tabs()
    tab.page.add_init_script(f"({FASTER})({times})")
    tab.open(daemon.ready["live_view"])
    devtools = tab.page.context.new_cdp_session(tab.page)
    devtools.send("Performance.enable")
    until(lambda: "Waiting for frames" in tab.verdict, what="it is connected")
    source = ("--fps", FRAMES / seconds, "--seconds", seconds, "--bank", 500, "--width", 96, "--height", 96)
    command = [binary, "simulate", "--connect", daemon.frames, *source]
    began = time.monotonic()
    camera = subprocess.Popen(
        [str(part) for part in command], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: (tab.number("processed") or 0) > 0.1 * FRAMES, what="frames", within_s=seconds)
        tab.press("3", "m")
        until(lambda: tab.page.locator("figure.chart").count() > 6, what="charts")
        early = wander(tab, devtools, until_s=began + 0.3 * seconds)
        late = wander(tab, devtools, until_s=began + seconds)
    finally:
        camera.kill()
        camera.wait()
    asked = {name: tab.asked.count(name) for name in set(tab.asked)}
    # Tiles are asked for again once they are drawn: 551 times on two quiet cores, 115 on two that compile meanwhile.
    for method, least in (("GetTiles", 100), ("GetStatistics", 100), ("GetFrame", 50)):
        assert asked[method] > least, asked
    grown = (late["JSHeapUsedSize"] - early["JSHeapUsedSize"]) / 2**20
    assert grown < GROWTH_MIB, f"{grown:.1f} MiB more after {asked}; {early} {late}"
    assert late["Nodes"] < 1.5 * early["Nodes"] + 200, (early["Nodes"], late["Nodes"])
    # Each question has listeners of its own until the browser has collected it, which takes it several rounds.
    most = 1.5 * early["JSEventListeners"] + 50
    until(lambda: memory(devtools)["JSEventListeners"] < most, what=f"at most {most} listeners", every_s=0.5)
    assert int(tab.canvas.get_attribute("data-tiles")) <= 400


def wander(tab: Any, devtools: Any, until_s: float) -> dict[str, float]:
    """Looks around until then; what is alive afterwards."""
    turn = 0
    while time.monotonic() < until_s:
        for _ in range(6):
            tab.press("+" if turn % 2 == 0 else "-")
            tab.press(("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown")[turn % 4])
        tab.press("f")
        turn += 1
        tab.page.wait_for_timeout(100)  # a person looks for a moment
    return memory(devtools)
