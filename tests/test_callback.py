"""A library that calls back: one epoch per yield, in a thread that runs when it is asked to."""

import subprocess
import sys
import threading
from itertools import count, islice

import pytest

from mfimpls.callback import Stopped, each_epoch


def library(callback, epochs=None):
    """What only knows how to train and call back; its callback says when to stop."""
    for epoch in range(epochs) if epochs else count():
        if callback(epoch):
            return


def stepped(log=None, **options):
    def train(show):
        def callback(epoch):
            if log is not None:
                log.append(epoch)
            return show(lambda: epoch)

        library(callback, **options)

    return each_epoch(train)


def test_each_yield_is_one_epoch_and_the_next_waits_until_it_is_asked_for():
    log = []
    steps = stepped(log)
    assert log == []
    assert next(steps)() == 0
    assert log == [0]
    assert [snapshot() for snapshot in islice(steps, 2)] == [1, 2]
    assert log == [0, 1, 2]
    steps.close()


@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_closing_ends_the_library_and_its_thread(epochs):
    before = threading.active_count()
    steps = stepped()
    for _ in range(epochs):
        next(steps)
    steps.close()
    assert threading.active_count() == before
    assert next(steps, None) is None


def test_a_loop_without_an_end_is_left_by_an_exception():
    ended = []

    def train(show):
        try:
            while not show(lambda: None):
                pass
            raise Stopped
        finally:
            ended.append(True)

    steps = each_epoch(train)
    next(steps)
    steps.close()
    assert ended


def test_one_that_is_left_open_ends_with_the_process():
    script = """
from mfimpls.callback import each_epoch

def train(show):
    while not show(lambda: None):
        pass
    print("ended")

steps = each_epoch(train)
next(steps)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


def test_what_the_library_raises_is_raised_to_the_caller():
    def train(show):
        show(lambda: None)
        raise ZeroDivisionError("in epoch 2")

    steps = each_epoch(train)
    next(steps)
    with pytest.raises(ZeroDivisionError, match="in epoch 2"):
        next(steps)


def test_a_library_that_ends_by_itself_is_an_error_and_no_silence():
    steps = stepped(epochs=1)
    next(steps)
    with pytest.raises(RuntimeError, match="stopped training before it was asked to"):
        next(steps)


def test_the_callers_thread_and_the_librarys_never_run_at_once():
    running, together = [], []

    def train(show):
        while True:
            running.append("library")
            together.append(len(running) > 1)
            running.pop()
            if show(lambda: None):
                return

    steps = each_epoch(train)
    for _ in islice(steps, 200):
        running.append("caller")
        together.append(len(running) > 1)
        running.pop()
    steps.close()
    assert not any(together)
