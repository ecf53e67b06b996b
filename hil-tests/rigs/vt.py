"""A terminal's screen: what is seen after the bytes a program wrote.

In: bytes. Out: cells with their colours, whether the cursor is shown, which of the two screens is shown. Never: a
sequence passed over in silence: one that not every terminal knows fails the test.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

Rgb = tuple[int, int, int]

SEQUENCE = re.compile(r"\x1b(?:\[(?P<private>\??)(?P<numbers>[0-9;]*)(?P<kind>[A-Za-z])|(?P<plain>[78]))")
UNFINISHED = re.compile(r"\x1b(?:\[\??[0-9;]*)?$")
STEPS = (0, 95, 135, 175, 215, 255)
"""Of the cube in the palette of 256."""


def indexed(number: int) -> Rgb:
    assert 16 <= number <= 255, f"colour {number} is every terminal's own"
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return (grey, grey, grey)
    number -= 16
    return (STEPS[number // 36], STEPS[number // 6 % 6], STEPS[number % 6])


@dataclass(frozen=True)
class Cell:
    """A character and its look; no colour is the terminal's own."""

    text: str = " "
    fg: Rgb | None = None
    bg: Rgb | None = None
    bold: bool = False
    dim: bool = False
    reverse: bool = False


class Screen:
    """Eighty by twenty-four, or what it was resized to."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cursor_shown, self.alternate = True, False
        self._pen = Cell()
        self._x = self._y = 0
        self._cells = self._empty()
        self._other = self._empty()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    def _empty(self) -> list[list[Cell]]:
        return [[Cell()] * self.columns for _ in range(self.rows)]

    def resize(self, columns: int, rows: int) -> None:
        """As terminals do: what is cut is gone, what is new is empty."""
        self.columns, self.rows = columns, rows
        for cells in (self._cells, self._other):
            del cells[rows:]
            cells.extend([] for _ in range(rows - len(cells)))
            cells[:] = [(row + [Cell()] * columns)[:columns] for row in cells]
        self._x, self._y = min(self._x, columns - 1), min(self._y, rows - 1)

    def row(self, number: int) -> str:
        return "".join(cell.text for cell in self._cells[number])

    def text(self) -> str:
        return "\n".join(self.row(number).rstrip() for number in range(self.rows))

    def cells(self) -> list[list[Cell]]:
        return [list(row) for row in self._cells]

    def feed(self, data: bytes) -> None:
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._write(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at)
            if found is None:
                assert UNFINISHED.match(text, at), f"no terminal knows {text[at : at + 20]!r}"
                self._rest = text[at:]
                return
            self._obey(found)
            at = found.end()

    def _write(self, character: str) -> None:
        if character == "\r":
            self._x = 0
        elif character == "\n":
            self._y += 1
            if self._y == self.rows:
                self._y -= 1
                self._cells.append([Cell()] * self.columns)
                del self._cells[0]
        elif character == "\b":
            self._x = max(0, self._x - 1)
        elif character != "\x07":
            assert character >= " ", f"a control character in the text: {character!r}"
            # Beyond the edge the last column is written again and again: a window that has just become smaller.
            self._cells[self._y][min(self._x, self.columns - 1)] = replace(self._pen, text=character)
            self._x += 1

    def _obey(self, found: re.Match[str]) -> None:
        kind = found["kind"]
        if kind is None:
            return
        numbers = [int(number or 0) for number in found["numbers"].split(";")]
        if found["private"]:
            for number in numbers:
                self._switch(number, kind == "h")
            return
        orders: dict[str, Callable[[list[int]], None]] = {
            "H": self._move,
            "J": self._erase,
            "K": self._erase_row,
            "m": self._look,
        }
        assert kind in orders, f"no terminal needs {found[0]!r}"
        orders[kind](numbers)

    def _switch(self, number: int, on: bool) -> None:
        if number == 25:
            self.cursor_shown = on
        elif number == 1049:
            if on != self.alternate:
                self._cells, self._other = self._other, self._cells
                self.alternate = on
            if on:
                self._cells = self._empty()
        else:
            assert number == 2026, f"mode {number} is not known to every terminal"

    def _move(self, numbers: list[int]) -> None:
        row, column = (*numbers, 1)[:2]
        self._y = min(max(row, 1), self.rows) - 1
        self._x = min(max(column, 1), self.columns) - 1

    def _erase(self, numbers: list[int]) -> None:
        if numbers[0] == 2:
            self._cells = self._empty()
        else:
            self._erase_row([0])
            for row in range(self._y + 1, self.rows):
                self._cells[row] = [Cell()] * self.columns

    def _erase_row(self, _: list[int]) -> None:
        row = self._cells[self._y]
        row[self._x :] = [Cell()] * (self.columns - self._x)

    def _look(self, numbers: list[int]) -> None:
        rest = list(numbers)
        while rest:
            number = rest.pop(0)
            if number in (38, 48):
                colour = indexed(rest[1]) if rest[0] == 5 else (rest[1], rest[2], rest[3])
                del rest[: 2 if rest[0] == 5 else 4]
                self._pen = replace(self._pen, fg=colour) if number == 38 else replace(self._pen, bg=colour)
            else:
                self._pen = self._plain_look(number)

    def _plain_look(self, number: int) -> Cell:
        pen = self._pen
        looks = {
            0: Cell(),
            1: replace(pen, bold=True),
            2: replace(pen, dim=True),
            7: replace(pen, reverse=True),
            22: replace(pen, bold=False, dim=False),
            27: replace(pen, reverse=False),
            39: replace(pen, fg=None),
            49: replace(pen, bg=None),
            59: pen,
        }
        assert number in looks, f"a look that not every terminal has: {number}"
        return looks[number]
