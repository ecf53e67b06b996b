"""A picture of a terminal's screen.

In: cells. Out: a PNG with a monospaced font of this machine; block elements are drawn as the rectangles they are, so
that no font's gaps are seen. Never: judges.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from rigs import places
from rigs.vt import Cell, Rgb, Screen

PAPER: Rgb = (13, 17, 23)
INK: Rgb = (214, 220, 228)
WIDE, HIGH = 10, 20
"""Of a cell, in px: twice as high as wide, so that half of it is square."""
MARGIN = 14
SUPER = 2
"""Drawn so many times as large."""

EIGHTHS_UP = {char: part / 8 for part, char in enumerate("▁▂▃▄▅▆▇█", start=1)}
EIGHTHS_ACROSS = {char: part / 8 for part, char in enumerate("▏▎▍▌▋▊▉", start=1)}


def font_file(bold: bool) -> Path:
    """DejaVu Sans Mono has every sign that is drawn."""
    name = "DejaVu Sans Mono:bold" if bold else "DejaVu Sans Mono"
    try:
        found = subprocess.run(["fc-match", "-f", "%{file}", name], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        places.missing("fc-match", "apt-get install fontconfig fonts-dejavu-core")
    path = Path(found.stdout)
    if "DejaVuSansMono" not in path.name:
        places.missing("DejaVu Sans Mono", "apt-get install fonts-dejavu-core")
    return path


class Painter:
    def __init__(self, screen: Screen) -> None:
        self.cells = screen.cells()
        self.wide, self.high = WIDE * SUPER, HIGH * SUPER
        self.margin = MARGIN * SUPER
        size = (screen.columns * self.wide + 2 * self.margin, screen.rows * self.high + 2 * self.margin)
        self.image = Image.new("RGB", size, PAPER)
        self.draw = ImageDraw.Draw(self.image)
        height = round(0.78 * self.high)
        self.fonts = {bold: ImageFont.truetype(font_file(bold), height) for bold in (False, True)}

    def paint(self) -> Image.Image:
        for y, row in enumerate(self.cells):
            for x, cell in enumerate(row):
                self._cell(cell, self.margin + x * self.wide, self.margin + y * self.high)
        return self.image

    def _cell(self, cell: Cell, left: int, top: int) -> None:
        ink, paper = cell.fg or INK, cell.bg or PAPER
        if cell.reverse:
            ink, paper = paper, ink
        if cell.dim:
            ink = tuple((a + b) // 2 for a, b in zip(ink, PAPER, strict=True))
        if paper != PAPER:
            self._box((left, top), (0, 0, 1, 1), paper)
        if cell.text == "▀":
            self._box((left, top), (0, 0, 1, 0.5), ink)
        elif cell.text in EIGHTHS_UP:
            self._box((left, top), (0, 1 - EIGHTHS_UP[cell.text], 1, 1), ink)
        elif cell.text in EIGHTHS_ACROSS:
            self._box((left, top), (0, 0, EIGHTHS_ACROSS[cell.text], 1), ink)
        elif cell.text == "▕":
            self._box((left, top), (7 / 8, 0, 1, 1), ink)
        elif cell.text == "─":
            self._box((left, top), (0, 0.48, 1, 0.53), ink)
        elif cell.text != " ":
            middle = (left + self.wide / 2, top + 0.72 * self.high)
            self.draw.text(middle, cell.text, font=self.fonts[cell.bold], fill=ink, anchor="ms")

    def _box(self, corner: tuple[int, int], part: tuple[float, float, float, float], colour: Rgb) -> None:
        left, top = corner
        x0, y0, x1, y1 = part
        box = (left + round(x0 * self.wide), top + round(y0 * self.high))
        end = (left + round(x1 * self.wide) - 1, top + round(y1 * self.high) - 1)
        if end[0] >= box[0] and end[1] >= box[1]:
            self.draw.rectangle((box, end), fill=colour)


def save(screen: Screen, path: Path) -> None:
    image = Painter(screen).paint()
    image.resize((image.width * 3 // (2 * SUPER), image.height * 3 // (2 * SUPER)), Image.Resampling.LANCZOS).save(
        path, optimize=True
    )
