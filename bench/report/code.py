"""What each backend costs in lines of code."""

from __future__ import annotations

from collections.abc import Iterable

from bench.lines import CAPABILITIES, TOTAL
from bench.records import Record
from bench.report.cells import Cell, Line, Table, backend

COLUMNS = (
    ("Backend", "As written on the command line"),
    ("Lines", "Logical lines in total"),
    *((name.capitalize(), "Logical lines that are there for it") for name in CAPABILITIES),
)


def table(records: Iterable[Record]) -> Table | None:
    """Each backend once, the shortest first; None where no record knows its lines."""
    known = {r.case.backend: r.lines for r in records if r.lines}
    if not known:
        return None
    lines = [
        Line((backend(name), *(_count(found.get(k, 0)) for k in (TOTAL, *CAPABILITIES))))
        for name, found in sorted(known.items(), key=lambda item: item[1].get(TOTAL, 0))
    ]
    return Table("Lines by capability", COLUMNS, lines)


def _count(lines: int) -> Cell:
    return Cell(f"{lines:,}" if lines else "-", float(lines))
