"""Per-rating SGD by hand in Cython, the blocks of a round in parallel by OpenMP.

The same family as numba_sgd: the blocks of a round share no row, so the bits do not depend on the
number of threads (Gemulla et al. 2011, doi:10.1145/2020408.2020426).
"""

import numpy as np

from mf_cython._kernel import visit_rounds
from mfimpls import Factors, backend
from mfimpls.orders import block_grid, block_rounds, epoch_orders


@backend(
    "cython_sgd",
    path="sgd",
    uses=("lr", "decay", "optimizer", "order"),
    optimizers=("sgd", "rowwise_adagrad"),
    orders=("shuffle", "blocks"),
)
def cython_sgd(problem, hyper, init):
    """SGD by hand in Cython: per rating, in parallel over blocks by OpenMP."""
    P, Q, b, c = init.copy(hyper.dtype).arrays
    adaptive = hyper.optimizer == "rowwise_adagrad"
    states = [np.ones(len(x) if adaptive else 0, hyper.dtype) for x in (P, Q, b, c)]
    number = np.dtype(hyper.dtype).type

    def snapshot():
        return Factors(P, Q, b, c).copy()

    epochs = visits(problem, hyper)
    yield snapshot
    for epoch, (data, starts, rounds) in enumerate(epochs):
        numbers = (hyper.lr * hyper.decay**epoch, hyper.reg, hyper.reg_bias)
        numbers = np.array(numbers, number)
        visit_rounds(P, Q, b, c, *states, *data, starts, rounds, numbers, hyper.biases, adaptive)
        yield snapshot


def visits(problem, hyper):
    """For each epoch the ratings in order of blocks, the bounds of blocks, and the rounds."""
    train = problem.train
    columns = train.users, train.items, train.ratings.astype(hyper.dtype) - problem.mean
    columns = [column.astype(kind) for column, kind in zip(columns, ("i4", "i4", hyper.dtype))]
    if hyper.order == "shuffle":
        starts, rounds = np.array([0, len(train)]), np.zeros((1, 1), np.int64)
        orders = epoch_orders(problem, hyper)
        return (([a[order] for a in columns], starts, rounds) for order in orders)
    grid = block_grid(problem, hyper)
    data = [column[grid.order] for column in columns]
    return blocks(data, grid, hyper.seed)


def blocks(data, grid, seed):
    epoch = 0
    while True:
        yield data, grid.starts, block_rounds(grid.size, seed, epoch)
        epoch += 1
