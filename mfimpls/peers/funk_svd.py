"""funk-svd (github.com/gbolmier/funk-svd): Simon Funk's SGD in Numba, stepped epoch by epoch.

Its kernel visits the rows of a table of user, item, rating one by one, in float64 on one thread.
Here the table is put in the common order before each epoch, where its own shuffle, off by default,
would draw another. It has one penalty for P, Q, b and c: with reg_bias equal to reg it walks the
path sgd of docs/objective.md, and else another loss.
"""

from __future__ import annotations

import numpy as np

from mfimpls.contract import Factors, Unsupported, backend
from mfimpls.orders import epoch_orders


@backend(
    "funk_svd",
    path="sgd",
    uses=("lr", "decay", "order"),
    dtypes=("float64",),
    requires=("funk_svd",),
    objective="J with reg in the place of reg_bias",
)
def funk_svd(problem, hyper, init):
    """funk-svd: textbook per-rating SGD in Numba, one penalty for factors and biases."""
    from funk_svd.fast_methods import _run_epoch

    if not hyper.biases:
        raise Unsupported("funk_svd always learns biases; leave out biases=false.")
    P, Q, b, c = init.copy("float64").arrays
    table = np.column_stack(problem.train.columns).astype(np.float64)
    yield Factors(P, Q, b, c).copy
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        _run_epoch(
            X=table[order],
            bu=b,
            bi=c,
            pu=P,
            qi=Q,
            global_mean=problem.mean,
            n_factors=hyper.rank,
            lr=hyper.lr * hyper.decay**epoch,
            reg=hyper.reg,
        )
        yield Factors(P, Q, b, c).copy
