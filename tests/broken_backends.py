"""Backends that fail in every way a process can."""

import os
import signal
import sys
import time

from mfimpls import backend


def failing(name, fail, after=2):
    """A backend that stands still for `after` epochs, then fails."""

    @backend(name, path="still")
    def generator(problem, hyper, init):
        yield init.copy
        epochs = 0
        while True:
            # The warm-up problem has another size than any real one, and must pass.
            epochs += 1
            if epochs > after and problem.name != "warm-up":
                fail()
            yield init.copy

    return generator


def _raise():
    raise RuntimeError("the factors fell on the floor")


def _chatter_then_leave():
    print("this is not an event")
    sys.stdout.flush()
    os._exit(3)


def _eat_all_memory():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    hoard = []
    while True:
        hoard.append(bytearray(2**26))


raises = failing("raises", _raise)
killed = failing("killed", lambda: os.kill(os.getpid(), signal.SIGKILL))
segfaults = failing("segfaults", lambda: os.kill(os.getpid(), signal.SIGSEGV))
hangs = failing("hangs", lambda: time.sleep(600))
kills_its_parent = failing("kills_its_parent", lambda: os.kill(os.getppid(), signal.SIGKILL))
leaves = failing("leaves", _chatter_then_leave)
hungry = failing("hungry", _eat_all_memory)
fine = failing("fine", lambda: None)


@backend("diverges", path="still")
def diverges(problem, hyper, init):
    factors = init.copy()
    while True:
        yield factors.copy
        factors.P[:] *= 1e30
        factors.Q[:] *= 1e30
