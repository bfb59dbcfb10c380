"""Checks of the snapshots: the factors of this epoch, a copy of them, and nothing but a look."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from mfimpls.conformance.setting import (
    fitting,
    require,
    require_deterministic,
    same_bits,
    settings,
    shown_after,
    small_problem,
    start,
    watch,
)
from mfimpls.contract import Backend


def check_snapshot_does_not_alias(backend: Backend, device: str = "cpu") -> None:
    """A snapshot keeps its values while training goes on, and writing into it disturbs nothing."""
    problem, hyper = small_problem(), settings(backend, device)
    clean = watch(backend.fit, problem, hyper, 2)
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        next(steps)
        taken = next(steps)()
        kept = taken.copy()
        next(steps)
        require(
            same_bits(taken, kept),
            "A snapshot's arrays changed when training went on: they are the live ones; "
            "copy when the snapshot is called.",
        )
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        next(steps)
        for a in next(steps)().arrays:
            a.flags.writeable = True
            a.fill(1e3)
        spoiled = next(steps)()
    close = all(np.abs(a - b).max() < 100 for a, b in zip(spoiled.arrays, clean[2].arrays))
    require(close, "Writing into a snapshot changed the training: copy when it is called.")


def check_snapshot_is_fresh(backend: Backend, device: str = "cpu") -> None:
    """After every epoch the snapshot has moved on."""
    found = watch(backend.fit, small_problem(), settings(backend, device), 3)
    for epoch, (before, after) in enumerate(pairwise(found), start=1):
        require(
            not same_bits(before, after),
            f"After epoch {epoch} the snapshot is still that of epoch {epoch - 1}: "
            f"it is stale, or the epoch trained nothing.",
        )


def check_snapshots_train_nothing(backend: Backend, device: str = "cpu") -> None:
    """Training that is watched after every epoch ends where unwatched training ends."""
    require_deterministic(backend)
    problem, hyper = small_problem(), settings(backend, device)
    watched = watch(backend.fit, problem, hyper, 3)[-1]
    require(
        same_bits(watched, shown_after(backend.fit, problem, hyper, 3)),
        "Three epochs end elsewhere when no snapshot is taken on the way: "
        "the work belongs between two yields, and none of it in the snapshot.",
    )
