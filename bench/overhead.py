"""What measuring costs: a reading of each clock, and the harness around an epoch of nothing."""

from __future__ import annotations

import json
import os
import time
import timeit
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

import numpy as np

from bench import memory
from bench.measure import Clocks, Limits, Measurement, measure
from bench.records import Point
from mfimpls.contract import Factors, Snapshot
from mfimpls.objective import Evaluation

CLOCKS: dict[Literal["perf_counter", "process_time"], Callable[[], float]] = {
    "perf_counter": time.perf_counter,
    "process_time": time.process_time,
}
READINGS = 10_000
EPOCHS = 2_000


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """One clock, in seconds: the step that it promises, the least seen, what a reading takes."""

    name: str
    resolution_s: float
    step_s: float
    reading_s: float


def clocks() -> Iterator[ClockFacts]:
    """The wall clock and the CPU clock of the harness."""
    for name, clock in CLOCKS.items():
        seen = [clock() for _ in range(READINGS)]
        yield ClockFacts(
            name,
            time.get_clock_info(name).resolution,
            min((b - a for a, b in pairwise(seen) if b > a), default=0.0),
            min(timeit.repeat(clock, number=READINGS, repeat=5)) / READINGS,
        )


def nothing(epochs: int) -> Measurement:
    """Measure a backend that does nothing and a judge that knows at once, as a worker would."""
    factors = Factors(*(np.zeros((1, 1)) for _ in range(4)))
    judged = Evaluation(1.0, 1.0, 1.0, 1.0)

    def steps() -> Iterator[Snapshot]:
        while True:
            yield lambda: factors

    with open(os.devnull, "w", buffering=1) as events:

        def tell(point: Point) -> None:
            events.write(json.dumps({"point": asdict(point)}) + "\n")

        return measure(
            steps, lambda _: judged, Limits(epochs), tell, Clocks(peak_mb=memory.peak_mb)
        )


def timed_epoch_s(m: Measurement) -> float:
    """Median of what the clock charges to one epoch."""
    return median(b.train_s - a.train_s for a, b in pairwise(m.points))
