"""Which column of a user's file is which, and the columns once picked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.problems.errors import DataError
from mfimpls.contract import unknown

KNOWN = {
    "user": ("user", "userid", "users", "uid", "u", "reviewer", "reviewerid", "customer",
             "customerid", "rater"),
    "item": ("item", "itemid", "items", "iid", "i", "movie", "movieid", "product", "productid",
             "asin", "book", "bookid", "isbn", "song", "track", "artist", "artistid"),
    "rating": ("rating", "ratings", "score", "stars", "value", "r", "overall", "bookrating"),
    "timestamp": ("timestamp", "timestamps", "time", "times", "date", "ts", "unixreviewtime"),
}  # fmt: skip
ROLES = tuple(KNOWN)


@dataclass(frozen=True)
class Columns:
    """The chosen columns as Arrow arrays of one length, of any type, and where row k is found:
    `place(k)` is "line 7" or "row 7".
    """

    users: Any
    items: Any
    ratings: Any
    times: Any | None
    place: Callable[[int], str]

    @classmethod
    def pick(
        cls, roles: Mapping[str, int], read: Callable[[int], Any], place: Callable[[int], str]
    ) -> Columns:
        """Take each role's column with `read(index)`."""
        picked = {role: _plain(read(index)) for role, index in roles.items()}
        return cls(picked["user"], picked["item"], picked["rating"], picked.get("timestamp"), place)


def _plain(column: Any) -> Any:
    # One array; categories decoded, text of any width as trimmed large_string.
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.utf8_trim_whitespace(column.cast(pa.large_string()))
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def choose(
    names: Sequence[str] | None, count: int, wanted: Mapping[str, str], file: str
) -> dict[str, int]:
    """The index of each role's column among `count`; `names` is None for a file without header.

    `wanted` maps the roles that are needed to a column's name, its number from 1, or "" for the
    usual one: by name under a header, else user, item, rating, timestamp in this order. Raises
    DataError.
    """
    roles: dict[str, int] = {}
    for role, text in wanted.items():
        found = _named(names, count, role, text, file) if text else _usual(names, count, role, file)
        if found in roles.values():
            raise DataError(f"{file}: one column can't be two of {', '.join(wanted)}.")
        roles[role] = found
    return roles


def _named(names: Sequence[str] | None, count: int, role: str, text: str, file: str) -> int:
    if names is not None and text in names:
        return list(names).index(text)
    if text.isdecimal() and 1 <= int(text) <= count:
        return int(text) - 1
    if names is None:
        raise DataError(
            f"{file} has no header, so {role} takes a column's number from 1 to {count}, "
            f"not {text!r}."
        )
    raise DataError(f"{file}: {unknown('column', text, names)}")


def _usual(names: Sequence[str] | None, count: int, role: str, file: str) -> int:
    if names is None and ROLES.index(role) < count:
        return ROLES.index(role)
    plain = [re.sub("[^a-z]", "", name.partition(":")[0].lower()) for name in names or ()]
    for name in KNOWN[role]:
        if name in plain:
            return plain.index(name)
    has = (
        f"its columns are {', '.join(names)}" if names else f"it has {count} columns and no header"
    )
    raise DataError(
        f"{file} has no {role} column that can be told by name ({has}); say {role}=COLUMN."
    )
