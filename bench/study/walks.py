"""Losses of runs that nobody times: the grid on validation ratings, the end on the test set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from mfimpls import objective
from mfimpls.contract import Backend, Factors, Hyper, Problem
from mfimpls.orders import initial_factors


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting and the number of epochs with the lowest RMSE on the validation ratings."""

    settings: Mapping[str, Any]
    epochs: int
    validation_rmse: float


def choose(
    backend: Backend,
    problem: Problem,
    grid: Iterable[Mapping[str, Any]],
    limits: tuple[int, int],
    tried: Callable[[], None] = lambda: None,
) -> Choice:
    """Try a grid on a problem whose test part is the validation part. `limits` are epochs at most
    and those without a better score that end a run.
    """
    best = Choice({}, 0, math.inf)
    for settings in grid:
        epochs, rmse = lowest(backend, problem, Hyper(**settings), limits)
        if rmse < best.validation_rmse:
            best = Choice(settings, epochs, rmse)
        tried()
    return best


def lowest(
    backend: Backend, problem: Problem, hyper: Hyper, limits: tuple[int, int]
) -> tuple[int, float]:
    """The epoch with the lowest RMSE on the test part, and that RMSE; a run that diverges ends."""
    most, patience = limits
    best = (0, math.inf)
    with closing(_walk(backend, problem, hyper)) as snapshots:
        for epoch, factors in enumerate(islice(snapshots, most + 1)):
            rmse = _rmse(problem, factors)
            if rmse < best[1]:
                best = (epoch, rmse)
            if not math.isfinite(rmse) or epoch - best[0] >= patience:
                break
    return best


def final(backend: Backend, problem: Problem, hyper: Hyper, epochs: int) -> float:
    """Test RMSE after so many epochs."""
    with closing(_walk(backend, problem, hyper)) as snapshots:
        return _rmse(problem, next(islice(snapshots, epochs, None)))


def _walk(backend: Backend, problem: Problem, hyper: Hyper) -> Any:
    with np.errstate(all="ignore"):  # a step that is too long overflows
        for snapshot in backend.fit(problem, hyper, initial_factors(problem, hyper)):
            yield snapshot()


def _rmse(problem: Problem, factors: Factors) -> float:
    with np.errstate(all="ignore"):
        return objective.rmse(problem.mean, factors, problem.test)
