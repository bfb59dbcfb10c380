"""Splits by name: which ratings of a table are held out for the test.

The random ones depend on the table and on split_seed alone, so they are the same for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.problems.errors import DataError
from bench.problems.specs import number, text_of
from bench.problems.table import Array, Table

SEED = "split_seed"
HELP = {
    "holdout=0.1": "a random tenth of the ratings",
    "fold=2/5": "the second of five random parts of equal size",
    "leave_out=10": "ten random ratings of each user with more than ten; the others only train",
    "time=0.8": "the oldest 80% train, the rest test; equal times stay in file order",
    "official=u1": "as the data set's makers cut it",
    f"{SEED}=0": "another number gives another holdout, fold or leave_out",
}
KINDS = ("holdout", "fold", "leave_out", "time", "official")
SEEDED = KINDS[:3]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Split:
    """A validated split: its kind, its value in canonical text, and its seed."""

    kind: str
    value: str
    seed: int = 0

    @classmethod
    def of(cls, kind: str, text: str) -> Split:
        """Validate one kind=text. Raises DataError."""
        if kind == "fold":
            return cls(kind, _fold(text))
        if kind == "official":
            return cls(kind, text)
        value = number(kind, text, int if kind == "leave_out" else float)
        if kind == "leave_out" and value < 1:
            raise DataError(f"leave_out must be at least 1 rating per user, not {text}.")
        if kind != "leave_out" and not 0 < value < 1:
            raise DataError(f"{kind} must lie between 0 and 1, not {text}.")
        return cls(kind, text_of(value))

    @property
    def options(self) -> dict[str, str]:
        """What a spec says to get this split."""
        seed = {SEED: str(self.seed)} if self.seed else {}
        return {self.kind: self.value} | seed


def _fold(text: str) -> str:
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts) > 1):
        raise DataError(f"fold must be like 2/5, the second of five parts, not {text!r}.")
    return f"{int(part)}/{int(parts)}"


def take_split(options: Mapping[str, str], default: Split) -> tuple[Split, dict[str, str]]:
    """The split that `options` name, or the default, and the options that are none of its."""
    rest = {key: text for key, text in options.items() if key not in (*KINDS, SEED)}
    kinds = [kind for kind in KINDS if kind in options]
    if len(kinds) > 1:
        raise DataError(f"A data set has one split, not both {kinds[0]} and {kinds[1]}.")
    split = Split.of(kinds[0], options[kinds[0]]) if kinds else default
    if SEED not in options:
        return split, rest
    seed = number(SEED, options[SEED], int)
    if seed < 0:
        raise DataError(f"{SEED} must be at least 0, not {seed}.")
    if seed and split.kind not in SEEDED:
        raise DataError(f"{split.kind} is not random; leave out {SEED}={seed}.")
    return Split(split.kind, split.value, seed), rest


def held_out(table: Table, split: Split, name: str) -> Mask:
    """Which ratings are the test part, (n,) bool; raises DataError if either part would be empty.

    The official split is cut as MovieLens 100K's scripts cut it, see `_official`.
    """
    mask = _CUTS[split.kind](table, split)
    n_test = int(mask.sum())
    if n_test == 0 or n_test == len(mask):
        part = "test" if n_test == 0 else "training"
        raise DataError(
            f"{split.kind}={split.value} leaves no {part} rating among the {len(mask)} of {name}; "
            f"choose another split."
        )
    return mask


def _random(split: Split) -> np.random.Generator:
    # A stream apart from the one that a synthetic table with the same seed was drawn from.
    return np.random.default_rng([split.seed, *split.kind.encode()])


def _holdout(table: Table, split: Split) -> Mask:
    mask = np.zeros(len(table), bool)
    chosen = _random(split).permutation(len(table))[: round(float(split.value) * len(table))]
    mask[chosen] = True
    return mask


def _fold_mask(table: Table, split: Split) -> Mask:
    part, parts = map(int, split.value.split("/"))
    # One permutation for all parts of a seed, so that they are disjoint and cover the table.
    mask = np.zeros(len(table), bool)
    mask[_random(split).permutation(len(table))[part - 1 :: parts]] = True
    return mask


def _leave_out(table: Table, split: Split) -> Mask:
    count = int(split.value)
    shuffled = _random(split).permutation(len(table))
    mask = np.zeros(len(table), bool)
    mask[shuffled] = place_in_user(table.users[shuffled], table.n_users) < count
    degrees = np.bincount(table.users, minlength=table.n_users)
    mask[degrees[table.users] <= count] = False
    return mask


def _time(table: Table, split: Split) -> Mask:
    if table.times is None:
        raise DataError(f"time={split.value} needs a timestamp for each rating; there is none.")
    mask = np.zeros(len(table), bool)
    oldest_first = np.argsort(table.times, kind="stable")
    mask[oldest_first[round(float(split.value) * len(table)) :]] = True
    return mask


def _official(table: Table, split: Split) -> Mask:
    # mku.sh: u1 to u5 are the five runs of 20,000 rows. allbut.pl: ua and ub are each user's first
    # ten rows and the next ten.
    if split.value in ("ua", "ub"):
        first = 0 if split.value == "ua" else 10
        place = place_in_user(table.users, table.n_users)
        return (first <= place) & (place < first + 10)
    fifth = int(split.value.removeprefix("u"))
    return np.asarray(np.arange(len(table)) * 5 // len(table) == fifth - 1)


OFFICIAL_100K = ("u1", "u2", "u3", "u4", "u5", "ua", "ub")
_CUTS = {
    "holdout": _holdout,
    "fold": _fold_mask,
    "leave_out": _leave_out,
    "time": _time,
    "official": _official,
}


def place_in_user(users: Array, n_users: int) -> Array:
    """For each row, how many earlier rows have the same user; (n,) int64."""
    order = np.argsort(users, kind="stable")
    ends = np.cumsum(np.bincount(users, minlength=n_users))
    starts = np.concatenate([[0], ends[:-1]])
    place = np.empty(len(users), np.int64)
    place[order] = np.arange(len(users)) - starts[users[order]]
    return place
