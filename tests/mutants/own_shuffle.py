"""Shuffles with a generator of its own, seeded though it is."""

import itertools

import numpy as np

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


def own_orders(problem, hyper):
    rng = np.random.default_rng(hyper.seed)
    return (rng.permutation(len(problem.train)) for _ in itertools.count())


@backend("own_shuffle", path="sgd", uses=("lr", "decay", "batch", "order"))
def own_shuffle(problem, hyper, init):
    return sgd(problem, hyper, init, orders=own_orders)
