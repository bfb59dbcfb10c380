"""SVD of Surprise (Hug 2020, doi:10.21105/joss.02174): textbook per-rating SGD with biases.

It visits the ratings user by user, in one order for all epochs, so it walks a path of its own to a
minimum of J. It draws its start from hyper.seed and hyper.init_std, computes in float64 on one
thread, and can't be stepped: each point of the curve is a run of its own.
"""

from __future__ import annotations

from itertools import repeat

import numpy as np

from mfimpls.contract import Factors, backend
from mfimpls.refit import refit


@backend(
    "surprise_svd",
    path="surprise-svd",
    uses=("lr",),
    dtypes=("float64",),
    requires=("surprise",),
    shuffles=False,
    refits=True,
    takes_init=False,
)
def surprise_svd(problem, hyper, init):
    """SVD of Surprise: SGD user by user in Cython, a start of its own."""
    from surprise import SVD

    trainset = trainset_of(problem, hyper.biases)

    def train(epochs):
        model = SVD(
            n_factors=hyper.rank,
            n_epochs=epochs,
            biased=hyper.biases,
            init_std_dev=hyper.init_std,
            lr_all=hyper.lr,
            reg_pu=hyper.reg,
            reg_qi=hyper.reg,
            reg_bu=hyper.reg_bias,
            reg_bi=hyper.reg_bias,
            random_state=hyper.seed,
        )
        return factors_of(model.fit(trainset), init)

    yield from refit(train, init)


def trainset_of(problem, biased):
    """Surprise's own structure, which numbers users and items in the order of their first rating.
    Without biases it has no mean either, so the mean is taken off first.
    """
    from surprise import Dataset, Reader

    users, items, ratings = problem.train.columns
    ratings = ratings.astype(np.float64) - (0.0 if biased else problem.mean)
    scale = Reader(rating_scale=(float(ratings.min()), float(ratings.max())))
    rows = list(zip(users.tolist(), items.tolist(), ratings.tolist(), repeat(None)))
    trainset = Dataset(scale).construct_trainset(rows)
    trainset.global_mean  # noqa: B018 (it is computed on first use, and not for each run anew)
    return trainset


def factors_of(model, init):
    """Learned rows under our own ids; rows without ratings, which Surprise never saw, keep their
    start.
    """
    P, Q, b, c = init.copy("float64").arrays
    trainset = model.trainset
    users = [trainset.to_raw_uid(u) for u in trainset.all_users()]
    items = [trainset.to_raw_iid(i) for i in trainset.all_items()]
    P[users], Q[items], b[users], c[items] = model.pu, model.qi, model.bu, model.bi
    return Factors(P, Q, b, c)
