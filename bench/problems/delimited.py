"""Delimited text to Arrow columns, for separators of one or more characters."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

STAND_IN = "\x1f"  # ASCII's unit separator replaces "::" for a parser of single bytes


class Torn(Exception):
    """A row has another number of columns than the first: its place among the lines that are not
    blank, from 0, and what is wrong with it.
    """

    def __init__(self, row: int, why: str) -> None:
        super().__init__(why)
        self.row = row


def parse(stream: Any, separator: str, skip: int, types: Mapping[int, Any]) -> list[Any]:
    """The columns at the keys of `types`, in that order, each one Arrow array of that type.

    `stream` is a readable Arrow file; `skip` lines at its start are no data, and blank lines never
    are. Raises Torn, and pyarrow.ArrowInvalid for what is no such text.
    """
    torn: list[Torn] = []

    def note(row: Any) -> str:
        why = f"{row.actual_columns} columns, not {row.expected_columns}, in {row.text!r}"
        torn.append(Torn(row.number - 1, why))
        return "error"

    if separator == "::":
        stream = pa.BufferReader(stream.read().replace(b"::", STAND_IN.encode()))
    names = {f"f{index}": kind for index, kind in types.items()}
    try:
        table = pyarrow.csv.read_csv(
            stream,
            # Rows are numbered in one thread alone.
            pyarrow.csv.ReadOptions(
                use_threads=False, autogenerate_column_names=True, skip_rows=skip
            ),
            pyarrow.csv.ParseOptions(
                delimiter=separator.replace("::", STAND_IN), invalid_row_handler=note
            ),
            pyarrow.csv.ConvertOptions(
                include_columns=list(names), column_types=names, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        if torn:
            raise torn[0] from None
        raise
    return [table[name].combine_chunks() for name in names]


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers from 1 and texts of the lines that are not blank, which are those `parse` counts."""
    with (
        pa.input_stream(path) as stream,
        io.TextIOWrapper(io.BufferedReader(stream), "utf-8-sig", errors="replace") as text,
    ):
        for number, line in enumerate(text, start=1):
            if line != "\n":
                yield number, line.rstrip("\n")
