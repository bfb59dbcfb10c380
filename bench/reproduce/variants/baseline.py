"""Damped biases alone: the baseline that Surprise and MyMediaLite publish."""

import numpy as np

from mfimpls.contract import Factors, Option, backend


@backend(
    "damped_biases",
    path="damped-biases",
    options=(
        Option("reg_user", 15.0, "added to a user's number of ratings"),
        Option("reg_item", 10.0, "added to an item's number of ratings"),
    ),
)
def damped_biases(problem, hyper, init):
    """Users' and items' damped means of what the others leave, in turn; the factors stay.

    c_i = sum (r - mean - b_u) / (reg_item + n_i), then b_u = sum (r - mean - c_i) / (reg_user +
    n_u), over the ratings of each (Koren 2010, doi:10.1145/1644873.1644874, section 2.1).
    """
    P, Q, b, c = init.copy(hyper.dtype).arrays
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean

    def snapshot():
        return Factors(P, Q, b, c).copy()

    yield snapshot
    while True:
        c[:] = _damped_means(items, targets - b[users], len(c), hyper.options["reg_item"])
        b[:] = _damped_means(users, targets - c[items], len(b), hyper.options["reg_user"])
        yield snapshot


def _damped_means(ids, values, size, damping):
    return np.bincount(ids, values, size) / (damping + np.bincount(ids, minlength=size))
