"""Delimited text, such as CSV, TSV and `::`, plain or compressed, with or without a header."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from bench.problems.columns import Columns, choose
from bench.problems.delimited import STAND_IN, Layout, Torn, lines, parse
from bench.problems.errors import DataError

SEPARATORS = {
    "colons": "::",
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "space": " ",
}


def read_text(path: Path, wanted: Mapping[str, str], separator: str, header: str) -> Columns:
    """Read the wanted columns as text. Raises DataError that names file and line."""
    try:
        layout, names = _layout(path, separator, header)
        roles = choose(names, layout.columns, wanted, str(path))
        with pa.input_stream(path) as stream:
            columns = parse(stream, layout, dict.fromkeys(roles.values(), pa.large_string()))
    except Torn as torn:
        line = _line_of(path, layout.skip, torn.row)
        raise DataError(f"{path}, line {line}: {torn}; mend or remove that line.") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} can't be read as UTF-8 text: {error}.") from None

    def place(row: int) -> str:
        return f"line {_line_of(path, layout.skip, row)}"

    return Columns.pick(roles, columns.__getitem__, place)


def _layout(path: Path, separator: str, header: str) -> tuple[Layout, list[str] | None]:
    # And the names in the header, if there is one.
    top = list(itertools.islice(lines(path), 2))
    if not top:
        raise DataError(f"{path} is empty; a ratings file has a user, an item and a rating a line.")
    number, first = top[0]
    if separator != "auto":
        mark = SEPARATORS[separator]
        fields = _fields(first, mark)
    else:
        cuts = {mark: _fields(first, mark) for mark in SEPARATORS.values()}
        mark = next((mark for mark, cut in cuts.items() if len(cut) >= 3), ",")
        fields = cuts[mark]
    if len(fields) < 3:
        raise DataError(
            f"{path}: the first line, {first[:80]!r}, has fewer than the three columns user, item "
            f"and rating; if they are there, say separator={'|'.join(SEPARATORS)}."
        )
    if header == "no" or (header == "auto" and any(map(_is_number, fields))):
        return Layout(mark, len(fields), skip=0), None
    if len(top) == 1:
        raise DataError(f"{path} has a header and no ratings.")
    return Layout(mark, len(fields), skip=number), fields


def _fields(line: str, separator: str) -> list[str]:
    reader = csv.reader([line.replace("::", STAND_IN)], delimiter=separator.replace("::", STAND_IN))
    return [field.replace(STAND_IN, "::").strip() for field in next(reader)]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _line_of(path: Path, skip: int, row: int) -> int:
    # Counting blank lines back in.
    data = (number for number, _ in lines(path) if number > skip)
    return next(itertools.islice(data, row, None))
