"""ALS of cmfrec (Cortes 2018, arXiv:1809.00366), with biases and the penalty once per rating.

`scale_lam=True` multiplies a row's penalty by its count, which is J of docs/objective.md; without
it the penalty would count once per row. A user's factors and bias are solved as one system. It
draws its start from hyper.seed and can't be stepped: each point of the curve is a run of its own.
"""

from __future__ import annotations

import os

import numpy as np
from scipy.sparse import coo_array

from mfimpls.contract import Factors
from mfimpls.refit import refit


def fit(problem, hyper, init, **solver):
    """The yields of a backend that trains CMF with these settings of its solver."""
    from cmfrec import CMF

    users, items, ratings = problem.train.columns
    shape = problem.n_users, problem.n_items
    R = coo_array((ratings.astype(hyper.dtype), (users, items)), shape)
    seen = [np.bincount(ids, minlength=n) > 0 for ids, n in zip((users, items), shape)]
    settings = {
        "k": hyper.rank,
        "lambda_": [hyper.reg_bias] * 2 + [hyper.reg] * 4,
        "scale_lam": True,
        "user_bias": hyper.biases,
        "item_bias": hyper.biases,
        "use_float": hyper.dtype == "float32",
        "precompute_for_predictions": False,
        "random_state": hyper.seed,
        "nthreads": int(os.environ.get("OMP_NUM_THREADS", "1")),
        "handle_interrupt": False,
        "verbose": False,
    }

    def train(epochs):
        model = CMF(**settings, **solver, niter=epochs).fit(R)
        learned = (model.A_, model.B_, model.user_bias_, model.item_bias_)
        tables = init.copy(hyper.dtype).arrays
        for table, found, rated in zip(tables, learned, seen * 2):
            if found.size:
                table[rated] = found[rated]
        return Factors(*tables)

    yield from refit(train, init)
