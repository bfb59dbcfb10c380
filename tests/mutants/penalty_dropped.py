"""Forgets the penalty: `p += lr e q`."""

from dataclasses import replace

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("penalty_dropped", path="sgd", uses=("lr", "decay", "batch", "order"))
def penalty_dropped(problem, hyper, init):
    return sgd(problem, replace(hyper, reg=0.0, reg_bias=0.0), init)
