"""Leaves out the penalty of the biases: `b += lr e`."""

from dataclasses import replace

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("bias_penalty_missing", path="sgd", uses=("lr", "decay", "batch", "order"))
def bias_penalty_missing(problem, hyper, init):
    return sgd(problem, replace(hyper, reg_bias=0.0), init)
