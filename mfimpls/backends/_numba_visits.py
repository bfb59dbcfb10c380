"""The ratings of an epoch in the order of visits, copied, so that the kernels only stream.

For order=blocks the copy is made once: `mfimpls.orders.block_grid` as two stable counting sorts, by
block and inside each block by key, both in parallel, the second in place: memory that is new to a
process costs more than the sorting.
"""

from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from mfimpls.orders import (
    USERS_AT_A_TIME,
    block_rounds,
    epoch_orders,
    grid_size,
    range_cuts,
    visit_key,
    visit_salt,
)

CHUNKS = 16  # of the ratings, sorted apart; the result does not depend on their number

leaf = njit(_nrt=False, error_model="numpy")
_key = leaf(visit_key)


class Grid(NamedTuple):
    """row[u] + column[i] (int32) is the block of a rating, salt what its key takes besides."""

    row: Any
    column: Any
    salt: Any


class Visits(NamedTuple):
    """One epoch: ratings (n,) of a VISIT dtype, the rating less the mean, sorted by block; block j
    is starts[j]:starts[j + 1]. Row k of `rounds` holds the blocks of the k-th round, and `before`
    how many ratings the epoch has visited when each begins.
    """

    ratings: Any
    starts: Any
    rounds: Any
    before: Any


IDS = [("user", np.uint32), ("item", np.uint32)]
VISIT = {
    "float32": np.dtype([*IDS, ("rating", np.float32), ("key", np.uint32)]),
    "float64": np.dtype([*IDS, ("rating", np.float64)]),
}
UNSORTED = VISIT["float32"]  # with the rating as given; a key is where it stands in its block


def epochs(problem, hyper):
    """An endless iterator over the Visits of epochs 0, 1, ...; the call itself lays out blocks."""
    if hyper.order == "blocks" and hyper.batch == 1:
        return _block_epochs(*_lay_out(problem, hyper), hyper)
    train = problem.train
    stored = np.zeros(len(train), VISIT[hyper.dtype])
    stored["user"], stored["item"] = train.users, train.items
    stored["rating"] = train.ratings.astype(np.float64) - problem.mean
    return _ordered_epochs(stored, epoch_orders(problem, hyper))


@leaf
def visit(visits, t):
    """User, item and rating of visit t."""
    one = visits.ratings[np.uint64(t)]  # an index that can't be negative needs no wrapping
    return one.user, one.item, one.rating


def _block_epochs(ratings, starts, hyper):
    size = int(len(starts) ** 0.5)
    for epoch in count():
        rounds = block_rounds(size, hyper.seed, epoch)
        sizes = np.diff(starts)[rounds]
        before = sizes.ravel().cumsum().reshape(sizes.shape) - sizes
        yield Visits(ratings, starts, rounds, before)


def _ordered_epochs(stored, orders):
    # All in one block.
    visited = np.empty_like(stored)
    rounds, starts = np.zeros((1, 1), np.int64), np.array([0, len(stored)])
    for order in orders:
        np.take(stored, order, out=visited, mode="clip")  # clip writes straight to out
        yield Visits(visited, starts, rounds, rounds)


def _lay_out(problem, hyper):
    # ratings and starts of Visits, as block_grid sorts.
    users, items, ratings = map(np.asarray, problem.train.columns)
    size = grid_size(problem, hyper.rank)
    user_cuts = range_cuts(_degrees(users, _counts(problem.n_users)), size)
    item_cuts = range_cuts(_degrees(items, _counts(problem.n_items)), size)
    ranges = np.arange(size, dtype=np.int32)
    grid = Grid(
        np.repeat(ranges * np.int32(size), np.diff(user_cuts)),
        np.repeat(ranges, np.diff(item_cuts)),
        visit_salt(hyper.seed),
    )
    starts, places = _places(users, items, grid, np.zeros((CHUNKS, size * size), np.int64))
    unsorted = np.empty(len(users), UNSORTED)
    _sort_by_block((users, items, ratings), grid, places, unsorted)
    laid_out = unsorted.view(VISIT[hyper.dtype])
    _sort_by_key(unsorted, laid_out, problem.mean, starts, user_cuts)
    return laid_out, starts


def _counts(n):
    return np.zeros((get_num_threads(), n), np.int64)


@njit(cache=True, nogil=True, parallel=True)
def _degrees(ids, counts):
    # Ratings per id, from a row of zeros in `counts` per part of the ids; sums are exact.
    for part in prange(len(counts)):
        _tally(ids, counts[part], _part(len(ids), part, len(counts)))
    return counts.sum(axis=0)


@leaf
def _tally(ids, counts, part):
    for t in range(part[0], part[1]):
        counts[np.uint32(ids[t])] += 1


@njit(cache=True, nogil=True, parallel=True)
def _places(users, items, grid, counts):
    # Where each block starts, and where each chunk of the ratings puts its first one of a block.
    for chunk in prange(len(counts)):
        _count(users, items, grid, counts[chunk], _part(len(users), chunk, len(counts)))
    starts = np.zeros(counts.shape[1] + 1, np.int64)
    for block in range(counts.shape[1]):
        place = starts[block]
        for chunk in range(len(counts)):
            count = counts[chunk, block]
            counts[chunk, block] = place
            place += count
        starts[block + 1] = place
    return starts, counts


@leaf
def _part(n, part, parts):
    return part * n // parts, (part + 1) * n // parts


@leaf
def _count(users, items, grid, counts, part):
    for t in range(part[0], part[1]):
        counts[grid.row[np.uint32(users[t])] + grid.column[np.uint32(items[t])]] += 1


@njit(cache=True, nogil=True, parallel=True)
def _sort_by_block(data, grid, places, records):
    for chunk in prange(len(places)):
        _scatter(data, grid, places[chunk], records, _part(len(records), chunk, len(places)))


@leaf
def _scatter(data, grid, places, records, part):
    # Stable counting sort of one chunk. A record goes to one place, where columns would go to four.
    users, items, ratings = data
    for t in range(part[0], part[1]):
        u, i = np.uint32(users[t]), np.uint32(items[t])
        block = np.uint32(grid.row[u] + grid.column[i])
        to = np.uint64(places[block])
        places[block] += 1
        records[to].user, records[to].item, records[to].rating = u, i, ratings[t]
        records[to].key = _key(np.uint64(u), np.uint64(i), grid.salt)


@njit(cache=True, nogil=True, parallel=True)
def _sort_by_key(unsorted, laid_out, mean, starts, user_cuts):
    size = len(user_cuts) - 1
    for block in prange(len(starts) - 1):
        row = block // size
        first_key = user_cuts[row] - user_cuts[row] % USERS_AT_A_TIME
        places = np.zeros(user_cuts[row + 1] - first_key + USERS_AT_A_TIME + 1, np.int64)
        places[0] = starts[block]
        copy = unsorted[starts[block] : starts[block + 1]].copy()
        _place_by_key(copy, laid_out, mean, first_key, places)


@leaf
def _place_by_key(block, laid_out, mean, first_key, places):
    # Stable counting sort of one block, from a copy of it to its place.
    for t in range(len(block)):
        places[np.uint64(block[t].key - first_key + 1)] += 1
    for key in range(1, len(places)):
        places[key] += places[key - 1]
    for t in range(len(block)):
        key = np.uint64(block[t].key - first_key)
        to = np.uint64(places[key])
        places[key] += 1
        laid_out[to].user, laid_out[to].item = block[t].user, block[t].item
        laid_out[to].rating = block[t].rating - mean
