"""Convergence curves from repeats: median and range, against passes and training seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.records import Record
from bench.stats import median

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """One score against x: its median over repeats, lowest and highest; all (n,)."""

    x: Vector
    mid: Vector
    low: Vector
    high: Vector

    @property
    def after_zero(self) -> Curve:
        """Without the start, for a logarithmic x."""
        keep = self.x > 0
        return Curve(self.x[keep], self.mid[keep], self.low[keep], self.high[keep])


def shown(records: Sequence[Record]) -> list[Record]:
    """The repeats of one backend to draw: those that succeeded, else any that has points."""
    return [r for r in records if r.succeeded and r.points] or [r for r in records if r.points]


def against_epochs(records: Sequence[Record], metric: str) -> Curve:
    """Over the passes that every repeat has."""
    epochs = _shared_epochs(records)
    scores = [[getattr(p, metric) for p in r.points if p.epoch in epochs] for r in records]
    return _curve(np.array(sorted(epochs), np.float64), np.array(scores))


def against_seconds(records: Sequence[Record], metric: str) -> Curve:
    """Over the median time of each pass; a repeat between two of its passes is interpolated."""
    epochs = sorted(_shared_epochs(records))
    at = [{p.epoch: p.train_s for p in r.points} for r in records]
    grid = np.array([median(times[k] for times in at) for k in epochs])
    scores = [
        np.interp(grid, [p.train_s for p in r.points], [getattr(p, metric) for p in r.points])
        for r in records
    ]
    return _curve(grid, np.array(scores))


def _shared_epochs(records: Sequence[Record]) -> set[int]:
    return set.intersection(*({p.epoch for p in r.points} for r in records))


def _curve(x: Vector, scores: Vector) -> Curve:
    keep = np.isfinite(scores).all(axis=0)
    kept = scores[:, keep]
    return Curve(x[keep], np.median(kept, axis=0), kept.min(axis=0), kept.max(axis=0))
