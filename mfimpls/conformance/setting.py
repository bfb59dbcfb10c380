"""What every check needs: two small problems, settings that a backend can honour, and its trace.

Problems are made anew for each use: a backend that spoils its input must not spoil another's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mfimpls.contract import (
    Array,
    Backend,
    Factors,
    Fit,
    Hyper,
    Predictions,
    Problem,
    Ratings,
    Shown,
    Snapshot,
)
from mfimpls.orders import initial_factors

EMPTY_USER, EMPTY_ITEM = 7, 5
LR = {"sgd": 0.05, "adagrad": 0.2, "rowwise_adagrad": 0.2, "adam": 0.02}
STEADY_LR = {"sgd": 0.01, "adagrad": 0.2, "rowwise_adagrad": 0.2, "adam": 0.004}  # without decay


class Failed(AssertionError):
    """The backend breaks the contract; the message says what was seen and where to look."""


class NotApplicable(Exception):
    """The backend declares nothing that this check could hold it to; the message says what."""


def require(holds: bool, message: str) -> None:
    if not holds:
        raise Failed(message)


def require_deterministic(backend: Backend) -> None:
    if not backend.caps.deterministic:
        raise NotApplicable(f"{backend.name} declares deterministic=False.")


def require_minimises_J(backend: Backend) -> None:
    if not backend.caps.minimises_J:
        raise NotApplicable(f"{backend.name} minimises {backend.caps.objective}, not J.")


def require_takes_init(backend: Backend) -> None:
    if not backend.caps.takes_init:
        raise NotApplicable(f"{backend.name} draws a start of its own.")


def small_problem() -> Problem:
    """30 users, 24 items, 300 training ratings of planted rank 2 with biases and noise; user 7 and
    item 5 have none.
    """
    rng = np.random.default_rng(2017)
    n_users, n_items = 30, 24
    b, c = rng.normal(0, 0.5, n_users), rng.normal(0, 0.5, n_items)
    P, Q = rng.normal(0, 0.8, (n_users, 2)), rng.normal(0, 0.8, (n_items, 2))
    R = 3.5 + b[:, None] + c + P @ Q.T + rng.normal(0, 0.3, (n_users, n_items))
    full = np.ones(R.shape, bool)
    full[EMPTY_USER], full[:, EMPTY_ITEM] = False, False
    cells = rng.permutation(np.flatnonzero(full))
    empty = np.flatnonzero(~full)[::3]
    parts = [_cells(R, cells[:300]), _cells(R, np.concatenate([cells[300:400], empty]))]
    return Problem.of("small", parts[0], parts[1], R.shape)


def skewed_problem() -> Problem:
    """Two groups of users with items of their own: 200 ratings near 4, 25 near 1. Its best mean is
    far from its mean.
    """
    rng = np.random.default_rng(2018)
    R = np.where(np.arange(25) < 20, 4.0, 1.0)[:, None] + rng.normal(0, 0.05, (25, 15))
    group = np.add.outer(np.arange(25) >= 20, 2 * (np.arange(15) >= 10))
    train = _cells(R, rng.permutation(np.flatnonzero((group == 0) | (group == 3))))
    return Problem.of("skewed", train, train, R.shape)


def _cells(R: Array, cells: Array) -> Ratings:
    users, items = np.divmod(cells, R.shape[1])
    return Ratings.of(users, items, R.ravel()[cells])


def settings(backend: Backend, device: str = "cpu", **wanted: Any) -> Hyper:
    """A small Hyper in float64 where the backend has it, with `wanted` on top; what the backend
    does not use is left at its default.
    """
    caps = backend.caps
    optimizer = wanted.get("optimizer", _first(caps.optimizers, "sgd"))
    choice: dict[str, Any] = {
        "rank": 3,
        "reg": 0.2,
        "reg_bias": 0.4,
        "lr": (LR if "decay" in caps.uses else STEADY_LR)[optimizer],
        "decay": 0.98,
        "batch": 32,
        "optimizer": optimizer,
        "order": _first(caps.orders, "shuffle"),
        "dtype": _first(caps.dtypes, "float64"),
        "seed": 5,
        "init_std": 0.3,
        "biases": caps.takes_biases,
    } | wanted
    optional = {"lr", "decay", "batch", "optimizer", "order", "dropout"} - set(caps.uses)
    return Hyper(device=device, **{k: v for k, v in choice.items() if k not in optional})


def _first(able: tuple[str, ...], preferred: str) -> str:
    return preferred if preferred in able else able[0]


def start(problem: Problem, hyper: Hyper, bias_std: float = 0.0) -> Factors:
    """The usual read-only start; with bias_std > 0 the biases start away from zero too."""
    P, Q, b, c = initial_factors(problem, hyper).arrays
    rng = np.random.default_rng(11)
    noise = [rng.normal(0, 1, len(a)).astype(a.dtype) * bias_std * hyper.biases for a in (b, c)]
    return Factors(P, Q, *noise).frozen()


@contextmanager
def fitting(
    fit: Fit, problem: Problem, hyper: Hyper, init: Factors
) -> Iterator[Generator[Snapshot, Any, None]]:
    """The steps of a fit, closed at the end as a harness does."""
    steps = fit(problem, hyper, init)
    if not isinstance(steps, Generator):
        raise Failed("fit must be a generator function: a harness closes it when it has enough.")
    with closing(steps):
        yield steps


def walk(
    fit: Fit, problem: Problem, hyper: Hyper, epochs: int, init: Factors | None = None
) -> list[Factors]:
    """The factors after 0, 1, ..., epochs passes, copied. Raises NotApplicable where there are
    none.
    """
    return [_factors(shown) for shown in watch(fit, problem, hyper, epochs, init)]


def watch(
    fit: Fit, problem: Problem, hyper: Hyper, epochs: int, init: Factors | None = None
) -> list[Shown]:
    """What it shows after 0, 1, ..., epochs passes, factors or predictions, copied."""
    with fitting(fit, problem, hyper, init or start(problem, hyper)) as steps:
        found = [snapshot().copy() for snapshot in islice(steps, epochs + 1)]
    require(
        len(found) == epochs + 1,
        f"fit stopped after {len(found)} yields where {epochs + 1} were asked for; "
        f"it must be endless, the caller decides when to stop.",
    )
    return found


def last(
    fit: Fit, problem: Problem, hyper: Hyper, epochs: int, init: Factors | None = None
) -> Factors:
    """The factors after `epochs` passes, with no snapshot taken on the way. Raises NotApplicable
    where there are none.
    """
    return _factors(shown_after(fit, problem, hyper, epochs, init))


def shown_after(
    fit: Fit, problem: Problem, hyper: Hyper, epochs: int, init: Factors | None = None
) -> Shown:
    """What it shows after `epochs` passes, factors or predictions, with no look on the way."""
    with fitting(fit, problem, hyper, init or start(problem, hyper)) as steps:
        for _ in range(epochs):
            next(steps)
        return next(steps)().copy()


def end(backend: Backend, problem: Problem, hyper: Hyper, epochs: int) -> Factors:
    """The factors after `epochs` passes; of a backend that refits, after one run of so many."""
    if not backend.caps.refits:
        return last(backend.fit, problem, hyper, epochs)
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        next(steps)
        return _factors(steps.send(epochs)().copy())


def _factors(shown: Shown) -> Factors:
    if isinstance(shown, Predictions):
        raise NotApplicable("It shows predictions and no factors, so there is no J to hold it to.")
    return shown


def same_bits(one: Shown, other: Shown) -> bool:
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(one.arrays, other.arrays)
    )


def named(shown: Shown) -> dict[str, Array]:
    """The arrays of a snapshot by name."""
    names = ("test", "train") if isinstance(shown, Predictions) else "PQbc"
    return dict(zip(names, shown.arrays))


def difference(found: Shown, expected: Shown) -> tuple[str, float]:
    """The table that differs most, and by how much: its largest difference over the largest entry
    of all expected tables; infinite where a number is not.
    """
    scale = max(float(np.abs(a).max(initial=0.0)) for a in expected.arrays) or 1.0
    gaps = {
        name: float(np.abs(a.astype(np.float64) - b).max(initial=0.0)) / scale
        for (name, a), b in zip(named(found).items(), expected.arrays)
    }
    gaps = {name: gap if np.isfinite(gap) else np.inf for name, gap in gaps.items()}
    name = max(gaps, key=gaps.__getitem__)
    return name, gaps[name]


def flat(factors: Factors) -> NDArray[np.float64]:
    """P, Q, b and c as one vector."""
    return np.concatenate([a.ravel() for a in factors.arrays]).astype(np.float64)
