"""Cornac's MF on its CPU backend: textbook SGD in Cython, with OpenMP threads that race (Hogwild).

Salah, Truong, Lauw: Cornac, JMLR 21 (2020). It walks the path of docs/objective.md with batch=1,
except for two things: it visits the ratings in the order of the file and never shuffles them, and
its one penalty is that of b and c too. Its loop is a function that trains any tables in place, so
it is stepped by calling it for one epoch at a time. Without biases it would drop the mean as well,
so then it is given the ratings less their mean.
"""

from __future__ import annotations

import os

import numpy as np
from cornac.models.mf.backend_cpu import fit_sgd

from mfimpls.contract import Factors, backend


@backend(
    "cornac_mf",
    path="cornac-sgd",
    uses=("lr",),
    dtypes=("float32",),
    deterministic=False,
    requires=("cornac",),
    shuffles=False,
    objective="J with reg for b and c too",
)
def cornac_mf(problem, hyper, init):
    """SGD by Cornac in Cython: file order, one penalty for all, threads that race."""
    P, Q, b, c = init.copy("float32").arrays
    users, items, ratings = problem.train.columns
    mean = np.float32(problem.mean)
    targets = ratings.copy() if hyper.biases else ratings - mean
    users, items = users.astype(np.int64), items.astype(np.int64)
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))

    def epoch():
        fit_sgd(
            users, items, targets, P, Q, b, c,
            hyper.lr, hyper.reg, mean if hyper.biases else 0.0,
            1, threads, hyper.biases, False, False,  # epochs, threads, biases; no early stop, quiet
        )  # fmt: skip

    yield Factors(P, Q, b, c).copy
    while True:
        epoch()
        yield Factors(P, Q, b, c).copy
