"""Copies the factors before the epoch and hands that copy out after it."""

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("stale_snapshot", path="sgd", uses=("lr", "decay", "batch", "order"))
def stale_snapshot(problem, hyper, init):
    kept = init.copy(hyper.dtype)
    for snapshot in sgd(problem, hyper, init):
        yield kept.copy
        kept = snapshot()
