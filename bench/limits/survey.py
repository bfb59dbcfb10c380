"""Measuring a machine: every trial in turn, twice over, in under a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import psutil

from bench import environment
from bench.limits.readings import MachineLimits, Reading
from bench.limits.timing import seconds_per_pass
from bench.limits.trials import Extent, Trial, trials

ROUNDS = 2  # apart in time, so that what disturbs a trial for a while does not disturb all of it
LOOK_S = 0.5


def thread_counts(cores: int) -> tuple[int, ...]:
    """1, 2, half the cores and all of them: four at most, each once."""
    return tuple(sorted({n for n in (1, 2, cores // 2, cores) if 1 <= n <= cores}))


def survey(extent: Extent, hear: Callable[[int, int], None]) -> MachineLimits:
    """Measure all that an extent names; `hear` is told how many trials are done, of how many."""
    began, when, busy = time.perf_counter(), datetime.now(UTC), busy_cores()
    plan = list(trials(extent))
    seconds: list[list[float]] = [[] for _ in plan]
    work = [0.0 for _ in plan]
    for turn in range(ROUNDS):
        for k, trial in enumerate(plan):
            run, work[k] = trial.prepare()
            seconds[k] += seconds_per_pass(run)
            hear(turn * len(plan) + k + 1, ROUNDS * len(plan))
    return MachineLimits(
        machine=environment.machine(),
        measured=when.isoformat(timespec="seconds"),
        took_s=round(time.perf_counter() - began, 1),
        busy_cores=round(max(busy, busy_cores()), 2),
        packages=environment.packages(),
        readings=tuple(map(_reading, plan, work, seconds)),
    )


def busy_cores() -> float:
    """Cores that other programs keep busy right now."""
    return psutil.cpu_percent(LOOK_S) / 100 * (psutil.cpu_count() or 1)


def _reading(trial: Trial, work: float, seconds: list[float]) -> Reading:
    return Reading(
        kind=trial.kind,
        threads=trial.threads,
        row_bytes=trial.row_bytes,
        table_bytes=trial.table_bytes,
        best=work / min(seconds),
        median=work / median(seconds),
        repeats=len(seconds),
    )
