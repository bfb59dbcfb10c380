"""Check that a backend walks the written path of docs/objective.md, number by number.

A backend that leaves it is compared with the path under each of the usual mistakes, so that the
message can name the one that it made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from mfimpls.conformance.reference import PATHS
from mfimpls.conformance.setting import (
    NotApplicable,
    difference,
    require,
    require_minimises_J,
    require_takes_init,
    settings,
    small_problem,
    start,
    walk,
)
from mfimpls.conformance.suspects import suspects
from mfimpls.contract import Backend, Caps, Factors, Fit, Hyper

EPOCHS = 2  # the second shows what decay, state and a new order do
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}
ROUNDING, LIKENESS = 1e-5, 1e-4


def check_follows_its_path(backend: Backend, device: str = "cpu") -> None:
    """Two epochs equal the written definition's, for every declared batch, optimizer, order and
    option, with and without biases.
    """
    require_takes_init(backend)
    require_minimises_J(backend)
    caps = backend.caps
    if caps.path not in PATHS:
        raise NotApplicable(
            f"path {caps.path!r} has no written definition; those that have: {', '.join(PATHS)}."
        )
    for wanted in _variants(caps):
        hyper = settings(backend, device, **wanted)
        init = start(small_problem(), hyper, bias_std=0.1)
        found = walk(backend.fit, small_problem(), hyper, EPOCHS, init)
        expected = _walk(PATHS[caps.path], hyper, EPOCHS, init)
        for epoch, (one, other) in enumerate(zip(found, expected)):
            table, gap = difference(one, other)
            require(
                gap <= TOLERANCE[hyper.dtype],
                f"With {_said(caps, wanted)} {table} leaves the written path {caps.path} in epoch "
                f"{epoch} by {gap:.1e} of its size, where {TOLERANCE[hyper.dtype]:.0e} is right in "
                f"{hyper.dtype}. {_diagnosis(caps.path, hyper, found, epoch, gap)}",
            )


def _variants(caps: Caps) -> Iterator[dict[str, Any]]:
    # One thing varies at a time, but every optimizer meets both kinds of batch.
    batches = (1, 16) if "batch" in caps.uses else (1,)
    for optimizer in caps.optimizers:
        for batch in batches:
            yield {"batch": batch, "optimizer": optimizer}
    for order in caps.orders[1:]:
        for batch in batches:
            yield {"batch": batch, "order": order}
    if "dropout" in caps.uses:
        for batch in batches:
            yield {"batch": batch, "dropout": 0.3}
    yield {"biases": False}
    for option in caps.options:
        choices = option.choices or ((True, False) if isinstance(option.default, bool) else ())
        for value in choices:
            yield {"options": {option.name: value}}


def _said(caps: Caps, wanted: dict[str, Any]) -> str:
    told = [f"{k}={v}" for k, v in wanted.items() if k in (*caps.uses, "biases", "options")]
    return ", ".join(told) or "its defaults"


def _diagnosis(path: str, hyper: Hyper, trace: list[Factors], epoch: int, gap: float) -> str:
    # What the trace, which parts from the path in `epoch` by `gap`, looks like.
    if epoch == 0:
        return "It does not start at init."
    if gap < ROUNDING:
        return "So small a gap comes from float32 arithmetic, or from another small constant."
    for what, fit, changed in suspects(path, hyper):
        with np.errstate(all="ignore"):  # a mistake may well diverge
            walked = _walk(fit, changed, epoch, trace[0])
        if difference(trace[epoch], walked[epoch])[1] <= LIKENESS:
            return f"It walks as if {what}."
    return (
        "None of the usual mistakes fits: is the order that of epoch_orders and the mean "
        "problem.mean? If so, compare one step with docs/objective.md by hand."
    )


def _walk(fit: Fit, hyper: Hyper, epochs: int, init: Factors) -> list[Factors]:
    # From the start in hyper.dtype, but in float64 from there on.
    exact = replace(hyper, dtype="float64", device="cpu", options={})
    return walk(fit, small_problem(), exact, epochs, init)
