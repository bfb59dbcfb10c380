"""Averages a batch's gradients, as a loss with `.mean()` does, where the path sums them."""

from mfimpls.conformance.reference import batch_gradient, sgd
from mfimpls.contract import Factors, backend


def averaged(problem, hyper, factors, batch):
    g = batch_gradient(problem, hyper, factors, batch)
    return Factors(*(a / len(batch) for a in g.arrays))


@backend("gradient_averaged", path="sgd", uses=("lr", "decay", "batch", "order"))
def gradient_averaged(problem, hyper, init):
    return sgd(problem, hyper, init, gradient=averaged)
