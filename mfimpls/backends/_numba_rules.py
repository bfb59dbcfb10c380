"""The update rules of docs/objective.md, compiled: one step per rating, one optimiser step per row.

A `Side` is what a rule knows of the users or of the items: their rows of P or Q, their biases, and
the optimiser's state beside each. A `Rule` holds the numbers of the current epoch.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from mfimpls.backends._vector import (
    LANES,
    aligned_zeros,
    lane,
    load,
    pack,
    padded,
    root,
    store,
    total,
    zeros,
)
from mfimpls.contract import OPTIMIZERS

SGD, ADAGRAD, ROWWISE_ADAGRAD, ADAM = range(4)
assert OPTIMIZERS == ("sgd", "adagrad", "rowwise_adagrad", "adam")

# Without Numba's runtime a function counts no references to the arrays that it reads from a tuple:
# an atomic addition each, and most of the time of a step.
leaf = njit(_nrt=False, forceinline=True, error_model="numpy")


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
    per_rank: Any
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


def rule(hyper, epoch, n):
    """The Rule of one epoch over n ratings."""
    number = np.dtype(hyper.dtype).type
    return Rule(
        OPTIMIZERS.index(hyper.optimizer),
        number(hyper.lr * hyper.decay**epoch),
        number(hyper.reg),
        number(hyper.reg_bias),
        hyper.biases,
        number(1 / hyper.rank),
        epoch * -(-n // hyper.batch),
    )


@leaf
def error(users, items, visit, columns):
    """e = r - rhat for a visit (u, i, rating), the rating without the mean; `columns` are where a
    row's vectors begin.
    """
    u, i, rating = visit
    dot = zeros(users.rows)
    for k in columns:
        dot = dot + load(users.rows, u, k) * load(items.rows, i, k)
    return rating - users.bias[u] - items.bias[i] - total(dot)


@leaf
def sgd_step(users, items, visit, rule, columns):
    """x -= lr g for the four rows of one rating, both sides from the old values."""
    u, i, _ = visit
    P, Q = users.rows, items.rows
    e = error(users, items, visit, columns)
    step, keep = rule.lr * e, 1 - rule.lr * rule.reg
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        store(P, u, k, keep * p + step * q)
        store(Q, i, k, keep * q + step * p)
    if rule.biases:
        users.bias[u] += rule.lr * (e - rule.reg_bias * users.bias[u])
        items.bias[i] += rule.lr * (e - rule.reg_bias * items.bias[i])


@leaf
def rowwise_adagrad_step(users, items, visit, rule, columns):
    """x -= lr g / sqrt(A), then A += mean(g^2), for the four rows of one rating.

    |g|^2 comes from p.p, q.q and p.q, which need not wait for e.
    """
    u, i, rating = visit
    P, Q, reg = users.rows, items.rows, rule.reg
    pp = qq = pq = zeros(P)
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        pp, qq, pq = pp + p * p, qq + q * q, pq + p * q
    dot, p2, q2 = total(pq), total(pp), total(qq)
    e = rating - users.bias[u] - items.bias[i] - dot
    # One square root and one division for all four rows.
    lr = rule.lr / root(pack(users.A[u, 0], items.A[i, 0], users.A_bias[u], items.A_bias[i]))
    lr_u, lr_i = lane(lr, 0), lane(lr, 1)
    keep_u, keep_i, step_u, step_i = 1 - lr_u * reg, 1 - lr_i * reg, lr_u * e, lr_i * e
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        store(P, u, k, keep_u * p + step_u * q)
        store(Q, i, k, keep_i * q + step_i * p)
    cross = 2 * reg * e * dot
    users.A[u, 0] += (reg * reg * p2 - cross + e * e * q2) * rule.per_rank
    items.A[i, 0] += (reg * reg * q2 - cross + e * e * p2) * rule.per_rank
    if rule.biases:
        g, h = rule.reg_bias * users.bias[u] - e, rule.reg_bias * items.bias[i] - e
        users.bias[u] -= lane(lr, 2) * g
        items.bias[i] -= lane(lr, 3) * h
        users.A_bias[u] += g * g
        items.A_bias[i] += h * h


@leaf
def gradient_step(users, items, visit, rule, steps):
    """Adagrad's or Adam's step for one rating, component by component."""
    u, i, _ = visit
    P, Q, columns = users.rows, items.rows, range(0, users.rows.shape[1], LANES)
    e = error(users, items, visit, columns)
    lr = rule.lr * warming(steps) if rule.optimizer == ADAM else rule.lr
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        move_vector(users, u, k, rule.reg * p - e * q, rule.optimizer, lr)
        move_vector(items, i, k, rule.reg * q - e * p, rule.optimizer, lr)
    if rule.biases:
        g, h = rule.reg_bias * users.bias[u] - e, rule.reg_bias * items.bias[i] - e
        move_bias(users, u, g, rule, steps)
        move_bias(items, i, h, rule, steps)


@leaf
def move_row(one, row, G, slot, rule, steps):
    """One optimiser step of the row of P or Q whose gradient is G[slot]."""
    lr, squares = rule.lr, zeros(G)
    if rule.optimizer == ROWWISE_ADAGRAD:
        lr = rule.lr / math.sqrt(one.A[row, 0])
    elif rule.optimizer == ADAM:
        lr = rule.lr * warming(steps)
    for k in range(0, G.shape[1], LANES):
        g = load(G, slot, k)
        move_vector(one, row, k, g, rule.optimizer, lr)
        squares = squares + g * g
    if rule.optimizer == ROWWISE_ADAGRAD:
        one.A[row, 0] += total(squares) * rule.per_rank


@leaf
def move_vector(one, row, k, g, optimizer, lr):
    """The step of LANES components from column k on, with gradient g and step size lr."""
    X, A, B = one.rows, one.A, one.B
    x = load(X, row, k)
    if optimizer == ADAGRAD:
        a = load(A, row, k) + g * g
        store(A, row, k, a)
        store(X, row, k, x - lr * g / (root(a) + 1e-10))
    elif optimizer == ADAM:
        m, v = 0.9 * load(A, row, k) + 0.1 * g, 0.999 * load(B, row, k) + 0.001 * g * g
        store(A, row, k, m)
        store(B, row, k, v)
        store(X, row, k, x - lr * m / (root(v) + 1e-8))
    else:
        store(X, row, k, x - lr * g)


@leaf
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


@leaf
def warming(steps):
    """Adam's bias correction, exactly 1 in float64 from step 50,000 on."""
    if steps > 50_000:
        return 1.0
    return math.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
