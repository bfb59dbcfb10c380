"""MovieLens: where each data set is, what its files look like, and its licence.

Source: F. M. Harper and J. A. Konstan (2015), The MovieLens Datasets, doi:10.1145/2827872.
MovieLens 100K is also read from a wheel that carries its rows in their order, for machines that
reach a package index and nothing else.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.problems.archives import Archive, Web, Wheel, obtain
from bench.problems.errors import DataError
from bench.problems.splits import OFFICIAL_100K
from bench.problems.table import Array, Say, Table

URL = "https://files.grouplens.org/datasets/movielens/{name}.zip"
RESTRICTED = "research use only, no redistribution, and a citation of doi:10.1145/2827872"
OPEN = "redistribution under the same conditions, and a citation of doi:10.1145/2827872"
COLUMNS = ("user", "item", "rating", "time")
DTYPES = {"user": np.int32, "item": np.int32, "rating": np.float32, "time": np.int64}


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
    size: str
    licence: str
    sources: tuple[tuple[Archive, Layout], ...]
    official: tuple[str, ...] = ()

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
        columns = read(path, layout)
        users, n_users = _number(columns["user"])
        items, n_items = _number(columns["item"])
        return Table(users, items, columns["rating"], n_users, n_items, columns["time"])


def read(path: Path, layout: Layout) -> Mapping[str, Array]:
    """The four columns of an archive's member, each (n,). Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.open(layout.member)
            # Only the parser for single characters is fast, so a "::" is read as a ":", an empty
            # column, and a ":".
            step = len(layout.separator)
            frame = pd.read_csv(
                text,
                sep=layout.separator[0],
                header=None,
                skiprows=int(layout.header),
                usecols=range(0, 4 * step, step),
                names=[
                    COLUMNS[k // step] if k % step == 0 else f"gap{k}"
                    for k in range(4 * step - step + 1)
                ],
                dtype=DTYPES,
            )
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} has no readable {layout.member}: {error}.") from None
    return {name: frame[name].to_numpy() for name in COLUMNS}


def _number(ids: Array) -> tuple[Array, int]:
    # Ids in ascending order become 0, 1, ...; ids that no rating has are left out.
    known, codes = np.unique(ids, return_inverse=True)
    return codes.astype(np.int32), len(known)


def _dataset(
    name: str, size: str, md5: str, sha256: str, layout: Layout, licence: str, **more: Any
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
            "943 x 1,682, 100,000 ratings",
            "0e33842e24a9c977be4e0107933c0723",
            "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            Layout("ml-100k/u.data", "\t", header=False),
            RESTRICTED,
            mirrors=((RECBOLE, INTER),),
            official=OFFICIAL_100K,
        ),
        _dataset(
            "ml-1m",
            "6,040 x 3,706, 1,000,209 ratings",
            "c4d9eecfca2ab87c1945afe126590906",
            "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            Layout("ml-1m/ratings.dat", "::", header=False),
            RESTRICTED,
        ),
        _dataset(
            "ml-10m",
            "69,878 x 10,677, 10,000,054 ratings",
            "ce571fd55effeba0271552578f2648bd",
            "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
            Layout("ml-10M100K/ratings.dat", "::", header=False),
            RESTRICTED,
        ),
        _dataset(
            "ml-20m",
            "138,493 x 26,744, 20,000,263 ratings",
            "cd245b17a1ae2cc31bb14903e1204af3",
            "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
            Layout("ml-20m/ratings.csv", ",", header=True),
            OPEN,
        ),
        _dataset(
            "ml-25m",
            "162,541 x 59,047, 25,000,095 ratings",
            "6b51fb2759a8657d3bfcbfc42b592ada",
            "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
            Layout("ml-25m/ratings.csv", ",", header=True),
            OPEN,
        ),
        _dataset(
            "ml-32m",
            "200,948 x 84,432, 32,000,204 ratings",
            "d472be332d4daa821edc399621853b57",
            "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
            Layout("ml-32m/ratings.csv", ",", header=True),
            OPEN,
        ),
    )
}
