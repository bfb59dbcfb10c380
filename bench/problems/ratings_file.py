"""The user's own file: any ids, any scale, zeros that are ratings; faults named with their place.

Ids become 0, 1, ... in the order of their first appearance, so that the same rows give the same
problem in every format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.problems.archives import sha256
from bench.problems.array_files import read_npz, read_parquet
from bench.problems.columns import ROLES, Columns
from bench.problems.duplicates import POLICIES, settle
from bench.problems.errors import DataError
from bench.problems.specs import option
from bench.problems.table import MOST_IDS, Array, Say, Table
from bench.problems.text_files import SEPARATORS, read_text

BINARY = {".parquet": read_parquet, ".npz": read_npz}
TIMES = (pa.int64(), pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC"))


@dataclass(frozen=True)
class RatingsFile:
    """A file of ratings and how to read it."""

    path: Path
    user: str = option("", "the users' column: its name, or its number from 1")
    item: str = option("", "the items' column")
    rating: str = option("", "the ratings' column")
    timestamp: str = option("", "the timestamps' column, which only time=0.8 needs")
    header: str = option("auto", "auto takes a first line without a number for one",
                         choices=("auto", "yes", "no"))  # fmt: skip
    separator: str = option("auto", "between columns of text", choices=("auto", *SEPARATORS))
    duplicates: str = option("error", "what to do when a pair is rated twice", choices=POLICIES)

    def __post_init__(self) -> None:
        if self.path.suffix in BINARY and (self.header, self.separator) != ("auto", "auto"):
            raise DataError(f"{self.path.suffix[1:]} has no header and no separator to set.")

    def fingerprint(self) -> str:
        """The content's hash, so that an edited file is another problem."""
        try:
            return sha256(self.path)
        except OSError as error:
            raise DataError(f"{self.path} can't be read: {error.strerror}.") from None

    def load(self, needs_times: bool, say: Say) -> Table:
        """Read, check and number. Raises DataError with file, line and value."""
        columns = self._read(needs_times)
        if not len(columns.ratings):
            raise DataError(f"{self.path} has no ratings.")
        users, user_ids = _number(self.path, "user", columns.users, columns)
        items, item_ids = _number(self.path, "item", columns.items, columns)
        ratings = _ratings(self.path, columns)
        times = None if columns.times is None else _times(self.path, columns.times, columns)
        table = Table(users, items, ratings, len(user_ids), len(item_ids), times)

        def pair(row: int) -> str:
            return f"user {user_ids[users[row]]} and item {item_ids[items[row]]}"

        return settle(table, self.duplicates, str(self.path), columns.place, pair)

    def _read(self, needs_times: bool) -> Columns:
        wanted = {role: getattr(self, role) for role in ROLES if role != "timestamp" or needs_times}
        if self.path.suffix in BINARY:
            return BINARY[self.path.suffix](self.path, wanted)
        return read_text(self.path, wanted, self.separator, self.header)


def _number(path: Path, role: str, ids: Any, columns: Columns) -> tuple[Array, Any]:
    # Codes (n,) int32 and the distinct ids, each at the place of its code.
    blank = _first(pc.is_null(ids, nan_is_null=True))
    if blank is None and pa.types.is_large_string(ids.type):
        blank = _first(pc.equal(ids, ""))
    if blank is not None:
        raise DataError(
            f"{path}, {columns.place(blank)}: the {role} is blank; fill it in or remove it."
        )
    try:
        encoded = ids.dictionary_encode()
    except pa.ArrowNotImplementedError:
        raise DataError(f"{path}: a {role} can't be a {ids.type}; use numbers or text.") from None
    known = encoded.dictionary
    if len(known) > MOST_IDS:
        raise DataError(
            f"{path} has {len(known)} {role}s, more than int32 can number ({MOST_IDS})."
        )
    if len(known) == 1:
        raise DataError(
            f"{path} has a single {role}, {known[0]}; a factorization needs at least two."
        )
    return encoded.indices.to_numpy().astype(np.int32, copy=False), known


def _first(mask: Any) -> int | None:
    index = pc.index(mask, True).as_py()
    return None if index < 0 else index


def _ratings(path: Path, columns: Columns) -> Array:
    values = _cast(columns.ratings, pa.float64())
    if values is None:
        bad = _first_uncastable(columns.ratings, pa.float64())
        why = "is not a number"
    else:
        with np.errstate(over="ignore"):
            ratings = np.asarray(values, np.float32)
        if np.isfinite(ratings).all():
            return ratings
        bad = int(np.argmin(np.isfinite(ratings)))
        why = "is not a finite number in float32"
    raise DataError(
        f"{path}, {columns.place(bad)}: the rating {columns.ratings[bad].as_py()!r} {why}; "
        f"mend or remove it."
    )


def _times(path: Path, column: Any, columns: Columns) -> Array:
    cast = next((t for kind in TIMES if (t := _cast(column, kind)) is not None), None)
    if cast is not None:
        bad = _first(pc.is_null(cast, nan_is_null=True))
        if bad is None:
            return np.asarray(cast)
    else:
        kinds = (kind for kind in TIMES[1:] if _cast(column[:1], kind) is not None)
        bad = _first_uncastable(column, next(kinds, TIMES[1]))
    raise DataError(
        f"{path}, {columns.place(bad)}: the timestamp {column[bad].as_py()!r} is neither a number "
        f"nor a date like 2026-01-31 10:00:00; mend or remove it."
    )


def _cast(column: Any, kind: Any) -> Any | None:
    try:
        return pc.cast(column, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _first_uncastable(column: Any, kind: Any) -> int:
    # Bisection: Arrow says that a value fails, not which.
    low, high = 0, len(column)
    while high - low > 1:
        middle = (low + high) // 2
        if _cast(column[low:middle], kind) is None:
            high = middle
        else:
            low = middle
    return low
