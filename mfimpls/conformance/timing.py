"""Checks that an epoch's work is done when the epoch is yielded, on whatever device."""

from __future__ import annotations

import time
from itertools import islice

import numpy as np

from mfimpls.conformance.setting import fitting, require, same_bits, settings, small_problem, start
from mfimpls.contract import Backend, Problem, Ratings

PAUSE_S = 0.03
LONG_S = 0.02
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def check_epoch_is_done_at_yield(backend: Backend, device: str = "cpu") -> None:
    """Two snapshots after one yield, a pause between them, are equal to the bit."""
    problem, hyper = small_problem(), settings(backend, device)
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        for epoch, snapshot in enumerate(islice(steps, 3)):
            at_once = snapshot().copy()
            time.sleep(PAUSE_S)
            require(
                same_bits(at_once, snapshot()),
                f"The factors still changed {PAUSE_S} s after epoch {epoch} was yielded: "
                f"wait for the work, and synchronise the device, before the yield.",
            )


def check_snapshot_hides_no_work(backend: Backend, device: str = "cpu") -> None:
    """On a problem with epochs long enough to time, the first snapshot after a yield does not wait
    for work: a second one takes as long.
    """
    for size in SIZES:
        epoch_s, first_s, second_s = _shortest_times(backend, device, _random_problem(size))
        if epoch_s + first_s > LONG_S:
            break
    require(
        first_s < LONG_S / 4 or first_s < 3 * second_s,
        f"The first snapshot after a yield took {first_s:.3f} s and a second one {second_s:.3f} s, "
        f"after an epoch of {epoch_s:.3f} s: the epoch's work was not done when it was yielded.",
    )


def _shortest_times(backend: Backend, device: str, problem: Problem) -> tuple[float, float, float]:
    # The shortest of three: noise only ever adds time.
    hyper = settings(backend, device, rank=16, batch=max(1, len(problem.train) // 4), lr=1e-4)
    times = []
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        next(steps)
        for _ in range(3):
            ticks = [time.perf_counter()]
            snapshot = next(steps)
            ticks.append(time.perf_counter())
            for _ in range(2):
                snapshot()
                ticks.append(time.perf_counter())
            times.append(np.diff(ticks))
    epoch_s, first_s, second_s = np.min(times, axis=0)
    return float(epoch_s), float(first_s), float(second_s)


def _random_problem(n: int) -> Problem:
    rng = np.random.default_rng(n)
    train = Ratings.of(rng.integers(0, 600, n), rng.integers(0, 400, n), rng.normal(3.5, 1, n))
    return Problem.of(f"random-{n}", train, Ratings.of([], [], []), (600, 400))
