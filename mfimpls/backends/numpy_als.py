"""Exact ALS in NumPy over observed ratings only, with biases (Zhou et al. 2008, ALS-WR).

Rows of about the same number of ratings are solved together: their ratings are padded to one
length, so that Gram matrices and solutions are batched products and batched solves.
"""

from __future__ import annotations

import numpy as np

from mfimpls.contract import Factors, backend

CHUNK_VALUES = 2**22  # of gathered factors per batched product


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


def groups(rows, columns, targets, n_rows, n_columns):
    """Rows with their ratings, as (rows (m,), columns (m, d), targets (m, d), degrees (m,)) per
    group.

    Degrees within a group differ by less than a quarter; places past a row's degree hold the column
    n_columns, which stands for a row of zeros, and the target 0.
    """
    by_row = np.argsort(rows, kind="stable")
    degrees = np.bincount(rows, minlength=n_rows)
    first = np.cumsum(degrees) - degrees
    size_class = np.ceil(np.log(np.maximum(degrees, 1)) / np.log(1.25)).astype(int)
    for_group = [np.flatnonzero((size_class == k) & (degrees > 0)) for k in np.unique(size_class)]
    return [
        padded(group, first, degrees, columns[by_row], targets[by_row], n_columns)
        for group in for_group
        if len(group)
    ]


def padded(group, first, degrees, columns, targets, n_columns):
    degree = degrees[group]
    place = np.arange(degree.max())
    inside = place < degree[:, None]
    at = np.where(inside, first[group, None] + place, 0)
    return group, np.where(inside, columns[at], n_columns), targets[at] * inside, degree


def half_sweep(groups, P, b, Q, c, hyper):
    """Minimise J over P and b with Q and c fixed."""
    biases, rank = hyper.biases, hyper.rank
    # x_i = [q_i, 1]; the last row of X and of c stands for padding.
    X = np.zeros((len(Q) + 1, rank + biases), Q.dtype)
    X[:-1, :rank], X[:-1, rank:] = Q, 1
    offsets = np.append(c, c.dtype.type(0))
    ridge = np.diag([hyper.reg] * rank + [hyper.reg_bias] * biases).astype(Q.dtype)
    for rows, columns, targets, degrees in groups:
        step = max(1, CHUNK_VALUES // (columns.shape[1] * X.shape[1]))
        for chunk in (slice(k, k + step) for k in range(0, len(rows), step)):
            x = X[columns[chunk]]
            y = targets[chunk] - offsets[columns[chunk]]
            xt = x.transpose(0, 2, 1)
            gram = xt @ x + degrees[chunk, None, None].astype(Q.dtype) * ridge
            z = np.linalg.solve(gram, xt @ y[:, :, None])[:, :, 0]
            P[rows[chunk]] = z[:, :rank]
            if biases:
                b[rows[chunk]] = z[:, rank]
