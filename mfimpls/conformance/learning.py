"""Checks that a backend minimises J, whatever its path."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.linalg import norm

from mfimpls import objective
from mfimpls.conformance.setting import (
    NotApplicable,
    end,
    flat,
    last,
    require,
    require_deterministic,
    require_minimises_J,
    require_takes_init,
    settings,
    skewed_problem,
    small_problem,
    start,
    walk,
    watch,
)
from mfimpls.contract import Backend, Factors, Hyper, Problem

CONVERGED_EPOCHS = 250
STATIONARITY_BOUND = 0.03
MEAN_BOUND = 0.05


def check_loss_falls(backend: Backend, device: str = "cpu") -> None:
    """Five epochs lower J, or the training RMSE of a backend that minimises something else, or the
    test RMSE of one that only predicts, with every declared optimizer and order.
    """
    problem, caps = small_problem(), backend.caps
    score = "J" if caps.minimises_J else "test_rmse" if caps.predicts else "train_rmse"
    for optimizer in caps.optimizers:
        for order in caps.orders:
            hyper = settings(backend, device, optimizer=optimizer, order=order)
            first, *_, reached = watch(backend.fit, problem, hyper, 5)
            before, after = (
                getattr(objective.evaluate(problem, hyper, f), score) for f in (first, reached)
            )
            require(
                after < before,
                f"{score} went from {before:.4f} to {after:.4f} in five epochs with {optimizer} "
                f"and {order}; look at the sign and the size of the step.",
            )


def converged(backend: Backend, device: str = "cpu") -> tuple[Problem, Hyper, Factors]:
    """The small problem, and where the backend ends up on it."""
    problem, hyper = small_problem(), settings(backend, device)
    return problem, hyper, end(backend, problem, hyper, CONVERGED_EPOCHS)


def check_reaches_a_stationary_point(backend: Backend, device: str = "cpu") -> None:
    """At the end |grad J| is at most STATIONARITY_BOUND of what it was at the start."""
    require_minimises_J(backend)
    problem, hyper, reached = converged(backend, device)
    found = objective.stationarity(problem, hyper, reached, start(problem, hyper))
    require(
        found <= STATIONARITY_BOUND,
        f"After {CONVERGED_EPOCHS} epochs |grad J| is still {found:.3f} of its start where at most "
        f"{STATIONARITY_BOUND} is right: the backend minimises something else than J. Is the "
        f"penalty counted once per rating, with reg on P and Q and reg_bias on b and c?",
    )


def check_is_monotone(backend: Backend, device: str = "cpu") -> None:
    """J never rises, if that is declared."""
    if not backend.caps.monotone:
        raise NotApplicable(f"{backend.name} does not declare monotone=True.")
    require_minimises_J(backend)
    problem, hyper = small_problem(), settings(backend, device)
    losses = [objective.J(problem, hyper, f) for f in walk(backend.fit, problem, hyper, 20)]
    slack = 1e-12 if hyper.dtype == "float64" else 1e-5
    for epoch, (before, after) in enumerate(pairwise(losses), start=1):
        require(
            after <= before * (1 + slack),
            f"J rose from {before:.6f} to {after:.6f} in epoch {epoch} of a backend that declares "
            f"monotone=True: a half-sweep must minimise J exactly over its rows.",
        )


def check_mean_is_constant(backend: Backend, device: str = "cpu") -> None:
    """The factors fit problem.mean, on ratings whose best constant is another one.

    The gradient of J is affine in the mean, so the mean for which the factors are most nearly
    stationary has a closed form.
    """
    require_minimises_J(backend)
    problem, hyper = skewed_problem(), settings(backend, device, reg=0.3, reg_bias=2.0, batch=64)
    reached = end(backend, problem, hyper, CONVERGED_EPOCHS)
    here, shifted = (
        flat(objective.gradient(replace(problem, mean=problem.mean + shift), hyper, reached))
        for shift in (0.0, 1.0)
    )
    slope = shifted - here
    shift = -float(here @ slope) / (float(slope @ slope) or 1.0)
    explained = norm(here + shift * slope) < norm(here) / 2  # else something other than the mean
    require(
        abs(shift) <= MEAN_BOUND or not explained,
        f"The factors fit a mean of {problem.mean + shift:.3f} where problem.mean is "
        f"{problem.mean:.3f}: take the constant from problem.mean and never learn it.",
    )


def check_float64_is_float64(backend: Backend, device: str = "cpu") -> None:
    """Starts moved by h and by 2h, h = 1e-6, move the result by amounts in the ratio 1 to 2, within
    1e-3; float32 anywhere in the arithmetic blurs them by 1e-1.
    """
    if "float64" not in backend.caps.dtypes:
        raise NotApplicable(f"{backend.name} does not declare float64.")
    require_takes_init(backend)
    require_deterministic(backend)
    problem, hyper = small_problem(), settings(backend, device, dtype="float64")
    init = start(problem, hyper)
    rng = np.random.default_rng(4)
    aside = [rng.normal(size=a.shape) * (1e-6 if a.ndim == 2 else 0) for a in init.arrays]
    at = [
        flat(last(backend.fit, problem, hyper, 2, _moved(init, aside, times))) for times in range(3)
    ]
    one, two = at[1] - at[0], at[2] - at[0]
    blur = float(np.abs(two - 2 * one).max() / (np.abs(one).max() or np.inf))
    require(
        np.abs(one).max() > 0 and blur < 1e-3,
        f"float64 is declared, but starts moved by 1e-6 and 2e-6 lead to results that are blurred "
        f"by {blur:.0e} of their distance: look for a cast to float32 on the way.",
    )


def _moved(init: Factors, aside: list[np.ndarray], times: int) -> Factors:
    return Factors(*(a + times * d for a, d in zip(init.arrays, aside))).frozen()
