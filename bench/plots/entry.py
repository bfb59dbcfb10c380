"""One backend of one figure: its row, its repeats, its style and its label."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.curves import shown
from bench.palette import Style
from bench.records import Record
from bench.row import AGREES, Row

WRAP = 28


@dataclass(frozen=True, slots=True)
class Entry:
    row: Row
    records: Sequence[Record]  # the repeats to draw; none where nothing was measured
    style: Style

    @property
    def agrees(self) -> bool:
        return self.row.verdict == AGREES

    @property
    def face(self) -> str:
        """Fill of its marker: hollow for who is flagged or failed."""
        return self.style.color if self.agrees else "white"

    @property
    def label(self) -> str:
        """Its name in short lines, and what is wrong with it."""
        return wrapped(self.row.backend) + ("" if self.agrees else f" ({self.row.verdict})")

    @property
    def lines(self) -> int:
        return 1 + self.label.count("\n")


def wrapped(backend: str) -> str:
    """A backend's name in lines of WRAP characters at most."""
    spaced = backend.replace("[", " [").replace(",", ", ")
    return "\n".join(textwrap.wrap(spaced, WRAP) or [backend])


def entries(
    rows: Sequence[Row], groups: Mapping[str, Sequence[Record]], styles: Mapping[str, Style]
) -> list[Entry]:
    """The rows of one data set, ready to draw, in the order of the ranking."""
    return [Entry(row, shown(groups[row.backend]), styles[row.backend]) for row in rows]
