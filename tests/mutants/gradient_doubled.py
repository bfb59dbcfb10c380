"""Descends on J's summands where the path descends on half of them: twice the step."""

from mfimpls.conformance.reference import batch_gradient, sgd
from mfimpls.contract import Factors, backend


def doubled(problem, hyper, factors, batch):
    return Factors(*(2 * g for g in batch_gradient(problem, hyper, factors, batch).arrays))


@backend("gradient_doubled", path="sgd", uses=("lr", "decay", "batch", "order"))
def gradient_doubled(problem, hyper, init):
    return sgd(problem, hyper, init, gradient=doubled)
