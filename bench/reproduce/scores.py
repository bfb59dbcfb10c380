"""The scores that publications print, from the judge's residuals, in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mfimpls.contract import Array, Factors, Problem
from mfimpls.objective import mae, predict, rmse

Score = Callable[[Problem, Factors, Factors], float]
"""Of a problem, the factors at hand, and those at the start."""


def clipped_errors(problem: Problem, factors: Factors) -> Array:
    """r - rhat (n_test,) with rhat clipped to the scale of the training ratings.

    Surprise and MyMediaLite clip what they predict; the judge never does.
    """
    test, scale = problem.test, problem.train.ratings
    rhat = predict(problem.mean, factors, test.users, test.items)
    errors: Array = test.ratings - rhat.clip(scale.min(), scale.max())
    return errors


def moved(start: Factors, factors: Factors) -> float:
    """|[P; Q] - start| / |start|, Frobenius."""
    tables = np.vstack([factors.P, factors.Q]).astype(np.float64)
    before = np.vstack([start.P, start.Q]).astype(np.float64)
    return float(np.linalg.norm(tables - before) / np.linalg.norm(before))


SCORES: dict[str, Score] = {
    "test MSE": lambda p, f, _: rmse(p.mean, f, p.test) ** 2,
    "train MSE": lambda p, f, _: rmse(p.mean, f, p.train) ** 2,
    "test RMSE": lambda p, f, _: rmse(p.mean, f, p.test),
    "test MAE": lambda p, f, _: mae(p.mean, f, p.test),
    "test RMSE, clipped": lambda p, f, _: float(np.sqrt(np.mean(clipped_errors(p, f) ** 2))),
    "test MAE, clipped": lambda p, f, _: float(np.mean(np.abs(clipped_errors(p, f)))),
    "moved": lambda _, f, start: moved(start, f),
}
