"""Declares both orders and visits the ratings as they come in the file."""

import itertools

import numpy as np

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


def as_in_the_file(problem, hyper):
    return itertools.repeat(np.arange(len(problem.train)))


@backend(
    "ignores_order",
    path="sgd",
    uses=("lr", "decay", "batch", "order"),
    orders=("shuffle", "blocks"),
)
def ignores_order(problem, hyper, init):
    return sgd(problem, hyper, init, orders=as_in_the_file)
