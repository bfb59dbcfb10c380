"""Tables as data: what the template prints and what the browser sorts by."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import units
from bench.row import AGREES

HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, and the number it sorts by; text sorts by itself, an unknown number last."""

    text: str
    value: float | None = None
    note: str = ""  # smaller, on a line of its own
    backend: str = ""  # draws this backend's marker before the text
    parts: tuple[tuple[str, float], ...] = ()  # draws a stacked bar: part, share of the full width

    @property
    def key(self) -> str:
        if self.value is None:
            return self.text
        return "" if math.isnan(self.value) else repr(self.value)

    @property
    def pieces(self) -> list[str]:
        """The text, cut where a narrow column may break it: a backend's options, a long hash."""
        if self.backend:
            return re.split(r"(?<=[\[,@/])", self.text)
        return re.findall(".{16}", self.text) if HASH.fullmatch(self.text) else [self.text]


@dataclass(frozen=True, slots=True)
class Line:
    """One row; `verdict` shades what is flagged or failed."""

    cells: tuple[Cell, ...]
    verdict: str = AGREES


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are heading and help; the first cell of a line names it."""

    title: str
    columns: Sequence[tuple[str, str]]
    lines: Sequence[Line]
    note: str = ""

    @property
    def numeric(self) -> list[bool]:
        """Columns to align right: those with numbers and no bars."""
        columns = [[line.cells[k] for line in self.lines] for k in range(len(self.columns))]
        return [
            any(cell.value is not None for cell in column) and not any(c.parts for c in column)
            for column in columns
        ]


def number(value: float, say: Callable[[float], str] = units.digits) -> Cell:
    """A number as `say` says it."""
    return Cell(say(value), float(value))


def seconds(value: float) -> Cell:
    return number(value, units.seconds)


def score(value: float) -> Cell:
    return number(value, units.fixed)


def backend(name: str) -> Cell:
    return Cell(name, backend=name)
