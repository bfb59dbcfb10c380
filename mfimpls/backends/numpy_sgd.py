"""Hand-derived SGD in NumPy: the readable reference for the per-rating and the mini-batch path.

The gradients and the four optimisers are those of docs/objective.md. A table is a matrix whose rows
are parameters that move together: P, Q and, as one-column tables, b and c.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from mfimpls.contract import OPTIMIZERS, backend
from mfimpls.masks import Masks
from mfimpls.orders import epoch_orders


@backend(
    "numpy_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order", "dropout"),
    optimizers=OPTIMIZERS,
    orders=("shuffle", "blocks"),
)
def numpy_sgd(problem, hyper, init):
    """Hand-derived SGD in NumPy, one rating at a time (batch=1) or in vectorised mini-batches."""
    factors = init.copy(hyper.dtype)
    tables = factors.P, factors.Q, factors.b[:, None], factors.c[:, None]
    moves = [RULES[hyper.optimizer](table) for table in tables]
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean
    walk = per_rating if hyper.batch == 1 else mini_batch

    yield factors.copy
    steps = 0
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        lr = hyper.lr * hyper.decay**epoch
        data = users[order], items[order], targets[order], Masks(hyper, epoch, order)
        steps = walk(data, factors, hyper, moves, lr, steps)
        yield factors.copy


def per_rating(data, factors, hyper, moves, lr, steps):
    P, Q, b, c = factors.arrays
    move_P, move_Q, move_b, move_c = moves
    reg, reg_bias = hyper.reg, hyper.reg_bias
    *columns, masks = data
    for u, i, r, keep in zip(*(column.tolist() for column in columns), masks):
        steps += 1
        p, q = P[u], Q[i]
        for_p, for_q = (q, p) if keep is None else (keep * q, keep * p)
        e = r - b[u] - c[i] - p @ for_p
        dp, dq = reg * p - e * for_p, reg * q - e * for_q
        move_P(u, dp, lr, steps)
        move_Q(i, dq, lr, steps)
        if hyper.biases:
            db, dc = reg_bias * b[u] - e, reg_bias * c[i] - e
            move_b(u, db, lr, steps)
            move_c(i, dc, lr, steps)
    return steps


def mini_batch(data, factors, hyper, moves, lr, steps):
    P, Q, b, c = factors.arrays
    move_P, move_Q, move_b, move_c = moves
    for start in range(0, len(data[0]), hyper.batch):
        steps += 1
        u, i, r, keep = (column[start : start + hyper.batch] for column in data)
        p, q = P[u], Q[i]
        e = r - b[u] - c[i] - np.einsum("nk,nk->n", p, q if keep is None else keep * q)
        # The batch as a small matrix of errors: one row per user in it, one column per item in it.
        rows, u, n_u = np.unique(u, return_inverse=True, return_counts=True)
        columns, i, n_i = np.unique(i, return_inverse=True, return_counts=True)
        E = sparse.csr_array((e, (u, i)), shape=(len(rows), len(columns)))
        n_u, n_i = n_u[:, None].astype(e.dtype), n_i[:, None].astype(e.dtype)
        if keep is not None:  # each rating has a mask of its own: sum over visits, not over cells
            visits = np.arange(len(e))
            for_P = sparse.csr_array((e, (u, visits))) @ (keep * q)
            for_Q = sparse.csr_array((e, (i, visits))) @ (keep * p)
        else:
            for_P, for_Q = E @ Q[columns], E.T @ P[rows]
        dP = hyper.reg * n_u * P[rows] - for_P
        dQ = hyper.reg * n_i * Q[columns] - for_Q
        move_P(rows, dP, lr, steps)
        move_Q(columns, dQ, lr, steps)
        if hyper.biases:
            move_b(rows, hyper.reg_bias * n_u * b[rows, None] - E.sum(axis=1)[:, None], lr, steps)
            move_c(
                columns, hyper.reg_bias * n_i * c[columns, None] - E.sum(axis=0)[:, None], lr, steps
            )
    return steps


# Each optimiser takes a table x (n, k) and returns move(rows, g, lr, steps), which steps x[rows]
# against
# its gradient g; rows is one index or an array of distinct ones, steps counts from 1.


def sgd(x):
    def move(rows, g, lr, steps):
        x[rows] -= lr * g

    return move


def adagrad(x):
    A = np.zeros_like(x)

    def move(rows, g, lr, steps):
        A[rows] += g * g
        x[rows] -= lr * g / (np.sqrt(A[rows]) + 1e-10)

    return move


def rowwise_adagrad(x):
    A = np.ones((len(x), 1), x.dtype)

    def move(rows, g, lr, steps):
        x[rows] -= lr * g / np.sqrt(A[rows])
        A[rows] += np.atleast_1d(g * g).mean(axis=-1, keepdims=True)

    return move


def adam(x):
    m, v = np.zeros_like(x), np.zeros_like(x)

    def move(rows, g, lr, steps):
        m[rows] += 0.1 * (g - m[rows])
        v[rows] += 0.001 * (g * g - v[rows])
        size = lr * (1 - 0.999**steps) ** 0.5 / (1 - 0.9**steps)
        x[rows] -= size * m[rows] / (np.sqrt(v[rows]) + 1e-8)

    return move


RULES = {f.__name__: f for f in (sgd, adagrad, rowwise_adagrad, adam)}
