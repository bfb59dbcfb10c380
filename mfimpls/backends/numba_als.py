"""Alternating least squares, exact over the observed ratings, compiled by Numba.

Every row solves its own (rank + 1) system, so rows run in parallel and the bits don't depend on the
number of threads. The bias is eliminated first: with s = sum x, v = sum t x over a row's n ratings
and alpha = n (1 + reg_bias),

    (sum x x' - s s' / alpha + n reg I) p = v - s sum(t) / alpha,        b = (sum(t) - s'p) / alpha

(Zhou et al. 2008, doi:10.1007/978-3-540-68880-8_32.)
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from mfimpls.backends._vector import padded
from mfimpls.contract import Factors, backend


class Rows(NamedTuple):
    """Training ratings by row (user or item): row u holds others[starts[u]:starts[u + 1]] and
    targets likewise, ratings less the mean; by_degree lists the rows, heaviest first.
    """

    starts: Any
    others: Any
    targets: Any
    by_degree: Any


@backend("numba_als", path="als", monotone=True, deterministic=True)
def numba_als(problem, hyper, init):
    """Exact ALS in Numba, rows in parallel, own Gram and Cholesky."""
    P, Q = padded(init.P, hyper.dtype), padded(init.Q, hyper.dtype)
    b, c = init.b.astype(hyper.dtype), init.c.astype(hyper.dtype)
    train = problem.train
    targets = (train.ratings.astype(np.float64) - problem.mean).astype(hyper.dtype)
    users = _rows(train.users, train.items, targets, problem.n_users)
    items = _rows(train.items, train.users, targets, problem.n_items)
    number = np.dtype(hyper.dtype).type
    reg, reg_bias = number(hyper.reg), number(hyper.reg_bias)

    def snapshot():
        return Factors(P[:, : hyper.rank].copy(), Q[:, : hyper.rank].copy(), b.copy(), c.copy())

    yield snapshot
    while True:
        _half_sweep(users, P, b, Q, c, (hyper.rank, reg, reg_bias, hyper.biases))
        _half_sweep(items, Q, c, P, b, (hyper.rank, reg, reg_bias, hyper.biases))
        yield snapshot


def _rows(ids, others, targets, n):
    order = np.argsort(ids, kind="stable")
    degree = np.bincount(ids, minlength=n)
    starts = np.concatenate([[0], np.cumsum(degree)])
    by_degree = np.argsort(-degree, kind="stable")
    return Rows(starts, others[order].astype(np.uint32), targets[order], by_degree)


@njit(cache=True, parallel=True, nogil=True)
def _half_sweep(rows, P, b, Q, c, objective):
    rank, reg, reg_bias, biases = objective
    for j in prange(len(rows.by_degree)):
        u = rows.by_degree[j]
        start, stop = rows.starts[u], rows.starts[u + 1]
        n = stop - start
        if n > 0:
            S = np.zeros((rank, rank), P.dtype)
            s, v, sum_t = np.zeros(rank, P.dtype), np.zeros(rank, P.dtype), P.dtype.type(0)
            for t in range(start, stop):
                q, target = Q[rows.others[t]], rows.targets[t] - c[rows.others[t]]
                sum_t += target
                for k in range(rank):
                    s[k] += q[k]
                    v[k] += target * q[k]
                    for l in range(rank):
                        S[k, l] += q[k] * q[l]
            alpha = n * (1 + reg_bias)
            if biases:
                for k in range(rank):
                    v[k] -= s[k] * sum_t / alpha
                    for l in range(rank):
                        S[k, l] -= s[k] * s[l] / alpha
            for k in range(rank):
                S[k, k] += n * reg
            p = np.linalg.solve(S, v)
            for k in range(rank):
                P[u, k] = p[k]
            if biases:
                b[u] = (sum_t - np.dot(s, p)) / alpha
