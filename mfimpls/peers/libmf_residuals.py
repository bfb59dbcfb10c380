"""LIBMF on what damped bias means leave over: how its users give it the biases that it lacks.

    c_i = sum (r - mean) / (n_i + damping),  then  b_u = sum (r - mean - c_i) / (n_u + damping)

(Koren 2010, doi:10.1145/1644873.1644874, section 2.1). The means are taken anew in every run, so
their cost is part of its training time; b and c then stay, and P and Q fit the rest.
"""

from __future__ import annotations

import numpy as np

from mfimpls.contract import Factors, Option, backend
from mfimpls.peers._libmf import rated, trainer
from mfimpls.refit import refit


@backend(
    "libmf_residuals",
    path="libmf-residuals",
    uses=("lr",),
    dtypes=("float32",),
    optimizers=("rowwise_adagrad",),
    deterministic=False,
    requires=("libmf",),
    instead=("library", "mf-train"),
    refits=True,
    takes_init=False,
    objective="J in P and Q alone, beside b and c fixed at damped means",
    options=(
        Option("library", "", "libmf.so of a build of your own; else the PyPI package, mf-train"),
        Option("bins", 20, "blocks a side, at least 2 x threads + 1"),
        Option("damping", 5.0, "ratings at the mean that each bias is damped by"),
    ),
)
def libmf_residuals(problem, hyper, init):
    """LIBMF on the residuals of damped bias means, which are its b and c."""
    users, items, ratings = problem.train.columns

    def residuals(b, c):
        return ratings - np.float32(problem.mean) - b[users] - c[items]

    with trainer(problem, hyper, residuals(*biases(problem, hyper, init))) as train:

        def train_anew(epochs):
            b, c = biases(problem, hyper, init)
            P, Q = train(epochs, residuals(b, c))
            return Factors(rated(P, init.P), rated(Q, init.Q), b, c)

        yield from refit(train_anew, init)


def biases(problem, hyper, init):
    """b (n_users,) and c (n_items,) float32; zero without biases, their start without ratings."""
    users, items, ratings = problem.train.columns
    b, c = init.b.copy(), init.c.copy()
    if hyper.biases:
        left = ratings.astype(np.float64) - problem.mean
        c = damped_means(items, left, hyper.options["damping"], c)
        b = damped_means(users, left - c[items], hyper.options["damping"], b)
    return b, c


def damped_means(ids, values, damping, start):
    counts = np.bincount(ids, minlength=len(start))
    sums = np.bincount(ids, values, minlength=len(start))
    means = sums / np.maximum(counts + damping, 1.0)
    return np.where(counts > 0, means, start).astype(np.float32)
