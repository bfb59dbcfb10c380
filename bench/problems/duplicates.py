"""Pairs that are rated more than once: refused, or settled as the user says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.problems.errors import DataError
from bench.problems.table import Table

POLICIES = ("error", "last", "mean")


def settle(
    table: Table,
    policy: str,
    file: str,
    place: Callable[[int], str],
    pair: Callable[[int], str],
) -> Table:
    """A table with unique pairs, each where its last row was: with that row's rating (last) or the
    mean of all. Raises DataError under `error`, naming the first pair by `pair` and `place`.
    """
    keys = table.users.astype(np.int64) * table.n_items + table.items
    order = np.argsort(keys, kind="stable")
    is_last = np.ones(len(keys), bool)
    is_last[:-1] = keys[order][1:] != keys[order][:-1]
    if is_last.all():
        return table
    starts = np.concatenate([[0], np.flatnonzero(is_last)[:-1] + 1])
    sizes = np.diff(np.append(starts, len(keys)))
    if policy == "error":
        repeated = np.flatnonzero(sizes > 1)
        first = repeated[np.argmin(order[starts[repeated]])]
        rows = [int(row) for row in order[starts[first] : starts[first] + 2]]
        raise DataError(
            f"{file} rates {len(repeated)} pair{'s' * (len(repeated) > 1)} more than once, such as "
            f"{pair(rows[0])} on {place(rows[0])} and {place(rows[1])}; say duplicates=last or "
            f"duplicates=mean."
        )
    ratings = table.ratings
    if policy == "mean":
        ratings = ratings.copy()
        sums = np.add.reduceat(table.ratings[order], starts, dtype=np.float64)
        ratings[order[is_last]] = sums / sizes
    kept = np.sort(order[is_last])
    return replace(
        table,
        users=table.users[kept],
        items=table.items[kept],
        ratings=ratings[kept],
        times=None if table.times is None else table.times[kept],
    )
