"""The update rules of docs/objective.md, compiled: one per-rating step, one optimiser step per row.

A `Side` is what a rule knows of the users or of the items: their rows of P or Q, their biases, and
the optimiser's state beside each. A `Rule` holds the numbers of the current epoch.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from mfimpls.backends._vector import LANES, aligned_zeros, load, padded, root, store, total
from mfimpls.contract import OPTIMIZERS

SGD, ADAGRAD, ROWWISE_ADAGRAD, ADAM = range(4)
assert OPTIMIZERS == ("sgd", "adagrad", "rowwise_adagrad", "adam")


class Side(NamedTuple):
    """rows (n, width) and bias (n,); their optimiser's state: A, B of the rows (n, width), or (n,
    1) where it is per row; A_bias, B_bias (n,).
    """

    rows: Any
    bias: Any
    A: Any
    B: Any
    A_bias: Any
    B_bias: Any


class Rule(NamedTuple):
    """Numbers of one epoch, in the kernel's dtype; `steps` counts those of the epochs before."""

    optimizer: int
    lr: Any
    reg: Any
    reg_bias: Any
    biases: bool
    rank: int
    steps: int


def side(rows, bias, optimizer):
    """A Side that starts at copies of `rows` (n, rank) and `bias` (n,)."""
    n, dtype = len(rows), rows.dtype
    table = padded(rows, dtype)
    width = {"sgd": 0, "rowwise_adagrad": 1}.get(optimizer, table.shape[1])
    first = np.ones if optimizer == "rowwise_adagrad" else np.zeros
    A = aligned_zeros((n, width), dtype)
    A[:] = first((n, width), dtype)
    B = aligned_zeros((n, width if optimizer == "adam" else 0), dtype)
    return Side(table, bias.copy(), A, B, first(n, dtype), np.zeros(n, dtype))


@njit(_nrt=False, forceinline=True)
def error(users, items, u, i, rating):
    """e = r - rhat, where `rating` has lost the mean already."""
    P, Q = users.rows, items.rows
    dot = load(P, u, 0) * load(Q, i, 0)
    for k in range(LANES, P.shape[1], LANES):
        dot = dot + load(P, u, k) * load(Q, i, k)
    return rating - users.bias[u] - items.bias[i] - total(dot)


@njit(_nrt=False, forceinline=True)
def sgd_step(users, items, u, i, rating, rule):
    """x -= lr g for the four rows of one rating, both sides from the old values."""
    P, Q = users.rows, items.rows
    e = error(users, items, u, i, rating)
    step, keep = rule.lr * e, 1 - rule.lr * rule.reg
    for k in range(0, P.shape[1], LANES):
        p, q = load(P, u, k), load(Q, i, k)
        store(P, u, k, keep * p + step * q)
        store(Q, i, k, keep * q + step * p)
    if rule.biases:
        users.bias[u] += rule.lr * (e - rule.reg_bias * users.bias[u])
        items.bias[i] += rule.lr * (e - rule.reg_bias * items.bias[i])


@njit(_nrt=False, forceinline=True)
def rowwise_adagrad_step(users, items, u, i, rating, rule):
    """x -= lr g / sqrt(A), then A += mean(g^2), for the four rows of one rating."""
    P, Q = users.rows, items.rows
    e = error(users, items, u, i, rating)
    lr_u, lr_i = rule.lr / math.sqrt(users.A[u, 0]), rule.lr / math.sqrt(items.A[i, 0])
    squares_u = squares_i = load(P, u, 0) * 0
    for k in range(0, P.shape[1], LANES):
        p, q = load(P, u, k), load(Q, i, k)
        g, h = rule.reg * p - e * q, rule.reg * q - e * p
        store(P, u, k, p - lr_u * g)
        store(Q, i, k, q - lr_i * h)
        squares_u, squares_i = squares_u + g * g, squares_i + h * h
    users.A[u, 0] += total(squares_u) / rule.rank
    items.A[i, 0] += total(squares_i) / rule.rank
    if rule.biases:
        move_bias(users, u, rule.reg_bias * users.bias[u] - e, rule, 0)
        move_bias(items, i, rule.reg_bias * items.bias[i] - e, rule, 0)


@njit(_nrt=False, forceinline=True)
def gradient_step(users, items, u, i, rating, rule, G, steps):
    """Any optimiser's step for one rating: gradients to G (2, width), then each row moves."""
    P, Q = users.rows, items.rows
    e = error(users, items, u, i, rating)
    for k in range(0, P.shape[1], LANES):
        p, q = load(P, u, k), load(Q, i, k)
        store(G, 0, k, rule.reg * p - e * q)
        store(G, 1, k, rule.reg * q - e * p)
    move(users, u, G, 0, rule, steps)
    move(items, i, G, 1, rule, steps)
    if rule.biases:
        move_bias(users, u, rule.reg_bias * users.bias[u] - e, rule, steps)
        move_bias(items, i, rule.reg_bias * items.bias[i] - e, rule, steps)


@njit(_nrt=False, forceinline=True)
def move(one, row, G, slot, rule, steps):
    """One optimiser step of the row of P or Q whose gradient is G[slot]."""
    X, A, B = one.rows, one.A, one.B
    if rule.optimizer == SGD:
        for k in range(0, X.shape[1], LANES):
            store(X, row, k, load(X, row, k) - rule.lr * load(G, slot, k))
    elif rule.optimizer == ADAGRAD:
        for k in range(0, X.shape[1], LANES):
            g = load(G, slot, k)
            a = load(A, row, k) + g * g
            store(A, row, k, a)
            store(X, row, k, load(X, row, k) - rule.lr * g / (root(a) + 1e-10))
    elif rule.optimizer == ROWWISE_ADAGRAD:
        lr = rule.lr / math.sqrt(A[row, 0])
        squares = load(G, slot, 0) * 0
        for k in range(0, X.shape[1], LANES):
            g = load(G, slot, k)
            store(X, row, k, load(X, row, k) - lr * g)
            squares = squares + g * g
        A[row, 0] += total(squares) / rule.rank
    else:
        lr = rule.lr * warming(steps)
        for k in range(0, X.shape[1], LANES):
            g = load(G, slot, k)
            m, v = 0.9 * load(A, row, k) + 0.1 * g, 0.999 * load(B, row, k) + 0.001 * g * g
            store(A, row, k, m)
            store(B, row, k, v)
            store(X, row, k, load(X, row, k) - lr * m / (root(v) + 1e-8))


@njit(_nrt=False, forceinline=True)
def move_bias(one, row, g, rule, steps):
    """One optimiser step of the bias whose gradient is g."""
    x, A, B = one.bias, one.A_bias, one.B_bias
    if rule.optimizer == SGD:
        x[row] -= rule.lr * g
    elif rule.optimizer == ADAGRAD:
        A[row] += g * g
        x[row] -= rule.lr * g / (math.sqrt(A[row]) + 1e-10)
    elif rule.optimizer == ROWWISE_ADAGRAD:
        x[row] -= rule.lr * g / math.sqrt(A[row])
        A[row] += g * g
    else:
        A[row] = 0.9 * A[row] + 0.1 * g
        B[row] = 0.999 * B[row] + 0.001 * g * g
        x[row] -= rule.lr * warming(steps) * A[row] / (math.sqrt(B[row]) + 1e-8)


@njit(_nrt=False, forceinline=True)
def warming(steps):
    """Adam's bias correction, exactly 1 in float64 from step 50,000 on."""
    if steps > 50_000:
        return 1.0
    return math.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
