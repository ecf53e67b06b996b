"""A program: napari with blinkd's widget, on an X server. ADDRESS; reads a command per line, answers each with JSON.

Comes in: `connect`, `grown N`, `whole N`, `points`, `tiles`, `state WORDS`, `open PATH`, `picture PATH`, `close`. Goes
out: what a person would see then, as one JSON line. Never: a verdict; that is the test's.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

warnings.simplefilter("error")
warnings.filterwarnings("ignore", message=".*", category=DeprecationWarning, module="pydantic|npe2|napari")

import blinkd.napari  # noqa: E402
import napari  # noqa: E402
import npe2  # noqa: E402
import numpy as np  # noqa: E402
from blinkd.napari.widget import LiveWidget  # noqa: E402
from napari.layers import Image  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402

DEADLINE_S = 120.0


class Window:
    """A viewer with the widget docked."""

    def __init__(self, address: str) -> None:
        manifest = npe2.PluginManifest.from_file(Path(blinkd.napari.__file__).with_name("napari.yaml"))
        manager = npe2.PluginManager.instance()
        if manifest.name not in manager:
            manager.register(manifest)
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1500, 950)
        dock, self.widget = self.viewer.window.add_plugin_dock_widget("blinkd", "Live super-resolution")
        assert isinstance(self.widget, LiveWidget)
        del dock
        self.widget.controls.address.setText(address)
        self.widget.controls.drawn_as.setCurrentText("counts")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Lets Qt work until it holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"not within {DEADLINE_S} s: {what}; now {self.seen()}")
            QApplication.processEvents()
            time.sleep(0.01)  # polled, against the deadline above

    def layer(self, ending: str) -> Any:
        """The widget's own layer of this kind."""
        ours = self.widget.layers
        return {"picture": ours.picture, "localizations": ours.points, "tiles": ours.grid}[ending]

    def counts(self) -> np.ndarray | None:
        """The finest level; None while part of it is a coarser one, spread out."""
        picture = self.layer("picture")
        if picture is None:
            return None
        counts = np.asarray(picture.data[0][:, :])
        return counts if np.array_equal(counts, np.round(counts)) else None

    def total(self) -> int:
        counts = self.counts()
        return -1 if counts is None else int(counts.sum())

    def seen(self) -> dict[str, Any]:
        controls = self.widget.controls
        return {
            "state": controls.state.text(),
            "counts": controls.counts.text(),
            "series": [controls.series.itemText(row) for row in range(controls.series.count())],
            "layers": [layer.name for layer in self.viewer.layers],
            "points_note": controls.points_note.text(),
            "tiles_note": controls.tiles_note.text(),
        }

    # Commands

    def connect(self, _: str) -> dict[str, Any]:
        self.widget.controls.connect.click()
        return {}

    def grown(self, least: str) -> dict[str, Any]:
        """Waits until so many localizations are in the picture, however coarse."""
        coarse = lambda: self.layer("picture").data[-1].sum() * 4 ** (len(self.layer("picture").data) - 1)  # noqa: E731
        self.until(lambda: self.layer("picture") is not None and coarse() >= int(least), f"{least} localizations")
        return {"localizations": round(float(coarse()))}

    def whole(self, count: str) -> dict[str, Any]:
        """Waits until the finest level holds exactly so many."""
        self.until(lambda: self.total() == int(count), f"{count} localizations in the finest level, not {self.total()}")
        picture = self.layer("picture")
        return {
            "levels": [list(level.shape) for level in picture.data],
            "units": [str(unit) for unit in picture.units],
            "scale": [float(part) for part in picture.scale],
            "extent_um": np.asarray(picture.extent.world).tolist(),
        }

    def drawn_as(self, how: str) -> dict[str, Any]:
        """Draws the picture otherwise, and waits until all of the view is there."""
        before = self.widget.layers.mosaic
        choice = self.widget.controls.drawn_as
        choice.setCurrentIndex([choice.itemText(row).split()[0] for row in range(choice.count())].index(how))
        self.until(lambda: self.widget.layers.mosaic is not before, how)
        self.viewer.reset_view()
        finest = self.layer("picture").data[0]
        finest[:, :]
        mosaic = self.widget.layers.mosaic
        self.until(lambda: not mosaic.wanted(1), "its tiles")
        return {"sum": float(finest[:, :].sum())}

    def points(self, folder: str) -> dict[str, Any]:
        """Asks for the points; saves them; how many lie in other pixels than those that count them."""
        before = self.layer("localizations")
        self.widget.controls.whole.setChecked(True)
        self.widget.controls.show_points.click()
        self.until(lambda: self.layer("localizations") not in (None, before), "points")
        points, picture = self.layer("localizations"), self.layer("picture")
        np.savez(Path(folder) / "points.npz", um=points.data, size=points.size, z_nm=points.features["z_nm"])
        self.until(lambda: self.counts() is not None, "the finest level")
        at = (np.asarray(points.data) - np.array(picture.translate)) / np.array(picture.scale)
        return {"count": len(points.data), "aside": self.aside(np.round(at)), "half_aside": self.aside(np.floor(at))}

    def aside(self, pixels: np.ndarray) -> int:
        counts = self.counts()
        assert counts is not None
        mine = np.zeros_like(counts)
        rows, columns = pixels.astype(int).T
        inside = (rows >= 0) & (rows < counts.shape[0]) & (columns >= 0) & (columns < counts.shape[1])
        np.add.at(mine, (rows[inside], columns[inside]), 1)
        return int(np.abs(mine - counts).sum() / 2 + (~inside).sum())

    def tiles(self, _: str) -> dict[str, Any]:
        self.widget.controls.tiles.setChecked(True)
        self.until(lambda: self.layer("tiles") is not None, "tiles")
        return {"corners_um": [np.asarray(one).tolist() for one in self.layer("tiles").data]}

    def state(self, words: str) -> dict[str, Any]:
        """Waits until the widget says so."""
        self.until(lambda: words in self.widget.controls.state.text(), words)
        return {}

    def open(self, path: str) -> dict[str, Any]:
        """A file by the plugin's reader: what the layers hold."""
        layers = self.viewer.open(path, plugin="blinkd")
        held = [
            {
                "name": layer.name,
                "sum": float(np.asarray(layer.data).sum()) if isinstance(layer, Image) else len(layer.data),
                "extent_um": np.asarray(layer.extent.world).tolist(),
                "units": [str(unit) for unit in layer.units],
            }
            for layer in layers
        ]
        for layer in layers:
            self.viewer.layers.remove(layer)
        return {"opened": held}

    def picture(self, path: str) -> dict[str, Any]:
        self.viewer.reset_view()
        for _ in range(20):
            QApplication.processEvents()
        self.viewer.screenshot(path, canvas_only=False, flash=False)
        canvas = self.viewer.screenshot(canvas_only=True, flash=False)
        return {"lit": float((canvas[..., :3].max(axis=2) > 60).mean())}

    def close(self, _: str) -> dict[str, Any]:
        self.viewer.close()
        left = lambda: [one.name for one in threading.enumerate() if one.name.startswith("blinkd")]  # noqa: E731
        self.until(lambda: not left(), "no thread of ours is left")
        return {"threads": left()}


def main(address: str) -> None:
    lines: queue.Queue[str] = queue.Queue(maxsize=10)
    threading.Thread(target=lambda: [lines.put(line) for line in sys.stdin], daemon=True, name="stdin").start()
    window = Window(address)
    window.until(lambda: window.viewer.window is not None, "the window")
    print(json.dumps({"ready": True}), flush=True)
    verb = ""
    while verb != "close":
        window.until(lambda: not lines.empty(), "a command")
        verb, _, rest = lines.get().strip().partition(" ")
        answer = getattr(window, verb)(rest)
        print(json.dumps({**answer, **({} if verb == "close" else window.seen())}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
