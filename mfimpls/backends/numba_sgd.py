"""Stochastic gradient descent with gradients by hand, compiled by Numba.

With batch=1 and order=blocks the blocks of a round run in parallel. They share no row, so the bits
are those of visiting them one after another (Gemulla et al. 2011, doi:10.1145/2020408.2020426). Any
other per-rating order is one block.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from mfimpls.backends._atomics import fetch_add, publish, wait_for
from mfimpls.backends._numba_minibatch import batch_pass
from mfimpls.backends._numba_rules import ROWWISE_ADAGRAD, SGD, factors, leaf, rule, side
from mfimpls.backends._numba_steps import gradient_step, rowwise_adagrad_step, sgd_step
from mfimpls.backends._numba_visits import epochs, visit
from mfimpls.backends._vector import LANES, MANY_REGISTERS, prefetch
from mfimpls.contract import OPTIMIZERS, backend

UNROLLED_RANK = 128 if MANY_REGISTERS else 32  # two rows and the sums fill the registers
AHEAD = 8  # visits between the prefetch of a row and its use


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
    P, Q, b, c = (a.astype(hyper.dtype) for a in init.arrays)
    users, items = side(P, b, hyper.optimizer), side(Q, c, hyper.optimizer)
    all_visits = epochs(problem, hyper)
    # A tuple's length is part of its type: up to this rank, the loops over a row are unrolled.
    vectors = tuple(range(0, hyper.rank, LANES)) if hyper.rank <= UNROLLED_RANK else ()

    def snapshot():
        return factors(users, items, hyper.rank)

    yield snapshot
    for epoch, visits in enumerate(all_visits):
        numbers = rule(hyper, epoch, len(problem.train))
        if hyper.batch == 1:
            _block_pass(users, items, visits, numbers, vectors, get_num_threads())
        else:
            batch_pass(users, items, visits, numbers, hyper.batch)
        yield snapshot


@njit(cache=True, parallel=True, nogil=True)
def _block_pass(users, items, visits, rule, vectors, threads):
    # One parallel region per epoch. Threads take blocks in the order of visits; a block waits until
    # the round before has left its users and its items, not for the whole round.
    # progress: rounds that have left each user range, each item range; blocks taken.
    progress = np.zeros(2 * visits.rounds.shape[1] + 1, np.int64)
    for _ in prange(threads):
        _take_blocks(users, items, visits, rule, vectors, progress)


@njit(_nrt=False, error_model="numpy")
def _take_blocks(users, items, visits, rule, vectors, progress):
    rounds, size = visits.rounds.shape
    while True:
        ticket = fetch_add(progress, 2 * size, 1)
        if ticket >= rounds * size:
            return
        k, j = ticket // size, ticket % size
        row, column = visits.rounds[k, j] // size, size + visits.rounds[k, j] % size
        wait_for(progress, row, k)
        wait_for(progress, column, k)
        _visit_block(users, items, visits, (k, j), rule, vectors)
        publish(progress, row, k + 1)
        publish(progress, column, k + 1)


@njit(_nrt=False, error_model="numpy")
def _visit_block(users, items, visits, place, rule, vectors):
    block = visits.rounds[place]
    start, stop = visits.starts[block], visits.starts[block + 1]
    columns = range(0, LANES * len(vectors) or users.rows.shape[1], LANES)
    if rule.optimizer == SGD:
        for t in range(start, stop):
            _prefetch_rows(users, items, visit(visits, min(t + AHEAD, stop - 1)), columns)
            sgd_step(users, items, visit(visits, t), rule, columns)
    elif rule.optimizer == ROWWISE_ADAGRAD:
        for t in range(start, stop):
            _prefetch_rows(users, items, visit(visits, min(t + AHEAD, stop - 1)), columns)
            rowwise_adagrad_step(users, items, visit(visits, t), rule, columns)
    else:
        steps = rule.steps + visits.before[place] - start
        for t in range(start, stop):
            gradient_step(users, items, visit(visits, t), rule, steps + t + 1)


@leaf
def _prefetch_rows(users, items, ahead, columns):
    u, i, _ = ahead
    for k in range(0, columns.stop, LANES):  # each line of a float32 row
        prefetch(users.rows, u, k)
        prefetch(items.rows, i, k)
