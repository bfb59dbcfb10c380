"""Performance profiles: how often is each backend within a factor of the fastest?

Dolan and More, Benchmarking optimization software with performance profiles, Mathematical
Programming 91 (2002), doi:10.1007/s101070100263.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.row import AGREES, Row


@dataclass(frozen=True, slots=True)
class Profile:
    """One backend's step curve, continuous from the right: from `factors[k]` (float64, rising from
    1) on, it is within that factor of the fastest on `shares[k]` (float64, 0 to 1) of the problems.
    """

    backend: str
    factors: NDArray[np.float64]
    shares: NDArray[np.float64]

    def at(self, factor: float) -> float:
        """Share of the problems on which it takes at most `factor` times as long as the fastest."""
        passed = int(np.searchsorted(self.factors, factor, side="right"))
        return float(self.shares[passed - 1]) if passed else 0.0


def profiles(rows: Iterable[Row]) -> list[Profile]:
    """One curve per backend in the order first seen, over all data sets of a ranking, by median
    time to target. A target missed, a failure, a flag and a data set that a backend was not run on
    count as infinite time, so a curve need not end at 1.
    """
    times: dict[str, dict[str, float]] = {}
    for row in rows:
        met = row.verdict == AGREES and not math.isnan(row.to_target_s)
        times.setdefault(row.backend, {})[row.dataset] = row.to_target_s if met else math.inf
    problems = sorted({dataset for found in times.values() for dataset in found})
    table = np.array([[found.get(p, math.inf) for p in problems] for found in times.values()])
    return [Profile(backend, *_steps(row)) for backend, row in zip(times, _ratios(table))]


def _ratios(times: NDArray[np.float64]) -> NDArray[np.float64]:
    # Backends down, problems across. A problem that nobody solved has no fastest to compare with.
    fastest = times.min(axis=0, initial=math.inf)
    ratios = np.full_like(times, math.inf)
    np.divide(times, fastest, out=ratios, where=np.isfinite(fastest))
    return ratios


def _steps(ratios: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    factors, counts = np.unique(ratios[np.isfinite(ratios)], return_counts=True)
    shares = np.cumsum(counts) / len(ratios)
    if len(factors) and factors[0] == 1:
        return factors, shares
    return np.insert(factors, 0, 1.0), np.insert(shares, 0, 0.0)
