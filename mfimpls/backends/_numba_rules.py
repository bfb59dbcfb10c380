"""The optimisers of docs/objective.md, compiled: their state, and one step of a row or a bias.

A `Side` is what a rule knows of the users or of the items: their rows of P or Q, their biases, and
the optimiser's state beside each. A `Rule` holds the numbers of the current epoch.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from mfimpls.backends._lanes import root, total
from mfimpls.backends._vector import LANES, aligned_zeros, load, padded, store, zeros
from mfimpls.contract import OPTIMIZERS, Factors

SGD, ADAGRAD, ROWWISE_ADAGRAD, ADAM = range(4)
BIAS, A_BIAS, A_ROW, B_BIAS = range(4)
assert OPTIMIZERS == ("sgd", "adagrad", "rowwise_adagrad", "adam")

# Without Numba's runtime a function counts no references to the arrays that it reads from a tuple:
# an atomic addition each, and most of the time of a step.
leaf = njit(_nrt=False, forceinline=True, error_model="numpy", fastmath={"contract"})


class Side(NamedTuple):
    """rows (n, width) with their optimiser's state A, B (n, width), empty where a rule keeps none;
    scalars (4 n,): per row the bias, its state A, the state that the row has as a whole, and the
    bias's state B.
    """

    rows: Any
    scalars: Any
    A: Any
    B: Any


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
    scalars = aligned_zeros((n, 4), dtype)
    scalars[:, BIAS] = bias
    if optimizer == "rowwise_adagrad":
        scalars[:, [A_BIAS, A_ROW]] = 1
    A = aligned_zeros((n, table.shape[1] if optimizer in ("adagrad", "adam") else 0), dtype)
    B = aligned_zeros((n, table.shape[1] if optimizer == "adam" else 0), dtype)
    return Side(table, scalars.ravel(), A, B)


def factors(users, items, rank):
    """Factors, copied out of the two sides."""
    P, Q = users.rows[:, :rank].copy(), items.rows[:, :rank].copy()
    return Factors(P, Q, users.scalars[BIAS::4].copy(), items.scalars[BIAS::4].copy())


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
def at(row, scalar):
    """Where Side.scalars has a scalar of a row; unsigned, so no negative index is looked for."""
    return np.uint64(4) * np.uint64(row) + np.uint64(scalar)


@leaf
def move_row(one, row, G, slot, rule, steps):
    """One optimiser step of the row of P or Q whose gradient is G[slot]."""
    lr, squares = rule.lr, zeros(G)
    if rule.optimizer == ROWWISE_ADAGRAD:
        lr = rule.lr / math.sqrt(one.scalars[at(row, A_ROW)])
    elif rule.optimizer == ADAM:
        lr = rule.lr * warming(steps)
    for k in range(0, G.shape[1], LANES):
        g = load(G, slot, k)
        move_vector(one, row, k, g, rule.optimizer, lr)
        squares = squares + g * g
    if rule.optimizer == ROWWISE_ADAGRAD:
        one.scalars[at(row, A_ROW)] += total(squares) * rule.per_rank


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
def bias_gradient(one, row, e, rule):
    return rule.reg_bias * one.scalars[at(row, BIAS)] - e


@leaf
def move_bias(one, row, g, rule, steps):
    """One optimiser step of the bias whose gradient is g."""
    scalars, bias, A, B = one.scalars, at(row, BIAS), at(row, A_BIAS), at(row, B_BIAS)
    if rule.optimizer == SGD:
        scalars[bias] -= rule.lr * g
    elif rule.optimizer == ADAGRAD:
        scalars[A] += g * g
        scalars[bias] -= rule.lr * g / (math.sqrt(scalars[A]) + 1e-10)
    elif rule.optimizer == ROWWISE_ADAGRAD:
        scalars[bias] -= rule.lr * g / math.sqrt(scalars[A])
        scalars[A] += g * g
    else:
        scalars[A] = 0.9 * scalars[A] + 0.1 * g
        scalars[B] = 0.999 * scalars[B] + 0.001 * g * g
        lr = rule.lr * warming(steps)
        scalars[bias] -= lr * scalars[A] / (math.sqrt(scalars[B]) + 1e-8)


@leaf
def warming(steps):
    """Adam's bias correction, exactly 1 in float64 from step 50,000 on."""
    if steps > 50_000:
        return 1.0
    return math.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
