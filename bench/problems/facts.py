"""What there is to know about a problem before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.problems.table import Array
from mfimpls import Problem

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Counts and scale of a problem.

    rating_min, rating_max, rating_values  over both parts; how many distinct ratings there are
    mean, std                              of the training ratings
    per_user, per_item                     QUANTILES of the ratings of a user or item, both parts
    cold_test_rows                         test ratings whose user or item has no training rating
    mean_rmse                              test RMSE of predicting the training mean
    """

    name: str
    n_users: int
    n_items: int
    n_train: int
    n_test: int
    density: float
    rating_min: float
    rating_max: float
    rating_values: int
    mean: float
    std: float
    per_user: tuple[float, ...]
    per_item: tuple[float, ...]
    cold_test_rows: int
    mean_rmse: float
    noise_floor: float | None
    sha256: str


def describe(problem: Problem) -> Facts:
    """The facts of a problem, in one pass over each column."""
    train, test = problem.train, problem.test
    values = np.union1d(np.unique(train.ratings), np.unique(test.ratings))
    trained_users = np.bincount(train.users, minlength=problem.n_users)
    trained_items = np.bincount(train.items, minlength=problem.n_items)
    cold = (trained_users[test.users] == 0) | (trained_items[test.items] == 0)
    return Facts(
        name=problem.name,
        n_users=problem.n_users,
        n_items=problem.n_items,
        n_train=len(train),
        n_test=len(test),
        density=(len(train) + len(test)) / (problem.n_users * problem.n_items),
        rating_min=float(values[0]),
        rating_max=float(values[-1]),
        rating_values=len(values),
        mean=problem.mean,
        std=float(train.ratings.std(dtype=np.float64)),
        per_user=_quantiles(trained_users + np.bincount(test.users, minlength=problem.n_users)),
        per_item=_quantiles(trained_items + np.bincount(test.items, minlength=problem.n_items)),
        cold_test_rows=int(cold.sum()),
        mean_rmse=float(np.sqrt(np.mean((test.ratings - np.float64(problem.mean)) ** 2))),
        noise_floor=problem.noise_floor,
        sha256=problem.sha256,
    )


def _quantiles(counts: Array) -> tuple[float, ...]:
    return tuple(float(q) for q in np.quantile(counts, QUANTILES))
