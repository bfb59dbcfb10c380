"""myFM: the posterior mean of a Bayesian factorization machine, by Gibbs sampling.

Rendle: Scaling factorization machines to relational data, VLDB 2013; Rendle, Zhang, Koren: On the
difficulty of evaluating baselines, 2019, where it is the best of the plain models on MovieLens. On
one-hot users and items each sample is mean + b_u + c_i + p_u . q_i, but the mean of their
predictions has no such form. So it shows predictions, and J is absent. Penalties are sampled too:
reg and reg_bias do not enter.

One epoch is one Gibbs sweep, after which the test pairs are predicted, on the clock. As the library
does, the first 5 samples are left out once there are 10.
"""

from __future__ import annotations

import os
import warnings
from itertools import count

import numpy as np
from scipy import sparse

from mfimpls.callback import each_epoch
from mfimpls.contract import Predictions, backend

os.environ.setdefault("TQDM_DISABLE", "1")  # its progress bar has no other switch
with warnings.catch_warnings(action="ignore"):  # it asks pkg_resources, which warns of itself
    from myfm import MyFMGibbsRegressor

BURN_IN = 5


@backend(
    "myfm",
    path="gibbs",
    dtypes=("float64",),
    requires=("myfm",),
    predicts=True,
    takes_init=False,
    objective="a Bayesian model, its predictions averaged over Gibbs samples",
)
def myfm(problem, hyper, init):
    """Bayesian factorization machine by myFM: predictions averaged over Gibbs samples."""
    model = MyFMGibbsRegressor(
        hyper.rank, hyper.init_std, random_seed=hyper.seed, fit_linear=hyper.biases
    )
    train, test = one_hot(problem, problem.train), one_hot(problem, problem.test)

    def sample(show):
        mean = PosteriorMean(len(problem.test))

        def after_sweep(_, machine, *rest):
            mean.add(machine.predict_score(test, []))
            return show(Predictions(mean.value).copy), None

        model.fit(
            train,
            problem.train.ratings,
            n_iter=2**31 - 1,
            n_kept_samples=1,  # the mean is taken here, so that it is known after each sweep
            group_shapes=[problem.n_users, problem.n_items],
            callback=after_sweep,
        )

    yield Predictions(np.full(len(problem.test), problem.mean)).copy
    yield from each_epoch(sample)


def one_hot(problem, part):
    """Each rating as a row (n_users + n_items,) with a one for its user and one for its item."""
    columns = np.stack([part.users, problem.n_users + part.items], axis=1).ravel()
    ends = np.arange(0, len(columns) + 1, 2)
    shape = (len(part), problem.n_users + problem.n_items)
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape)


class PosteriorMean:
    """The mean of the last max(k - BURN_IN, BURN_IN) of k predictions (n,), of all where fewer."""

    def __init__(self, n):
        self.total, self.early, self.samples = np.zeros(n), [], count(1)

    def add(self, predicted):
        k = next(self.samples)
        self.total += predicted
        if k <= BURN_IN:
            self.early.append(predicted)
        elif k <= 2 * BURN_IN:
            self.total -= self.early[k - BURN_IN - 1]
        self.value = self.total / min(k, max(k - BURN_IN, BURN_IN))
