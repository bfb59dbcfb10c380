"""LIBMF (Chin et al. 2016, JMLR 17(86)): parallel SGD, row-wise Adagrad, the penalty per rating.

It has no mean and no biases, so it trains on ratings less their mean: J of docs/objective.md with
biases=False. It can't be stepped: each point of the curve is a run of its own.
"""

from __future__ import annotations

import numpy as np

from mfimpls.contract import Factors, Option, backend
from mfimpls.peers._libmf import rated, trainer
from mfimpls.refit import refit


@backend(
    "libmf",
    path="libmf",
    uses=("lr",),
    dtypes=("float32",),
    optimizers=("rowwise_adagrad",),
    deterministic=False,
    requires=("libmf",),
    instead=("library", "mf-train"),
    refits=True,
    takes_init=False,
    takes_biases=False,
    options=(
        Option("library", "", "libmf.so of a build of your own; else the PyPI package, mf-train"),
        Option("bins", 20, "blocks a side, at least 2 x threads + 1"),
    ),
)
def libmf(problem, hyper, init):
    """LIBMF: row-wise Adagrad on blocks of ratings, no biases, a start of its own."""
    centred = problem.train.ratings - np.float32(problem.mean)
    with trainer(problem, hyper, centred) as train:

        def train_anew(epochs):
            P, Q = train(epochs, centred)
            return Factors(rated(P, init.P), rated(Q, init.Q), init.b, init.c)

        yield from refit(train_anew, init)
