"""The usual mistakes: where each would lead, so that a failing backend can be told its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from mfimpls.conformance.reference import (
    PATHS,
    Rows,
    als,
    als_sweep,
    batch_gradient,
    ridge,
    sgd,
)
from mfimpls.contract import OPTIMIZERS, Array, Factors, Fit, Hyper, Problem, Ratings
from mfimpls.objective import counts
from mfimpls.orders import epoch_orders


def suspects(path: str, hyper: Hyper) -> Iterator[tuple[str, Fit, Hyper]]:
    """What ends the sentence "It walks as if ...", and the walk that would be."""
    for what, changes in _other_settings(path, hyper).items():
        yield what, PATHS[path], replace(hyper, **changes)
    if hyper.dropout:  # the other suspects are written without it
        return
    for what, fit in (SGD_SUSPECTS if path == "sgd" else ALS_SUSPECTS).items():
        yield what, fit, hyper


def _other_settings(path: str, hyper: Hyper) -> dict[str, dict[str, Any]]:
    reg, reg_bias, lr = hyper.reg, hyper.reg_bias, hyper.lr
    found: dict[str, dict[str, Any]] = {
        "the penalty were dropped": {"reg": 0.0, "reg_bias": 0.0},
        "the penalty were doubled": {"reg": 2 * reg, "reg_bias": 2 * reg_bias},
        "the penalty were halved": {"reg": reg / 2, "reg_bias": reg_bias / 2},
        "the penalty on P and Q were missing": {"reg": 0.0},
        "the penalty on b and c were missing: it is reg_bias": {"reg_bias": 0.0},
        "reg were used for b and c too: their penalty is reg_bias": {"reg_bias": reg},
        f"biases={not hyper.biases} had been asked for": {"biases": not hyper.biases},
    }
    if path == "sgd":
        found |= {
            "the gradient were doubled: a step follows half the summands of J": {"lr": 2 * lr},
            "the gradient were halved": {"lr": lr / 2},
            "lr did not decay": {"decay": 1.0},
            "batch=1 had been asked for": {"batch": 1},
            "nothing were dropped": {"dropout": 0.0},
        }
        found |= {f"the optimizer were {o}": {"optimizer": o} for o in OPTIMIZERS}
    return found


def sequential_pair(problem: Problem, hyper: Hyper, factors: Factors, batch: Rows) -> Factors:
    """The gradient with q_i's side taken after p_u's step; exact in epoch 0, for batch=1."""
    g = batch_gradient(problem, hyper, factors, batch)
    moved = replace(factors, P=factors.P - hyper.lr * g.P)
    users, items = problem.train.users[batch], problem.train.items[batch]
    q = factors.Q[items]
    # g.Q = reg q - e p, hence e from the side that is still right: g.P = reg p - e q.
    e = np.einsum("nk,nk->n", hyper.reg * factors.P[users] - g.P[users], q)
    e /= np.einsum("nk,nk->n", q, q)
    g.Q[items] = hyper.reg * q - e[:, None] * moved.P[users]
    return g


def averaged_gradient(problem: Problem, hyper: Hyper, factors: Factors, batch: Rows) -> Factors:
    """The gradient of the batch's mean."""
    g = batch_gradient(problem, hyper, factors, batch)
    return Factors(*(a / len(batch) for a in g.arrays))


def per_entity_gradient(problem: Problem, hyper: Hyper, factors: Factors, batch: Rows) -> Factors:
    """The gradient with each row's penalty shared out among its ratings."""
    g = batch_gradient(problem, replace(hyper, reg=0.0, reg_bias=0.0), factors, batch)
    n_u, n_i = counts(problem)
    regs = (hyper.reg, hyper.reg, hyper.reg_bias, hyper.reg_bias)
    ids = (problem.train.users[batch], problem.train.items[batch]) * 2
    for grad, x, n, reg, rows in zip(g.arrays, factors.arrays, (n_u, n_i) * 2, regs, ids):
        share = n[rows].reshape(-1, *[1] * (x.ndim - 1))
        np.add.at(grad, rows, reg * x[rows] / share)
    return g


def file_order(problem: Problem, hyper: Hyper) -> Iterator[Rows]:
    return repeat(np.arange(len(problem.train)))


def first_order(problem: Problem, hyper: Hyper) -> Iterator[Rows]:
    return repeat(next(epoch_orders(problem, hyper)))


def per_entity_ridge(hyper: Hyper, X: Array, y: Array, start: Array) -> tuple[Array, float]:
    n = len(X)
    return ridge(replace(hyper, reg=hyper.reg / n, reg_bias=hyper.reg_bias / n), X, y, start)


def zero_filled_sweep(problem: Problem, hyper: Hyper, factors: Factors) -> None:
    """A sweep over all cells, the unrated ones as ratings of zero."""
    R = np.zeros((problem.n_users, problem.n_items), np.float32)
    R[problem.train.users, problem.train.items] = problem.train.ratings
    users, items = np.divmod(np.arange(R.size), problem.n_items)
    als_sweep(replace(problem, train=Ratings.of(users, items, R.ravel())), hyper, factors)


def items_first_sweep(problem: Problem, hyper: Hyper, factors: Factors) -> None:
    users, items, ratings = problem.train.columns
    transposed = replace(problem, train=Ratings(items, users, ratings))
    als_sweep(transposed, hyper, Factors(factors.Q, factors.P, factors.c, factors.b))


def simultaneous_sweep(problem: Problem, hyper: Hyper, factors: Factors) -> None:
    """Both sides solved from the old values of the other."""
    items_side = factors.copy()
    als_sweep(problem, hyper, factors)
    items_first_sweep(problem, hyper, items_side)
    factors.Q[:], factors.c[:] = items_side.Q, items_side.c


SGD_SUSPECTS: dict[str, Fit] = {
    "q_i were updated from the new p_u: take both from the old": partial(
        sgd, gradient=sequential_pair
    ),
    "the penalty were counted once per user and item: it counts once per rating": partial(
        sgd, gradient=per_entity_gradient
    ),
    "a batch's gradients were averaged: they are summed": partial(sgd, gradient=averaged_gradient),
    "the ratings were visited in file order: take the order from epoch_orders": partial(
        sgd, orders=file_order
    ),
    "every epoch had the order of the first": partial(sgd, orders=first_order),
}
ALS_SUSPECTS: dict[str, Fit] = {
    "the penalty were counted once per user and item: multiply it by the row's count": partial(
        als, sweep=partial(als_sweep, solve=per_entity_ridge)
    ),
    "unrated cells were ratings of zero": partial(als, sweep=zero_filled_sweep),
    "items were solved before users": partial(als, sweep=items_first_sweep),
    "items were solved from the old users": partial(als, sweep=simultaneous_sweep),
}
