"""my_backend: mini-batch SGD in NumPy, to be made your own."""

import numpy as np

from mfimpls import Factors, backend
from mfimpls.orders import epoch_orders


# Declare what the backend honours: everything else is refused with a sentence, never ignored.
# Backends of path "sgd" must walk the steps of docs/objective.md number by number.
@backend("my_backend", path="sgd", uses=("lr", "decay", "batch", "order"))
def my_backend(problem, hyper, init):
    """Mini-batch SGD in NumPy."""
    # Set-up, timed as setup_s. The start is handed in and read-only: work on copies.
    P, Q, b, c = init.copy(hyper.dtype).arrays  # (n_users, rank), (n_items, rank), (n_users,), ...
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean

    def snapshot():  # called off the clock; must not share memory with the live tables
        return Factors(P, Q, b, c).copy()

    yield snapshot  # ready, nothing trained
    # The caller decides when to stop, so the epochs never end.
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        lr = hyper.lr * hyper.decay**epoch
        for start in range(0, len(order), hyper.batch):
            batch = order[start : start + hyper.batch]
            u, i = users[batch], items[batch]
            p, q, b_u, c_i = P[u], Q[i], b[u], c[i]  # all gradients at the batch's first values
            e = targets[batch] - b_u - c_i - np.einsum("nk,nk->n", p, q)
            # Summed per row, one penalty per rating: the half of its summand of J.
            np.add.at(P, u, lr * (e[:, None] * q - hyper.reg * p))
            np.add.at(Q, i, lr * (e[:, None] * p - hyper.reg * q))
            if hyper.biases:
                np.add.at(b, u, lr * (e - hyper.reg_bias * b_u))
                np.add.at(c, i, lr * (e - hyper.reg_bias * c_i))
        yield snapshot  # exactly one pass over the training ratings is done
