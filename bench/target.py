"""The one score that every backend of a data set is timed to, and where a curve first meets it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.records import Point, Record
from bench.stats import median

METRICS = ("test_rmse", "J")
SLACK = 1.01  # a derived target is the best median score times this


@dataclass(frozen=True, slots=True)
class Target:
    """One score that every backend of a data set is timed to: `metric` is a field of Point."""

    metric: str
    value: float
    origin: str  # where the value comes from, as a clause

    @property
    def score(self) -> str:
        return f"{'test RMSE' if self.metric == 'test_rmse' else 'J'} {self.value:.4f}"

    @property
    def sentence(self) -> str:
        return f"{self.score} ({self.origin})"


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a curve first meets its target, interpolated: passes and training seconds."""

    epochs: float
    seconds: float


def target_of(records: Sequence[Record], asked: float | None = None) -> Target:
    """The target of one data set's records: `asked`, else the one that they carry (bench.results),
    else a derived one. The score is test RMSE unless they carry another, or J where the data set
    has no test ratings.
    """
    carried: Mapping[str, Any] = next(
        (r.problem["target"] for r in records if r.problem.get("target")), {}
    )
    metric = carried.get("metric", "test_rmse")
    if not any(_scores(r, metric) for r in records):
        metric = "J"
    if asked is not None:
        return Target(metric, asked, "as asked")
    if metric == carried.get("metric") and "value" in carried:
        return Target(**carried)
    return derived(records, metric) or Target(metric, math.nan, "no score to derive it from")


def derived(records: Sequence[Record], metric: str) -> Target | None:
    """1.01 x the best median score among the backends without failure or flag, or among all where
    there is none; None without a finite score.
    """
    agreeing = [r for r in records if r.succeeded and not r.flags] or list(records)
    scores: dict[str, list[float]] = {}
    for record in agreeing:
        if found := _scores(record, metric):
            scores.setdefault(record.case.backend, []).append(min(found))
    best = min((median(found) for found in scores.values()), default=math.nan)
    if math.isnan(best):
        return None
    return Target(metric, SLACK * best, f"{SLACK} x the best median when it was first run")


def _scores(record: Record, metric: str) -> list[float]:
    return [score for p in record.points if math.isfinite(score := getattr(p, metric))]


def crossing(points: Sequence[Point], target: Target) -> Crossing | None:
    """First crossing, linear between the two points around it; None if the curve stays above."""
    scored = [p for p in points if math.isfinite(getattr(p, target.metric))]
    if scored and getattr(scored[0], target.metric) <= target.value:
        return Crossing(scored[0].epoch, scored[0].train_s)
    for before, after in pairwise(scored):
        high, low = getattr(before, target.metric), getattr(after, target.metric)
        if low <= target.value:
            part = (high - target.value) / (high - low)
            return Crossing(
                before.epoch + part * (after.epoch - before.epoch),
                before.train_s + part * (after.train_s - before.train_s),
            )
    return None


def best_point(points: Iterable[Point], metric: str) -> Point | None:
    """The first point with the lowest score; None where no score is finite."""
    scored = [p for p in points if math.isfinite(getattr(p, metric))]
    return min(scored, key=lambda p: getattr(p, metric), default=None)
