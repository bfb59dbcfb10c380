"""Check of a backend's own step against the judge's gradient, with no implementation between."""

from __future__ import annotations

import numpy as np
from numpy.linalg import norm

from mfimpls import objective
from mfimpls.conformance.setting import (
    NotApplicable,
    flat,
    require,
    require_minimises_J,
    require_takes_init,
    settings,
    small_problem,
    start,
    walk,
)
from mfimpls.contract import Backend

# A step so small that an epoch's gradients are all taken at its start; coarser in float32.
TINY_LR = {"float64": 1e-6, "float32": 1e-3}
STEP_BOUND = {"float64": 1e-3, "float32": 5e-2}
HALF_SWEEP_BOUND = {"float64": 1e-9, "float32": 1e-4}


def check_step_follows_the_judge(backend: Backend, device: str = "cpu") -> None:
    """SGD: an epoch of tiny steps moves the factors by -lr n/2 grad J. ALS: after an epoch the
    items' gradient is zero.
    """
    require_takes_init(backend)
    require_minimises_J(backend)
    caps = backend.caps
    if caps.path == "als":
        _check_half_sweep(backend, device)
    elif "lr" in caps.uses and "sgd" in caps.optimizers:
        _check_tiny_steps(backend, device)
    else:
        raise NotApplicable(f"{backend.name} declares neither path als nor a plain sgd step.")


def _check_tiny_steps(backend: Backend, device: str) -> None:
    problem, hyper = small_problem(), settings(backend, device, optimizer="sgd")
    hyper = settings(backend, device, optimizer="sgd", lr=TINY_LR[hyper.dtype])
    before, after = walk(backend.fit, problem, hyper, 1, start(problem, hyper, bias_std=0.1))
    moved = (flat(before) - flat(after)) / (hyper.lr * len(problem.train) / 2)
    expected = flat(objective.gradient(problem, hyper, before))
    along = float(moved @ expected / (expected @ expected))
    aside = float(norm(moved - along * expected) / norm(expected))
    require(
        abs(along - 1) <= STEP_BOUND[hyper.dtype] and aside <= STEP_BOUND[hyper.dtype],
        f"An epoch of tiny steps goes {along:.3f} times as far along the gradient of half the "
        f"summands of J as it should, and {aside:.3f} aside of it: derive the step again.",
    )


def _check_half_sweep(backend: Backend, device: str) -> None:
    problem, hyper = small_problem(), settings(backend, device)
    before, after = walk(backend.fit, problem, hyper, 1)
    g, first = (objective.gradient(problem, hyper, f) for f in (after, before))
    left = float(np.maximum(norm(g.Q) / norm(first.Q), norm(g.c) / norm(first.c)))
    require(
        left <= HALF_SWEEP_BOUND[hyper.dtype],
        f"After the items' half-sweep the gradient in Q or c is still {left:.1e} of its start: "
        f"each row must solve its normal equations, with its count times reg on the diagonal.",
    )
