"""Training ratings by row, user or item, in the order in which threads should take the rows.

Shared by the ALS backends in Numba.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

BATCH = 1024  # ratings, at least, that a thread takes at a time


class Rows(NamedTuple):
    """Training ratings by row (user or item): row u has others[starts[u]:starts[u + 1]] and targets
    likewise, ratings less the mean; by_degree lists the rows that have any, heaviest first, and
    batches[k]:batches[k + 1] of it are solved by one thread.
    """

    starts: Any
    others: Any
    targets: Any
    by_degree: Any
    batches: Any


def both_ways(problem, dtype):
    """Rows of the users, and of the items; targets in `dtype`."""
    train = problem.train
    targets = (np.asarray(train.ratings, np.float64) - problem.mean).astype(dtype)
    users, items = np.asarray(train.users), np.asarray(train.items)
    return (
        _by_row(users, items, targets, problem.n_users),
        _by_row(items, users, targets, problem.n_items),
    )


def _by_row(ids, others, targets, n):
    starts = np.concatenate([[0], np.cumsum(np.bincount(ids, minlength=n))])
    degrees = np.diff(starts)
    by_degree = np.argsort(-degrees, kind="stable")[: np.count_nonzero(degrees)]
    # A batch ends with the first row that brings it to BATCH ratings.
    before = np.cumsum(degrees[by_degree]) - degrees[by_degree]
    batches = np.unique(np.searchsorted(before, np.arange(0, len(ids) + BATCH, BATCH)))
    return Rows(starts, *_sort(ids, others, targets, starts), by_degree, batches)


@njit(cache=True, nogil=True)
def _sort(ids, others, targets, starts):
    # Counting sort by id, stable.
    place = starts[:-1].copy()
    sorted_others, sorted_targets = np.empty(len(ids), np.uint32), np.empty_like(targets)
    for t in range(len(ids)):
        to = place[ids[t]]
        place[ids[t]] = to + 1
        sorted_others[to], sorted_targets[to] = others[t], targets[t]
    return sorted_others, sorted_targets
