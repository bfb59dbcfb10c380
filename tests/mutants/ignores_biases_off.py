"""Trains the biases whether or not they are asked for."""

from dataclasses import replace

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("ignores_biases_off", path="sgd", uses=("lr", "decay", "batch", "order"))
def ignores_biases_off(problem, hyper, init):
    return sgd(problem, replace(hyper, biases=True), init)
