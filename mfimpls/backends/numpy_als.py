"""Exact ALS in NumPy over observed ratings only, with biases (Zhou et al. 2008, ALS-WR).

Rows of about the same number of ratings are solved together: their ratings are padded to one
length, so that Gram matrices and solutions are batched products and batched solves.
"""

from __future__ import annotations

import numpy as np

from mfimpls.backends._degree_groups import chunks, groups
from mfimpls.contract import Factors, backend

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
