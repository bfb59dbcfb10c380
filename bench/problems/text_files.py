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
    layout, fields = _layout(path, separator, header)
    names = fields if layout.header else None
    roles = choose(names, layout.columns, wanted, str(path))
    try:
        with pa.input_stream(path) as stream:
            columns = parse(stream, layout, dict.fromkeys(roles.values(), pa.large_string()))
    except Torn as torn:
        raise DataError(
            f"{path}, line {_line_of(path, torn.row)}: {torn}; mend or remove that line."
        ) from None
    except (pa.ArrowException, OSError) as error:
        if "Empty CSV" in str(error):
            raise DataError(f"{path} has a header and no ratings.") from None
        raise DataError(f"{path} can't be read as UTF-8 text: {error}.") from None

    def place(row: int) -> str:
        return f"line {_line_of(path, row + layout.header)}"

    return Columns.pick(roles, columns.__getitem__, place)


def _layout(path: Path, separator: str, header: str) -> tuple[Layout, list[str]]:
    # And the fields of the first line.
    first = next((text for _, text in lines(path)), None)
    if first is None:
        raise DataError(f"{path} is empty; a ratings file has a user, an item and a rating a line.")
    if separator != "auto":
        mark = SEPARATORS[separator]
        fields = _fields(first, mark)
    else:
        cuts = {mark: _fields(first, mark) for mark in SEPARATORS.values()}
        mark = next((mark for mark, cut in cuts.items() if len(cut) >= 3), ",")
        fields = cuts[mark]
    if len(fields) < 3:
        raise DataError(
            f"{path} has {len(fields)} columns in its first line, {first!r}, where a user, an item "
            f"and a rating are needed; say separator={'|'.join(SEPARATORS)} if another one is used."
        )
    has_header = header == "yes" or (header == "auto" and not any(map(_is_number, fields)))
    return Layout(mark, len(fields), has_header), fields


def _fields(line: str, separator: str) -> list[str]:
    reader = csv.reader([line.replace("::", STAND_IN)], delimiter=separator.replace("::", STAND_IN))
    return [field.replace(STAND_IN, "::").strip() for field in next(reader)]


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _line_of(path: Path, row: int) -> int:
    # Counting blank lines back in.
    return next(number for number, _ in itertools.islice(lines(path), row, None))
