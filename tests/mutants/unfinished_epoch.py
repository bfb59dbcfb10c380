"""Starts an epoch in the background and yields at once, as a device without synchronisation."""

import threading

from mfimpls.conformance.reference import sgd
from mfimpls.contract import backend


@backend("unfinished_epoch", path="sgd", uses=("lr", "decay", "batch", "order"))
def unfinished_epoch(problem, hyper, init):
    steps = sgd(problem, hyper, init)
    snapshot, worker = next(steps), None
    try:
        while True:
            yield snapshot
            if worker:
                worker.join()
            worker = threading.Thread(target=next, args=(steps,))
            worker.start()
    finally:
        if worker:
            worker.join()
