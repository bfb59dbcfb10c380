"""Counts the penalty twice: `p += lr (e q - 2 reg p)`."""

from dataclasses import replace

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("penalty_doubled", path="sgd", uses=("lr", "decay", "batch", "order"))
def penalty_doubled(problem, hyper, init):
    return sgd(problem, replace(hyper, reg=2 * hyper.reg, reg_bias=2 * hyper.reg_bias), init)
