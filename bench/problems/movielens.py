"""MovieLens: where each data set is, what its files look like, and its licence.

Source: F. M. Harper and J. A. Konstan (2015), The MovieLens Datasets, doi:10.1145/2827872.
MovieLens 100K is also read from a wheel that carries its rows in their order, for machines that
reach a package index and nothing else.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.problems import cache
from bench.problems.archives import obtain
from bench.problems.delimited import Torn, parse
from bench.problems.downloads import Archive, Web, Wheel
from bench.problems.errors import DataError
from bench.problems.splits import OFFICIAL_100K
from bench.problems.table import Array, Say, Table

URL = "https://files.grouplens.org/datasets/movielens/{name}.zip"
RESTRICTED = "research use only, no redistribution, and a citation of doi:10.1145/2827872"
OPEN = "redistribution under the same conditions, and a citation of doi:10.1145/2827872"
TYPES = dict(enumerate((pa.int32(), pa.int32(), pa.float32(), pa.int64())))


@dataclass(frozen=True)
class Layout:
    """One member of an archive: user, item, rating, time in this order."""

    member: str
    separator: str
    header: bool


@dataclass(frozen=True)
class MovieLens:
    """One of the MovieLens data sets, as published."""

    name: str
    size: tuple[int, int, int]  # users, items, ratings
    licence: str
    sources: tuple[tuple[Archive, Layout], ...]
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
        layout = next(layout for known, layout in self.sources if known is archive)
        raw_users, raw_items, ratings, times = read(path, layout)
        users, n_users = _number(raw_users)
        items, n_items = _number(raw_items)
        return Table(users, items, ratings, n_users, n_items, times)


def read(path: Path, layout: Layout) -> list[Array]:
    """Users, items, ratings and times of an archive's member, each (n,). Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(layout.member) as member:
            stream = pa.PythonFile(member, mode="r")
            columns = parse(stream, layout.separator, int(layout.header), TYPES)
    except (KeyError, zipfile.BadZipFile, pa.ArrowInvalid, Torn) as error:
        raise DataError(f"{path} has no readable {layout.member}: {error}.") from None
    return [column.to_numpy() for column in columns]


def _number(ids: Array) -> tuple[Array, int]:
    # Ids in ascending order become 0, 1, ...; ids that no rating has are left out.
    known, codes = np.unique(ids, return_inverse=True)
    return codes.astype(np.int32), len(known)


def _dataset(
    name: str,
    size: tuple[int, int, int],
    md5: str,
    sha256: str,
    layout: Layout,
    licence: str,
    **more: Any,
) -> MovieLens:
    web = Web(f"{name}.zip", sha256, md5, URL.format(name=name))
    sources = ((web, layout), *more.pop("mirrors", ()))
    return MovieLens(name, size, licence, sources, **more)


RECBOLE = Wheel(
    "recbole-1.2.1-py3-none-any.whl",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    "recbole==1.2.1",
)
INTER = Layout("recbole/dataset_example/ml-100k/ml-100k.inter", "\t", header=True)

DATASETS = {
    dataset.name: dataset
    for dataset in (
        _dataset(
            "ml-100k",
            (943, 1_682, 100_000),
            "0e33842e24a9c977be4e0107933c0723",
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            Layout("ml-100k/u.data", "\t", header=False),
            RESTRICTED,
            mirrors=((RECBOLE, INTER),),
            official=OFFICIAL_100K,
        ),
        _dataset(
            "ml-1m",
            (6_040, 3_706, 1_000_209),
            "c4d9eecfca2ab87c1945afe126590906",
            "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            Layout("ml-1m/ratings.dat", "::", header=False),
            RESTRICTED,
        ),
        _dataset(
            "ml-10m",
            (69_878, 10_677, 10_000_054),
            "ce571fd55effeba0271552578f2648bd",
            "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
            Layout("ml-10M100K/ratings.dat", "::", header=False),
            RESTRICTED,
        ),
        _dataset(
            "ml-20m",
            (138_493, 26_744, 20_000_263),
            "cd245b17a1ae2cc31bb14903e1204af3",
            "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
            Layout("ml-20m/ratings.csv", ",", header=True),
            OPEN,
        ),
        _dataset(
            "ml-25m",
            (162_541, 59_047, 25_000_095),
            "6b51fb2759a8657d3bfcbfc42b592ada",
            "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
            Layout("ml-25m/ratings.csv", ",", header=True),
            OPEN,
        ),
        _dataset(
            "ml-32m",
            (200_948, 84_432, 32_000_204),
            "d472be332d4daa821edc399621853b57",
            "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
            Layout("ml-32m/ratings.csv", ",", header=True),
            OPEN,
        ),
    )
}
