"""Keeps its state in float64 and takes its gradients in float32."""

from mfimpls.conformance.reference import batch_gradient, sgd
from mfimpls.contract import backend


def coarse(problem, hyper, factors, batch):
    return batch_gradient(problem, hyper, factors.copy("float32"), batch)


@backend("float32_inside", path="sgd", uses=("lr", "decay", "batch", "order"))
def float32_inside(problem, hyper, init):
    return sgd(problem, hyper, init, gradient=coarse)
