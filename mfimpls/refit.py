"""For a library that only trains n epochs and returns: train anew for n = 1, 2, 3, ...

    @backend("theirs", path="als", refits=True)
    def theirs(problem, hyper, init):
        def train(epochs):
            return their_factors_after(epochs)

        yield from refit(train, init)

`refits=True` tells the harness that the n-th yield has cost n epochs, so that its clock gives each
point the time of its own training run, not the sum of all runs up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from mfimpls.contract import Factors, Snapshot


def refit(
    train: Callable[[int], Factors | Snapshot], init: Factors
) -> Generator[Snapshot, int | None, None]:
    """The yields of a backend whose `train(epochs)` starts from scratch and returns its factors on
    the host, in hyper.dtype, or a function that fetches them. Whoever wants but the end may send
    the number of epochs that the next run adds: `steps.send(250)`.
    """
    epochs = 0
    snapshot: Snapshot = init.copy
    while True:
        more = yield snapshot
        epochs += more or 1
        found = train(epochs)
        snapshot = found.copy if isinstance(found, Factors) else found
