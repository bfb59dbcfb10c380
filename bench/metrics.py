"""What two runs are compared by: measures of one record, of which less is better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bench.records import Record
from bench.stats import costs
from bench.target import Target, best_point, crossing
from bench.units import count, fixed, seconds


@dataclass(frozen=True, slots=True)
class Metric:
    """`of` gives a number above 0, infinity for a miss, NaN where nothing was measured."""

    name: str  # as --fail-on takes it
    title: str
    of: Callable[[Record, Target], float]
    say: Callable[[float], str]
    least: float = 0.01  # relative change that matters to nobody, however certain
    is_score: bool = False  # follows from the seed, whenever it was run

    def ratio(self, value: float) -> str:
        """A ratio of this measure in as many decimals as matter; a dash for NaN."""
        return fixed(value, 4 if self.is_score else 2 if value < 9.995 else 0)


def _time(record: Record, target: Target) -> float:
    if best_point(record.points, target.metric) is None:
        return math.nan  # no such score to time: J of what only predicts
    met = crossing(record.points, target)
    return met.seconds if met else math.inf


def _epoch(record: Record, _: Target) -> float:
    return costs(record).epoch_s


def _rmse(record: Record, _: Target) -> float:
    best = best_point(record.points, "test_rmse")
    return best.test_rmse if best else math.nan


def _final_J(record: Record, _: Target) -> float:
    return record.points[-1].J if record.points else math.nan


def _peak(record: Record, _: Target) -> float:
    return record.own_mb


METRICS = (
    Metric("time", "time to target", _time, seconds),
    Metric("epoch", "time per epoch", _epoch, seconds),
    Metric("rmse", "best test RMSE", _rmse, fixed, least=1e-4, is_score=True),
    Metric("j", "final J", _final_J, fixed, least=1e-4, is_score=True),
    Metric("memory", "peak MB", _peak, count),
)
