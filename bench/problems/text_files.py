"""Delimited text, such as CSV, TSV and `::`, plain or compressed, with or without a header."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from bench.problems.columns import Columns, choose
from bench.problems.errors import DataError

SEPARATORS = {
    "colons": "::",
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "space": " ",
}
STAND_IN = "\x1f"  # ASCII's own unit separator takes the place of "::" in a parser of single bytes


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
    table = _parse(path, form, sorted(roles.values()))
    skipped = form.header is not None

    def trimmed(index: int) -> Any:
        return pc.utf8_trim_whitespace(table[f"f{index}"].combine_chunks())

    return Columns.pick(roles, trimmed, lambda row: f"line {_line_of(path, row + skipped)}")


def _form(path: Path, separator: str, header: str) -> Form:
    first = next((text for _, text in _lines(path)), None)
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


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    # Numbers from 1 and texts of the lines that are not blank, as the parser counts them.
    with pa.input_stream(path) as stream:
        for number, line in enumerate(stream, start=1):
            text = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
            if text:
                yield number, text


def _line_of(path: Path, row: int) -> int:
    for k, (number, _) in enumerate(_lines(path)):
        if k == row:
            return number
    raise DataError(f"{path} changed while it was read; run again.")


def _parse(path: Path, form: Form, indices: list[int]) -> Any:
    torn = []

    def note(row: Any) -> str:
        torn.append(row)
        return "error"

    names = [f"f{index}" for index in indices]
    try:
        with pa.input_stream(path) as stream:
            source = stream
            if form.separator == "::":
                text = stream.read().replace(b"::", STAND_IN.encode())
                source = pa.BufferReader(text)
            return pyarrow.csv.read_csv(
                source,
                # One thread, since rows are numbered only then.
                pyarrow.csv.ReadOptions(
                    use_threads=False,
                    autogenerate_column_names=True,
                    skip_rows=int(form.header is not None),
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=form.separator.replace("::", STAND_IN), invalid_row_handler=note
                ),
                pyarrow.csv.ConvertOptions(
                    include_columns=names,
                    column_types=dict.fromkeys(names, pa.large_string()),
                    strings_can_be_null=False,
                ),
            )
    except (pa.ArrowInvalid, OSError) as error:
        if torn:
            raise DataError(
                f"{path}, line {_line_of(path, torn[0].number - 1)}: {torn[0].actual_columns} "
                f"columns, not {form.count}, in {torn[0].text!r}; mend or remove that line."
            ) from None
        if "Empty CSV" in str(error):
            raise DataError(f"{path} has a header and no ratings.") from None
        raise DataError(f"{path} can't be read as UTF-8 text: {error}.") from None
