"""Delimited text, such as CSV, TSV and `::`, plain or compressed, with or without a header."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.problems.columns import Columns, choose
from bench.problems.delimited import STAND_IN, Torn, lines, parse
from bench.problems.errors import DataError

SEPARATORS = {
    "colons": "::",
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "space": " ",
}


@dataclass(frozen=True)
class Form:
    """How a text file is laid out: its separator, its header or None, and its number of columns."""

    separator: str
    header: list[str] | None
    count: int


def read_text(path: Path, wanted: Mapping[str, str], separator: str, header: str) -> Columns:
    """Read the wanted columns as text. Raises DataError that names file and line."""
    form = _form(path, separator, header)
    roles = choose(form.header, form.count, wanted, str(path))
    skipped = int(form.header is not None)
    types = dict.fromkeys(roles.values(), pa.large_string())
    try:
        with pa.input_stream(path) as stream:
            arrays = dict(zip(types, parse(stream, form.separator, skipped, types), strict=True))
    except Torn as torn:
        raise DataError(
            f"{path}, line {_line_of(path, torn.row)}: {torn}; mend or remove that line."
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        if "Empty CSV" in str(error):
            raise DataError(f"{path} has a header and no ratings.") from None
        raise DataError(f"{path} can't be read as UTF-8 text: {error}.") from None

    def trimmed(index: int) -> Any:
        return pc.utf8_trim_whitespace(arrays[index])

    return Columns.pick(roles, trimmed, lambda row: f"line {_line_of(path, row + skipped)}")


def _form(path: Path, separator: str, header: str) -> Form:
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
    return Form(mark, fields if has_header else None, len(fields))


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
