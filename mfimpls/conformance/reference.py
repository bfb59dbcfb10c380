"""The update rules of docs/objective.md, written as plainly as they are there.

Backends are judged against these and not against one another. Both are correct backends too, only
slow ones: they form every sum over the full tables. The keywords are seams at which a suspect or a
mutant changes one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import numpy as np
from numpy.typing import NDArray

from mfimpls.contract import Array, Factors, Fit, Hyper, Problem, Snapshot
from mfimpls.masks import Masks
from mfimpls.orders import epoch_orders

CG_STEPS = 3

Rows = NDArray[np.int64]
Orders = Callable[[Problem, Hyper], Iterator[Rows]]
BatchGradient = Callable[..., Factors]  # of problem, hyper, factors, batch; keep with dropout
Solve = Callable[[Hyper, Array, Array, Array], tuple[Array, float]]
Sweep = Callable[[Problem, Hyper, Factors], None]


def batch_gradient(
    problem: Problem, hyper: Hyper, factors: Factors, batch: Rows, keep: Array | float = 1.0
) -> Factors:
    """Gradient of half the batch's summands of J, summed per row; `batch` (B,) indexes train,
    `keep` (B, rank) is its dropout mask.
    """
    users, items, ratings = (column[batch] for column in problem.train.columns)
    P, Q, b, c = factors.arrays
    p, q, b_u, c_i = P[users], Q[items], b[users], c[items]
    interaction = np.einsum("nk,nk->n", p, keep * q)
    e = (ratings - (problem.mean + b_u + c_i + interaction)).astype(P.dtype)
    g = Factors(*(np.zeros_like(a) for a in factors.arrays))
    np.add.at(g.P, users, hyper.reg * p - e[:, None] * keep * q)
    np.add.at(g.Q, items, hyper.reg * q - e[:, None] * keep * p)
    if hyper.biases:
        np.add.at(g.b, users, hyper.reg_bias * b_u - e)
        np.add.at(g.c, items, hyper.reg_bias * c_i - e)
    return g


def step(
    optimizer: str, g: Array, lr: float, s: int, m: Array, v: Array
) -> tuple[Array, Array, Array]:
    """What to subtract from the touched rows (n, k), and their new state m, v, in step s from 1."""
    if optimizer == "adagrad":
        v = v + g**2
        return lr * g / (np.sqrt(v) + 1e-10), m, v
    if optimizer == "rowwise_adagrad":
        return lr * g / np.sqrt(v), m, v + (g**2).mean(axis=1, keepdims=True)
    if optimizer == "adam":
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        scale = np.sqrt(1 - 0.999**s) / (1 - 0.9**s)
        return lr * scale * m / (np.sqrt(v) + 1e-8), m, v
    return lr * g, m, v


def sgd(
    problem: Problem,
    hyper: Hyper,
    init: Factors,
    *,
    gradient: BatchGradient = batch_gradient,
    orders: Orders = epoch_orders,
) -> Iterator[Snapshot]:
    """Stochastic gradient descent with any batch and optimizer, in hyper.dtype."""
    factors = init.copy(hyper.dtype)
    tables = [a.reshape(len(a), -1) for a in factors.arrays]  # views: a bias is a row of one
    first_v = 1.0 if hyper.optimizer == "rowwise_adagrad" else 0.0
    states = [(np.zeros_like(x), np.full_like(x, first_v)) for x in tables]
    steps = count(1)
    yield factors.copy
    for epoch, order in enumerate(orders(problem, hyper)):
        lr = hyper.lr * hyper.decay**epoch
        for batch in np.split(order, range(hyper.batch, len(order), hyper.batch)):
            masked = {"keep": Masks(hyper, epoch, batch)[:]} if hyper.dropout else {}
            s, g = next(steps), gradient(problem, hyper, factors, batch, **masked)
            users, items = (np.unique(ids[batch]) for ids in problem.train.columns[:2])
            for x, grad, (m, v), rows in zip(tables, g.arrays, states, (users, items) * 2):
                change, m[rows], v[rows] = step(
                    hyper.optimizer, grad.reshape(x.shape)[rows], lr, s, m[rows], v[rows]
                )
                x[rows] -= change
        yield factors.copy


def ridge(hyper: Hyper, X: Array, y: Array, start: Array) -> tuple[Array, float]:
    """Minimise sum (y - X p - b)^2 + n (reg |p|^2 + reg_bias b^2); X (n, rank), y (n,). The row's
    p at the `start` (rank,) does not matter.
    """
    n, rank = X.shape
    weights = np.full(rank + hyper.biases, hyper.reg)
    weights[rank:] = hyper.reg_bias
    X = np.column_stack([X, np.ones((n, int(hyper.biases)))])
    z = np.linalg.solve(X.T @ X + n * np.diag(weights), X.T @ y)
    return z[:rank], float(z[rank:].sum())


def conjugate_gradients(hyper: Hyper, X: Array, y: Array, start: Array) -> tuple[Array, float]:
    """The same minimum approached from `start` in a few steps; b is the best for their p."""
    n, s = len(y), X.sum(axis=0)
    share = hyper.biases / (n + n * hyper.reg_bias)
    A = X.T @ X - share * np.outer(s, s) + n * hyper.reg * np.eye(len(s))
    p, r = start.copy(), X.T @ y - share * y.sum() * s - A @ start
    d = r
    for _ in range(int(hyper.options.get("steps", CG_STEPS))):
        if not d @ A @ d > 0:
            break
        along, before = (r @ r) / (d @ A @ d), r @ r
        p, r = p + along * d, r - along * A @ d
        d = r + (r @ r) / before * d
    return p, float(share * (y.sum() - s @ p))


def als_sweep(problem: Problem, hyper: Hyper, factors: Factors, *, solve: Solve = ridge) -> None:
    """The users' half-sweep, then the items', in place."""
    users, items, ratings = problem.train.columns
    P, Q, b, c = factors.arrays
    target = ratings.astype(np.float64) - problem.mean
    for u in np.unique(users):
        mine = items[users == u]
        P[u], b[u] = solve(hyper, Q[mine], target[users == u] - c[mine], P[u])
    for i in np.unique(items):
        mine = users[items == i]
        Q[i], c[i] = solve(hyper, P[mine], target[items == i] - b[mine], Q[i])


def als(
    problem: Problem, hyper: Hyper, init: Factors, *, sweep: Sweep = als_sweep
) -> Iterator[Snapshot]:
    """Alternating least squares over the observed ratings."""
    factors = init.copy(hyper.dtype)
    yield factors.copy
    while True:
        sweep(problem, hyper, factors)
        yield factors.copy


als_cg = partial(als, sweep=partial(als_sweep, solve=conjugate_gradients))

PATHS: dict[str, Fit] = {"sgd": sgd, "als": als, "als_cg": als_cg}
"""Every path that has a written definition."""
