"""Delimited text to Arrow columns, for separators of one or more characters."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

STAND_IN = "\x1f"  # ASCII's unit separator replaces "::" for a parser of single bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Of a text file: its separator, its number of columns, and how many lines precede the data."""

    separator: str
    columns: int
    skip: int


class Torn(Exception):
    """A row has another number of columns than the layout; `row` counts from 0, data alone."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row


def parse(stream: Any, layout: Layout, types: Mapping[int, Any]) -> dict[int, Any]:
    """The columns that are keys of `types`, each one Arrow array of the type asked for.

    `stream` is a readable Arrow file. Raises Torn, and pyarrow.ArrowException for what is no such
    text.
    """
    torn: list[Torn] = []

    def note(row: Any) -> str:
        why = f"{row.actual_columns} columns, not {row.expected_columns}, in {row.text[:80]!r}"
        torn.append(Torn(row.number - 1 - layout.skip, why))
        return "error"

    if layout.separator == "::":
        stream = pa.BufferReader(stream.read().replace(b"::", STAND_IN.encode()))
    names = {index: f"column {index + 1}" for index in range(layout.columns)}
    try:
        table = pyarrow.csv.read_csv(
            stream,
            pyarrow.csv.ReadOptions(
                use_threads=False,  # rows are numbered in one thread alone
                column_names=list(names.values()),
                skip_rows=layout.skip,
            ),
            pyarrow.csv.ParseOptions(
                delimiter=layout.separator.replace("::", STAND_IN), invalid_row_handler=note
            ),
            pyarrow.csv.ConvertOptions(
                include_columns=[names[index] for index in types],
                column_types={names[index]: kind for index, kind in types.items()},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        if torn:
            raise torn[0] from None
        raise
    return {index: table[names[index]].combine_chunks() for index in types}


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers from 1 and texts of the lines that `parse` sees: those that are not blank."""
    with (
        pa.input_stream(path) as stream,
        io.TextIOWrapper(io.BufferedReader(stream), "utf-8-sig", errors="replace") as text,
    ):
        for number, line in enumerate(text, start=1):
            if line != "\n":
                yield number, line.rstrip("\n")
