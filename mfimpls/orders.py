"""Sample order is data too: where a seed starts, and in which order it visits the ratings.

Two backends on one path that follow the same order can be compared number by number. There are two
orders:

- `shuffle`: epoch t visits the ratings in a uniformly random permutation drawn from (seed, t).
- `blocks`: users and items are cut into g contiguous ranges each, which makes g x g blocks. Round k
  of an epoch holds the g blocks (i, (i + k) mod g), which share no user and no item, so a round
  gives the same bits whether its blocks run one after another or at once. Epoch t visits the rounds
  in a random order drawn from (seed, t); inside a block the ratings keep one order: those of the
  first 64 users, then of the next 64, each lot by a hash of (seed, user, item). So few rows of P
  are in use at a time, consecutive ratings seldom share one, and the order costs a counting sort.
  The grid depends on the problem and the rank, never on the number of threads (Gemulla et al. 2011,
  doi:10.1145/2020408.2020426).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from mfimpls.contract import Factors, Hyper, Problem

# A block's rows, in float32, fit a core's share of the last-level cache. Blocks that fit the second
# level lose more by changing blocks than they save (docs/performance.md).
ROW_BYTES_PER_BLOCK = 4 * 2**20
MIN_GRID, MAX_GRID = 16, 128

USERS_AT_A_TIME = 64
_ODD = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)))


def initial_factors(problem: Problem, hyper: Hyper) -> Factors:
    """The one start handed to every backend: P, Q ~ N(0, init_std^2) drawn in float64 from `seed`,
    b = c = 0; read-only.
    """
    rng = np.random.default_rng([hyper.seed, 0x1417])
    P = rng.normal(0.0, hyper.init_std, (problem.n_users, hyper.rank)).astype(hyper.dtype)
    Q = rng.normal(0.0, hyper.init_std, (problem.n_items, hyper.rank)).astype(hyper.dtype)
    b, c = np.zeros(problem.n_users, hyper.dtype), np.zeros(problem.n_items, hyper.dtype)
    return Factors(P, Q, b, c).frozen()


def epoch_orders(problem: Problem, hyper: Hyper) -> Iterator[NDArray[np.int64]]:
    """For epochs 0, 1, ... the order (n,) in which to visit problem.train, a permutation of 0 ..
    n-1.
    """
    if hyper.order == "shuffle":
        for epoch in count():
            yield shuffle(len(problem.train), hyper.seed, epoch)
    grid = block_grid(problem, hyper)
    for epoch in count():
        blocks = block_rounds(grid.size, hyper.seed, epoch).ravel()
        yield np.concatenate([grid.order[grid.starts[i] : grid.starts[i + 1]] for i in blocks])


def shuffle(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The `shuffle` order of one epoch, (n,)."""
    return np.random.default_rng([seed, 0x5AFF, epoch]).permutation(n)


@dataclass(frozen=True, slots=True)
class BlockGrid:
    """Ratings sorted by block. Block i * size + j holds order[starts[i * size + j] : starts[i *
    size + j + 1]].

    order (n,) int64, starts (size * size + 1,) int64; user_cuts and item_cuts (size + 1,) int64
    bound the ranges of ids.
    """

    size: int
    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    user_cuts: NDArray[np.int64]
    item_cuts: NDArray[np.int64]


def grid_size(problem: Problem, rank: int) -> int:
    """Blocks per side: a power of two so that a block's rows fit the cache, but no more than there
    are users or items.
    """
    rows = problem.n_users + problem.n_items
    wanted = rows * (rank + 1) * 4 / ROW_BYTES_PER_BLOCK
    size = MIN_GRID
    while size < min(wanted, MAX_GRID):
        size *= 2
    return max(1, min(size, problem.n_users, problem.n_items))


def block_grid(problem: Problem, hyper: Hyper) -> BlockGrid:
    """Cut ids into ranges of about equally many ratings and sort the training ratings by block."""
    train, size = problem.train, grid_size(problem, hyper.rank)
    user_cuts = range_cuts(np.bincount(train.users, minlength=problem.n_users), size)
    item_cuts = range_cuts(np.bincount(train.items, minlength=problem.n_items), size)
    rows = np.repeat(np.arange(size, dtype=np.int16), np.diff(user_cuts))
    columns = np.repeat(np.arange(size, dtype=np.int16), np.diff(item_cuts))
    block = rows[train.users] * np.int16(size) + columns[train.items]
    keys = visit_key(
        train.users.astype(np.uint64), train.items.astype(np.uint64), visit_salt(hyper.seed)
    )
    order = np.lexsort((keys, block))
    starts = np.concatenate([[0], np.cumsum(np.bincount(block, minlength=size * size))])
    return BlockGrid(size, order, starts, user_cuts, item_cuts)


def range_cuts(degrees: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Bounds (size + 1,) of `size` ranges of ids with about equally many ratings each, from the
    ratings per id.
    """
    # Range k ends at the id whose cumulative count comes nearest above k/size of all ratings.
    ratings_up_to = np.cumsum(degrees)
    shares = ratings_up_to[-1] * np.arange(1, size) / size
    inner = np.minimum(np.searchsorted(ratings_up_to, shares) + 1, len(degrees))
    return np.concatenate([[0], inner, [len(degrees)]]).astype(np.int64)


def visit_salt(seed: int) -> np.uint64:
    """What `seed` contributes to `visit_key`."""
    return np.random.default_rng([seed, 0xB10C]).integers(2**64, dtype=np.uint64)


def visit_key(
    users: NDArray[np.uint64], items: NDArray[np.uint64], salt: np.uint64
) -> NDArray[np.uint64]:
    """Where a rating stands inside its block, ties in the order of the training part: its user's
    number with the last 6 bits replaced by a hash.

    A multiply-xorshift hash of uint64 ids, the same lines for an array and for a compiled scalar.
    """
    mixed = (users * _ODD[0] + items * _ODD[1]) ^ salt
    mixed = ((mixed ^ (mixed >> np.uint64(32))) * _ODD[2]) >> np.uint64(58)
    key: NDArray[np.uint64] = users - users % np.uint64(USERS_AT_A_TIME) + mixed
    return key


def block_rounds(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Blocks of one epoch, (size, size): row k holds the blocks of the k-th round visited, which
    share no user and no item.
    """
    shifts = np.random.default_rng([seed, 0xB10C, epoch]).permutation(size)
    i = np.arange(size)
    return i * size + (i + shifts[:, None]) % size


def order_sha256(problem: Problem, hyper: Hyper) -> str:
    """Hash of the first epoch's order: equal hashes mean that two runs visit the ratings alike."""
    return hashlib.sha256(next(epoch_orders(problem, hyper)).tobytes()).hexdigest()


def factors_sha256(factors: Factors) -> str:
    """Hash of the bytes of P, Q, b and c."""
    digest = hashlib.sha256()
    for a in factors.arrays:
        digest.update(np.ascontiguousarray(a).data)
    return digest.hexdigest()
