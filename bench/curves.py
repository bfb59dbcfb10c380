"""Convergence curves from repeats, against passes and against training seconds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.records import Point, Record

Vector = NDArray[np.float64]
ROOM = 0.07


@dataclass(frozen=True, slots=True)
class Curve:
    """One score against x; all (n,). The repeats lie between two edges: the fastest and best of
    them at each pass, and the slowest and worst.
    """

    x: Vector
    y: Vector
    low: tuple[Vector, Vector]
    high: tuple[Vector, Vector]

    @property
    def after_zero(self) -> Curve:
        """Without the start, for a logarithmic x."""
        return self._only(self.x > 0)

    def thinned(self, most: int) -> Curve:
        """At most so many of its points, denser at the start, where curves bend."""
        last = len(self.x) - 1
        if last < most:
            return self
        kept = np.concatenate([np.linspace(0, last, most // 2), np.geomspace(1, last, most // 2)])
        return self._only(np.unique(kept.round().astype(np.intp)))

    def _only(self, keep: NDArray[Any]) -> Curve:
        low, high = ((x[keep], y[keep]) for x, y in (self.low, self.high))
        return Curve(self.x[keep], self.y[keep], low, high)

    @property
    def band(self) -> tuple[Vector, Vector]:
        """The outline of the area between the edges, x and y; empty where the repeats are equal."""
        if all(np.allclose(a, b, rtol=1e-5, atol=0) for a, b in zip(self.low, self.high)):
            return np.empty(0), np.empty(0)
        x, y = (np.concatenate([a, b[::-1]]) for a, b in zip(self.low, self.high))
        return x, y


def shown(records: Sequence[Record]) -> list[Record]:
    """The repeats of one backend to draw: those that succeeded, else any that has points."""
    return [r for r in records if r.succeeded and r.points] or [r for r in records if r.points]


def against_epochs(records: Sequence[Record], metric: str) -> Curve:
    """Over the passes that at least half of the repeats have."""
    return _curve(records, metric, lambda point: float(point.epoch))


def against_seconds(records: Sequence[Record], metric: str) -> Curve:
    """Over the median training time of each of these passes."""
    return _curve(records, metric, lambda point: point.train_s)


def _curve(records: Sequence[Record], metric: str, across: Callable[[Point], float]) -> Curve:
    sound = [[p for p in r.points if math.isfinite(getattr(p, metric))] for r in records]
    have = Counter(p.epoch for points in sound for p in points)
    groups = [
        [p for points in sound for p in points if p.epoch == epoch]
        for epoch in sorted(have)
        if 2 * have[epoch] >= len(records)
    ]
    x = [[across(p) for p in group] for group in groups]
    y = [[getattr(p, metric) for p in group] for group in groups]
    low, high = (_each(min, x), _each(min, y)), (_each(max, x), _each(max, y))
    return Curve(_each(np.median, x), _each(np.median, y), low, high)


def _each(summary: Callable[[list[float]], Any], groups: list[list[float]]) -> Vector:
    return np.array([summary(group) for group in groups], np.float64)


def limits(curves: Iterable[Curve]) -> tuple[float, float]:
    """Of y, to see how curves end: from the best score to the worst end or the usual first pass,
    whichever is worse. What explodes, and the start, leave at the top.
    """
    found = [curve for curve in curves if len(curve.x)]
    low = min(float(curve.y.min()) for curve in found)
    first = float(np.median([curve.y[min(1, len(curve.y) - 1)] for curve in found]))
    start = float(np.median([curve.y[0] for curve in found]))
    end = max((float(c.y[-1]) for c in found if c.y[-1] <= start), default=first)
    room = ROOM * (max(first, end) - low) or 0.1
    return low - room, max(first, end) + room
