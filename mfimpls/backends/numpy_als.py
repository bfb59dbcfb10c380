"""Exact ALS in NumPy over observed ratings only, with biases (Zhou et al. 2008, ALS-WR).

Rows of about the same number of ratings are solved together: their ratings are padded to one
length, so that Gram matrices and solutions are batched products and batched solves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mfimpls.contract import Factors, backend

GROWTH = 1.25  # degrees in a group differ by no more, so padding adds less than a quarter
CHUNK_VALUES = 2**22  # gathered factors per batched product


@backend("numpy_als", path="als", monotone=True)
def numpy_als(problem, hyper, init):
    """Exact ALS in NumPy: normal equations of rows of similar degree, batched."""
    P, Q, b, c = init.copy(hyper.dtype).arrays
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean
    by_user = groups(users, items, targets, problem.n_users, problem.n_items)
    by_item = groups(items, users, targets, problem.n_items, problem.n_users)

    def snapshot():
        return Factors(P, Q, b, c).copy()

    yield snapshot
    while True:
        half_sweep(by_user, P, b, Q, c, hyper)
        half_sweep(by_item, Q, c, P, b, hyper)
        yield snapshot


def half_sweep(groups, P, b, Q, c, hyper):
    """Minimise J over P and b with Q and c fixed."""
    biases, rank = hyper.biases, hyper.rank
    # x_i = [q_i, 1]; the last row of X and of c stands for padding.
    X = np.zeros((len(Q) + 1, rank + biases), Q.dtype)
    X[:-1, :rank], X[:-1, rank:] = Q, 1
    offsets = np.append(c, c.dtype.type(0))
    ridge = np.diag([hyper.reg] * rank + [hyper.reg_bias] * biases).astype(Q.dtype)
    for group in groups:
        for chunk in chunks(group, X.shape[1], CHUNK_VALUES):
            rows, columns, targets, degrees = (a[chunk] for a in group)
            x = X[columns]
            xt = x.transpose(0, 2, 1)
            gram = xt @ x + degrees[:, None, None].astype(Q.dtype) * ridge
            z = np.linalg.solve(gram, xt @ (targets - offsets[columns])[:, :, None])[:, :, 0]
            P[rows] = z[:, :rank]
            if biases:
                b[rows] = z[:, rank]


class Group(NamedTuple):
    """m rows of at most d ratings each, padded to d."""

    rows: np.ndarray  # (m,) int64
    columns: np.ndarray  # (m, d) int64; n_columns where padded: the caller has zeros there
    targets: np.ndarray  # (m, d); 0 where padded
    degrees: np.ndarray  # (m,) int64, the ratings of each row


def groups(rows, columns, targets, n_rows, n_columns):
    """The rows that have ratings, as Groups of rising degree."""
    by_row = np.argsort(rows, kind="stable")
    columns, targets = columns[by_row], targets[by_row]
    degrees = np.bincount(rows, minlength=n_rows)
    first = np.cumsum(degrees) - degrees
    rated = np.flatnonzero(degrees)
    size_class = np.ceil(np.log(degrees[rated]) / np.log(GROWTH)).astype(int)
    return [
        _padded(rated[size_class == k], first, degrees, columns, targets, n_columns)
        for k in np.unique(size_class)
    ]


def _padded(rows, first, degrees, columns, targets, n_columns):
    degree = degrees[rows]
    place = np.arange(degree.max())
    inside = place < degree[:, None]
    at = np.where(inside, first[rows, None] + place, 0)
    columns = np.where(inside, columns[at], n_columns).astype(np.int64)
    return Group(rows, columns, targets[at] * inside, degree)


def chunks(group, width, values):
    """Slices of a group's rows whose gathered factors, `width` per rating, are about `values`."""
    step = max(1, values // (group.columns.shape[1] * width))
    return [slice(k, k + step) for k in range(0, len(group.rows), step)]
