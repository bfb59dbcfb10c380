"""Reading a MovieLens data set from its archive, in the order of its file.

Source: F. M. Harper and J. A. Konstan (2015), The MovieLens Datasets, doi:10.1145/2827872.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.problems import cache
from bench.problems.archives import obtain
from bench.problems.delimited import Layout, Torn, parse
from bench.problems.downloads import Archive
from bench.problems.errors import DataError
from bench.problems.table import Array, Say, Table

TYPES = dict(enumerate((pa.int32(), pa.int32(), pa.float32(), pa.int64())))


@dataclass(frozen=True)
class Member:
    """A file in an archive, with the columns user, item, rating and time."""

    name: str
    layout: Layout


@dataclass(frozen=True)
class MovieLens:
    """One of the MovieLens data sets, as published."""

    name: str
    size: tuple[int, int, int]  # users, items, ratings
    licence: str
    sources: tuple[tuple[Archive, Member], ...]
    official: tuple[str, ...] = ()

    @property
    def cached(self) -> bool:
        """Whether one of its archives is in the cache."""
        return any((cache.root() / archive.file).is_file() for archive, _ in self.sources)

    def fingerprint(self) -> str:
        return self.sources[0][0].sha256

    def load(self, needs_times: bool, say: Say) -> Table:
        """Read the ratings, downloading them first if need be. Raises DataError."""
        path, archive, new = obtain([archive for archive, _ in self.sources])
        if new:
            say(
                f"{self.name} comes with conditions: {self.licence}. They are in its README, "
                f"at grouplens.org/datasets/movielens."
            )
        member = next(member for known, member in self.sources if known is archive)
        raw_users, raw_items, ratings, times = read(path, member)
        users, n_users = _number(raw_users)
        items, n_items = _number(raw_items)
        return Table(users, items, ratings, n_users, n_items, times)


def read(path: Path, member: Member) -> list[Array]:
    """Users, items, ratings and times of an archive's member, each (n,). Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member.name) as file:
            columns = parse(pa.PythonFile(file, mode="r"), member.layout, TYPES)
    except (KeyError, zipfile.BadZipFile, pa.ArrowException, Torn) as error:
        raise DataError(f"{path} has no readable {member.name}: {error}.") from None
    return [column.to_numpy() for column in columns.values()]


def _number(ids: Array) -> tuple[Array, int]:
    # Ids in ascending order become 0, 1, ...; ids that no rating has are left out.
    present = np.bincount(ids) > 0
    codes = np.cumsum(present, dtype=np.int32) - np.int32(1)
    return codes[ids], int(present.sum())
