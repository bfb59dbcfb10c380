"""From a spec to a problem: the known names, their options and splits, and the cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.problems import cache, specs
from bench.problems.errors import DataError
from bench.problems.movielens_sets import DATASETS
from bench.problems.ratings_file import RatingsFile
from bench.problems.splits import KINDS, SEED, Split, held_out, take_split
from bench.problems.synthetic import SIZES, Synthetic
from bench.problems.table import Array, Say, Source, Table
from mfimpls import Problem
from mfimpls.contract import Ratings, unknown

NAMES = ("synthetic", *DATASETS)
HOLDOUT = Split("holdout", "0.1")
SPLITS = (*KINDS, SEED)


@dataclass(frozen=True)
class Request:
    """A parsed spec: its one spelling, where the ratings come from, and how they are split."""

    spec: str
    source: Source
    split: Split

    @property
    def folder(self) -> Path:
        return cache.folder_of(self.spec, self.source.fingerprint())


def request(spec: str) -> Request:
    """Parse a spec. Raises DataError."""
    name, options = specs.parse(spec)
    if name == "synthetic":
        build = _synthetic
    elif name in DATASETS:
        build = _movielens
    elif Path(name).suffix or Path(name).name != name or Path(name).exists():
        build, name = _ratings_file, _existing(name)
    else:
        raise DataError(unknown("data set", name, NAMES))
    try:
        return build(name, options)
    except DataError as error:
        raise DataError(f"{spec}: {error}") from None


def _synthetic(name: str, options: Mapping[str, str]) -> Request:
    split, rest = _split(options, HOLDOUT)
    size = rest.get("size", "s")
    source = specs.settings(Synthetic.preset(size if size in SIZES else "s"), rest, SPLITS)
    shown = source.options() | (split.options if split != HOLDOUT else {})
    return Request(specs.join(name, shown), source, split)


def _movielens(name: str, options: Mapping[str, str]) -> Request:
    source = DATASETS[name]
    default = Split("official", source.official[0]) if source.official else HOLDOUT
    split, rest = _split(options, default, source.official)
    if rest:
        raise DataError(unknown("option", next(iter(rest)), SPLITS))
    return Request(specs.join(name, split.options), source, split)


def _ratings_file(name: str, options: Mapping[str, str]) -> Request:
    split, rest = _split(options, HOLDOUT)
    defaults = RatingsFile(Path(name))
    source = specs.settings(defaults, rest, SPLITS)
    shown = specs.changes(defaults, source) | split.options
    return Request(specs.join(name, shown), source, split)


def _existing(name: str) -> str:
    path = Path(os.path.normpath(Path(name).expanduser()))
    if path.is_dir():
        raise DataError(f"{path} is a directory; name a ratings file in it.")
    if not path.is_file():
        raise DataError(f"There is no ratings file {path}; check the path.")
    return path.as_posix()


def _split(
    options: Mapping[str, str], default: Split, official: tuple[str, ...] = ()
) -> tuple[Split, dict[str, str]]:
    split, rest = take_split(options, default)
    if split.kind == "official" and not official:
        raise DataError("there is no official split; say holdout=0.1, fold=1/5 or leave_out=10.")
    if split.kind == "official" and split.value not in official:
        raise DataError(unknown("official split", split.value, official))
    return split, rest


def canonical(spec: str) -> str:
    """The one spelling of a data set spec. Raises DataError for what is unknown in it."""
    return request(spec).spec


def tell(line: str) -> None:
    """Show the user one line, on stderr."""
    print(line, file=sys.stderr)


def materialise(spec: str, say: Say = tell) -> Path:
    """Make a problem unless the cache has it; returns its folder for `open_problem`.

    Safe in several processes at once. Raises DataError.
    """
    wanted = request(spec)
    folder = wanted.folder
    return folder if cache.is_complete(folder) else cache.store(make(wanted, say), folder)


def load_problem(spec: str, say: Say = tell) -> Problem:
    """`materialise` and `open_problem` in one."""
    return cache.open_problem(materialise(spec, say))


def make(wanted: Request, say: Say = tell) -> Problem:
    """Load the ratings, split them, and find the noise floor where the truth is planted."""
    try:
        table = wanted.source.load(wanted.split.kind == "time", say)
    except MemoryError:
        raise DataError(f"{wanted.spec} does not fit into this machine's memory.") from None
    mask = held_out(table, wanted.split, wanted.spec)
    train, test = _part(table, ~mask), _part(table, mask)
    shape = table.n_users, table.n_items
    return Problem.of(wanted.spec, train, test, shape, _noise_floor(table, test))


def _part(table: Table, mask: Array) -> Ratings:
    columns = (table.users[mask], table.items[mask], table.ratings[mask])
    for column in columns:
        column.flags.writeable = False
    return Ratings(*columns)


def _noise_floor(table: Table, test: Ratings) -> float | None:
    if table.expected is None:
        return None
    chunks = np.array_split(np.arange(len(test)), len(test) // (1 << 20) + 1)
    squares = 0.0
    for rows in chunks:
        expected = table.expected(test.users[rows], test.items[rows]).astype(np.float64)
        squares += float(np.sum((test.ratings[rows] - expected) ** 2))
    return float(np.sqrt(squares / len(test)))
