"""Stochastic gradient descent with gradients by hand, compiled by Numba.

With batch=1 and order=blocks the blocks of a round run in parallel. They share no row, so the bits
are those of visiting them one after another (Gemulla et al. 2011, doi:10.1145/2020408.2020426).
"""

from itertools import count

import numpy as np
from numba import njit, prange

from mfimpls.backends._numba_minibatch import batch_pass
from mfimpls.backends._numba_rules import (
    ROWWISE_ADAGRAD,
    SGD,
    Rule,
    gradient_step,
    rowwise_adagrad_step,
    sgd_step,
    side,
)
from mfimpls.contract import OPTIMIZERS, Factors, backend
from mfimpls.orders import block_grid, block_rounds, epoch_orders


@backend(
    "numba_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order"),
    optimizers=OPTIMIZERS,
    orders=("shuffle", "blocks"),
    deterministic=True,
)
def numba_sgd(problem, hyper, init):
    """SGD by hand in Numba: per rating, in parallel over blocks, or in mini-batches."""
    P, Q, b, c = init.copy(hyper.dtype).arrays
    users, items = side(P, b, hyper.optimizer), side(Q, c, hyper.optimizer)
    one_pass = _passes(problem, hyper)

    def snapshot():
        P, Q = users.rows[:, : hyper.rank], items.rows[:, : hyper.rank]
        return Factors(P.copy(), Q.copy(), users.bias.copy(), items.bias.copy())

    yield snapshot
    for epoch in count():
        one_pass(epoch, users, items, _rule(problem, hyper, epoch))
        yield snapshot


def _rule(problem, hyper, epoch):
    number = np.dtype(hyper.dtype).type
    return Rule(
        OPTIMIZERS.index(hyper.optimizer),
        number(hyper.lr * hyper.decay**epoch),
        number(hyper.reg),
        number(hyper.reg_bias),
        hyper.biases,
        number(hyper.rank),
        epoch * -(-len(problem.train) // hyper.batch),
    )


def _passes(problem, hyper):
    # What one epoch does, with its data laid out: (epoch, users, items, rule) -> None.
    train = problem.train
    ratings = (train.ratings.astype(np.float64) - problem.mean).astype(hyper.dtype)
    users, items = train.users.astype(np.uint32), train.items.astype(np.uint32)
    if hyper.order == "blocks" and hyper.batch == 1:
        grid = block_grid(problem, hyper)
        data = users[grid.order], items[grid.order], ratings[grid.order]

        def one_pass(epoch, user_side, item_side, rule):
            rounds = block_rounds(grid.size, hyper.seed, epoch)
            _block_pass(user_side, item_side, data, grid.starts, rounds, rule)

        return one_pass
    orders, data = epoch_orders(problem, hyper), (users, items, ratings)

    def one_pass(epoch, user_side, item_side, rule):
        order = next(orders)
        if hyper.batch == 1:
            _ordered_pass(user_side, item_side, data, order, rule)
        else:
            batch_pass(user_side, item_side, data, order, rule, hyper.batch)

    return one_pass


@njit(cache=True, nogil=True)
def _ordered_pass(users, items, data, order, rule):
    us, is_, ratings = data
    G = np.empty((2, users.rows.shape[1]), users.rows.dtype)
    for t in range(len(order)):
        j = order[t]
        _step(users, items, us[j], is_[j], ratings[j], rule, G, rule.steps + t + 1)


@njit(cache=True, parallel=True, nogil=True)
def _block_pass(users, items, data, starts, rounds, rule):
    steps = rule.steps
    size = rounds.shape[1]
    before = np.empty(size, np.int64)
    G = np.empty((size, 2, users.rows.shape[1]), users.rows.dtype)
    for k in range(rounds.shape[0]):
        for j in range(size):
            before[j] = steps
            steps += starts[rounds[k, j] + 1] - starts[rounds[k, j]]
        for j in prange(size):
            block = rounds[k, j]
            _block(users, items, data, starts[block], starts[block + 1], rule, before[j], G[j])


@njit(_nrt=False)
def _block(users, items, data, start, stop, rule, steps, G):
    us, is_, ratings = data
    if rule.optimizer == SGD:
        for t in range(start, stop):
            sgd_step(users, items, us[t], is_[t], ratings[t], rule)
    elif rule.optimizer == ROWWISE_ADAGRAD:
        for t in range(start, stop):
            rowwise_adagrad_step(users, items, us[t], is_[t], ratings[t], rule)
    else:
        for t in range(start, stop):
            _step(users, items, us[t], is_[t], ratings[t], rule, G, steps + t - start + 1)


@njit(_nrt=False)
def _step(users, items, u, i, rating, rule, G, steps):
    if rule.optimizer == SGD:
        sgd_step(users, items, u, i, rating, rule)
    elif rule.optimizer == ROWWISE_ADAGRAD:
        rowwise_adagrad_step(users, items, u, i, rating, rule)
    else:
        gradient_step(users, items, u, i, rating, rule, G, steps)
