"""Which users rate which items in synthetic data: unique pairs with skewed margins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.problems.table import Array

DENSE_CELLS = 1 << 22  # keys drawn at once for the most active users
SPARSE_SHARE = 10  # a user of fewer than items / 10 ratings is drawn by rejection


def degrees(ratings: int, users: int, items: int, sigma: float, rng: np.random.Generator) -> Array:
    """Ratings per user, (users,) int64: log-normal, at least 1 where there are enough ratings, at
    most `items`, and `ratings` in sum.
    """
    activity = np.exp(sigma * rng.standard_normal(users))
    least = 1 if ratings >= users else 0
    low, high = 0.0, items / activity.min()
    for _ in range(100):  # bisection on the one scale that gives the sum
        scale = (low + high) / 2
        too_many = np.clip(scale * activity, least, items).sum() > ratings
        low, high = (low, scale) if too_many else (scale, high)
    wanted = np.clip(low * activity, least, items)
    whole = np.floor(wanted).astype(np.int64)
    missing = ratings - int(whole.sum())
    room = np.argsort(whole - wanted, kind="stable")  # the largest fractions first
    room = room[whole[room] < items]
    whole[room[:missing]] += 1
    return whole


def distinct_items(per_user: Array, popularity: Array, rng: np.random.Generator) -> Array:
    """For each user in turn, `per_user` different items drawn one after another without
    replacement with probabilities `popularity`; (sum of per_user,) int32, sorted within a user.
    """
    many = per_user * SPARSE_SHARE >= len(popularity)
    items = np.empty(int(per_user.sum()), np.int32)
    of_many = np.repeat(many, per_user)
    items[~of_many] = _by_rejection(per_user[~many], popularity, rng)
    items[of_many] = _by_keys(per_user[many], popularity, rng)
    return items


def _by_rejection(per_user: Array, popularity: Array, rng: np.random.Generator) -> Array:
    # Draw with replacement, drop repeats, draw again what is missing: never one too many, so each
    # user ends with the first distinct items of one endless sequence.
    n_items = len(popularity)
    cumulative = np.cumsum(popularity)
    cumulative[-1] = 1.0
    finished, pairs = [], np.empty(0, np.int64)
    missing = per_user.copy()
    while missing.any():
        drawn = np.searchsorted(cumulative, rng.random(int(missing.sum())), side="right")
        drawn += np.repeat(np.arange(len(missing)), missing) * n_items
        pairs = _distinct(np.concatenate([pairs, drawn]))
        missing = np.where(missing > 0, per_user - _counts(pairs, n_items, len(missing)), 0)
        open_ = missing[pairs // n_items] > 0
        finished.append(pairs[~open_])
        pairs = pairs[open_]
    return (np.sort(np.concatenate([pairs, *finished])) % n_items).astype(np.int32)


def _distinct(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    # Sorted and unique in a tenth of the time that np.unique's hash table takes.
    pairs.sort()
    is_new = np.ones(len(pairs), bool)
    np.not_equal(pairs[1:], pairs[:-1], out=is_new[1:])
    return pairs[is_new]


def _counts(pairs: Array, n_items: int, n_users: int) -> Array:
    return np.bincount(pairs // n_items, minlength=n_users)


def _by_keys(per_user: Array, popularity: Array, rng: np.random.Generator) -> Array:
    # Efraimidis and Spirakis (2006), doi:10.1016/j.ipl.2005.11.003: the k smallest of
    # Exp(1) / popularity are k successive draws without replacement.
    chosen = [np.empty(0, np.int32)]
    step = max(1, DENSE_CELLS // len(popularity))
    for first in range(0, len(per_user), step):
        counts = per_user[first : first + step]
        keys = rng.standard_exponential((len(counts), len(popularity)), np.float32)
        order = np.argsort(keys / popularity.astype(np.float32), axis=1)
        taken = np.zeros(order.shape, bool)
        np.put_along_axis(taken, order, np.arange(order.shape[1]) < counts[:, None], axis=1)
        chosen.append(np.nonzero(taken)[1].astype(np.int32))
    return np.concatenate(chosen)
