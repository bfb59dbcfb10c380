"""Two walks of per-rating SGD that are not ours: p before q, and user by user."""

from itertools import repeat

import numpy as np
from numba import njit

from mfimpls.contract import backend
from mfimpls.orders import epoch_orders


@backend("pair_in_turn", path="pair-in-turn", uses=("lr",))
def pair_in_turn(problem, hyper, init):
    """SGD as the post has it: q_i moves along the p_u that has just moved."""
    yield from _walk(problem, hyper, init, epoch_orders(problem, hyper), _in_turn)


@backend("user_by_user", path="user-by-user", uses=("lr",))
def user_by_user(problem, hyper, init):
    """SGD as Surprise has it: the users one after another, in every epoch alike."""
    order = np.argsort(problem.train.users, kind="stable")
    yield from _walk(problem, hyper, init, repeat(order), _at_once)


def _walk(problem, hyper, init, orders, step):
    factors = init.copy(hyper.dtype)
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean
    rates = hyper.lr, hyper.reg, hyper.reg_bias if hyper.biases else 0.0, float(hyper.biases)
    yield factors.copy
    for order in orders:
        _epoch(*factors.arrays, users[order], items[order], targets[order], rates, step)
        yield factors.copy


@njit
def _epoch(P, Q, b, c, users, items, targets, rates, step):
    lr, reg, reg_bias, biases = rates
    for n in range(len(users)):
        u, i = users[n], items[n]
        e = targets[n] - b[u] - c[i]
        for k in range(P.shape[1]):
            e -= P[u, k] * Q[i, k]
        b[u] += biases * lr * (e - reg_bias * b[u])
        c[i] += biases * lr * (e - reg_bias * c[i])
        for k in range(P.shape[1]):
            P[u, k], Q[i, k] = step(P[u, k], Q[i, k], e, lr, reg)


@njit
def _at_once(p, q, e, lr, reg):
    return p + lr * (e * q - reg * p), q + lr * (e * p - reg * q)


@njit
def _in_turn(p, q, e, lr, reg):
    p += lr * (e * q - reg * p)
    return p, q + lr * (e * p - reg * q)
