"""For a library that keeps the loop to itself and calls back after each epoch: one epoch per yield.

    @backend("theirs", path="theirs")
    def theirs(problem, hyper, init):
        def train(show):
            their_fit(callback=lambda model: show(partial(their_factors, model)))

        yield init.copy
        yield from each_epoch(train)

The library trains in a thread of its own and waits there, after each epoch, until the caller asks
for the next. The two never run at once, so the clock sees the epoch and a snapshot a model at rest.
What the library sets up before its first epoch is part of that epoch's time.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from mfimpls.contract import Snapshot

Show = Callable[[Snapshot], bool]


class Stopped(Exception):
    """Raised out of a library's loop that knows no other end; each_epoch takes it as one."""


def each_epoch(train: Callable[[Show], object]) -> Iterator[Snapshot]:
    """The yields after the first, of a backend whose `train(show)` runs for as long as `show`,
    called with a snapshot after each epoch, returns False; True asks it to return, or to raise
    Stopped. What it raises else is raised here, as is RuntimeError where it returns unasked.
    """
    asked: SimpleQueue[bool] = SimpleQueue()
    told: SimpleQueue[Snapshot | BaseException] = SimpleQueue()

    def show(snapshot: Snapshot) -> bool:
        told.put(snapshot)
        return not asked.get()

    def run() -> None:
        try:
            if asked.get():
                train(show)
            told.put(RuntimeError("the library stopped training before it was asked to"))
        except BaseException as error:
            told.put(error)

    thread = threading.Thread(target=run, name="each_epoch", daemon=True)

    def end() -> None:
        asked.put(False)
        thread.join()

    thread.start()
    atexit.register(end)  # left open, it would be killed amid the library's own frames
    try:
        while True:
            asked.put(True)
            found = told.get()
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        atexit.unregister(end)
        end()
