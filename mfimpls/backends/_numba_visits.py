"""The ratings of an epoch in the order of visits, copied, so that the kernels only stream.

For order=blocks the copy is made once: `mfimpls.orders.block_grid` as two stable counting sorts, by
block and inside each block by key, both in parallel.
"""

from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from mfimpls.orders import (
    KEYS,
    block_rounds,
    epoch_orders,
    grid_size,
    range_cuts,
    visit_key,
    visit_salt,
)

_key = njit(visit_key)


class Visits(NamedTuple):
    """One epoch: users, items (n,) uint32 and ratings (n,) less the mean, sorted by block; block j
    is starts[j]:starts[j + 1]. Row k of `rounds` holds the blocks of the k-th round, and `before`
    how many ratings the epoch has visited when each begins.
    """

    users: Any
    items: Any
    ratings: Any
    starts: Any
    rounds: Any
    before: Any


def epochs(problem, hyper):
    """An endless iterator over the Visits of epochs 0, 1, ...; the call itself lays out blocks."""
    if hyper.order == "blocks" and hyper.batch == 1:
        return _block_epochs(_lay_out(problem, hyper), hyper)
    train = problem.train
    residuals = (train.ratings.astype(np.float64) - problem.mean).astype(hyper.dtype)
    data = (train.users.astype(np.uint32), train.items.astype(np.uint32), residuals)
    return _ordered_epochs(data, epoch_orders(problem, hyper))


def _block_epochs(laid_out, hyper):
    *data, starts = laid_out
    size = int(len(starts) ** 0.5)
    for epoch in count():
        rounds = block_rounds(size, hyper.seed, epoch)
        sizes = np.diff(starts)[rounds]
        before = sizes.ravel().cumsum().reshape(sizes.shape) - sizes
        yield Visits(*data, starts, rounds, before)


def _ordered_epochs(data, orders):
    # All in one block.
    out = tuple(np.empty_like(column) for column in data)
    rounds, starts = np.zeros((1, 1), np.int64), np.array([0, len(data[0])])
    for order in orders:
        for column, visited in zip(data, out):
            np.take(column, order, out=visited, mode="clip")  # clip writes straight to out
        yield Visits(*out, starts, rounds, rounds)


def _lay_out(problem, hyper):
    # users, items, ratings and starts of Visits, as block_grid sorts.
    users, items, ratings = map(np.asarray, problem.train.columns)
    size = grid_size(problem, hyper.rank)
    block_of = []
    for ids, n in ((users, problem.n_users), (items, problem.n_items)):
        cuts = range_cuts(_degrees(ids, n), size)
        block_of.append(np.repeat(np.arange(size, dtype=np.int32), np.diff(cuts)))
    block_of[0] *= size
    starts, places = _places(users, items, *block_of, size * size, 4 * get_num_threads())
    centred = np.empty(len(users), hyper.dtype)
    salt = visit_salt(hyper.seed)
    by_block = _by_block((users, items, ratings), problem.mean, centred, *block_of, places, salt)
    return *_by_key(by_block, starts), starts


@njit(cache=True, nogil=True)
def _degrees(ids, n):
    degrees = np.zeros(n, np.int64)
    for i in ids:
        degrees[i] += 1
    return degrees


@njit(cache=True, nogil=True, parallel=True)
def _places(users, items, row_of, column_of, blocks, chunks):
    # Where each chunk of the ratings puts its first one of each block: (chunks, blocks).
    counts = np.zeros((chunks, blocks), np.int64)
    n = len(users)
    for chunk in prange(chunks):
        for t in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            counts[chunk, row_of[users[t]] + column_of[items[t]]] += 1
    starts = np.zeros(blocks + 1, np.int64)
    for block in range(blocks):
        place = starts[block]
        for chunk in range(chunks):
            count = counts[chunk, block]
            counts[chunk, block] = place
            place += count
        starts[block + 1] = place
    return starts, counts


@njit(cache=True, nogil=True, parallel=True)
def _by_block(data, mean, centred, row_of, column_of, places, salt):
    # Stable counting sort by block; adds each rating's key.
    users, items, ratings = data
    n, chunks = len(users), len(places)
    to_users, to_items = np.empty(n, np.uint32), np.empty(n, np.uint32)
    keys = np.empty(n, np.uint16)
    for chunk in prange(chunks):
        for t in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            u, i = users[t], items[t]
            block = row_of[u] + column_of[i]
            to = places[chunk, block]
            places[chunk, block] = to + 1
            to_users[to], to_items[to], centred[to] = u, i, ratings[t] - mean
            keys[to] = _key(np.uint64(u), np.uint64(i), salt)
    return to_users, to_items, centred, keys


@njit(cache=True, nogil=True, parallel=True)
def _by_key(data, starts):
    # Stable counting sort by key inside each block.
    users, items, ratings, keys = data
    to_users, to_items = np.empty_like(users), np.empty_like(items)
    to_ratings = np.empty_like(ratings)
    for block in prange(len(starts) - 1):
        place = np.zeros(KEYS + 1, np.int64)
        for t in range(starts[block], starts[block + 1]):
            place[keys[t] + 1] += 1
        place[0] = starts[block]
        for key in range(KEYS):
            place[key + 1] += place[key]
        for t in range(starts[block], starts[block + 1]):
            to = place[keys[t]]
            place[keys[t]] = to + 1
            to_users[to], to_items[to], to_ratings[to] = users[t], items[t], ratings[t]
    return to_users, to_items, to_ratings
