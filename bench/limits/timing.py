"""Timing a loop on several threads: best and median over repeats."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Run = Callable[[int], Any]  # does the work so many times over

RUN_S = 5e-3  # a run lasts at least this long, so that starting its threads is a small part of it
TRIAL_S = 0.04
LEAST_REPEATS = 5


def seconds_per_pass(run: Run, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """One value per timed repeat, at least LEAST_REPEATS over at least TRIAL_S; warmed up first."""

    def timed(passes: int) -> float:
        t = clock()
        run(passes)
        return clock() - t

    run(1)
    passes = max(1, math.ceil(RUN_S / max(timed(1), 1e-9)))
    repeats: list[float] = []
    while len(repeats) < LEAST_REPEATS or passes * sum(repeats) < TRIAL_S:
        repeats.append(timed(passes) / passes)
    return repeats


def in_threads(kernel: Callable[..., Any], parts: Sequence[tuple[Any, ...]]) -> Run:
    """A run that calls `kernel(*part, passes)` for each part in a thread of its own."""
    pool = ThreadPoolExecutor(len(parts))
    return lambda passes: list(pool.map(lambda part: kernel(*part, passes), parts))
