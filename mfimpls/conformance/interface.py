"""Checks of what passes between a backend and its caller: the start, the yields, the snapshots."""

from __future__ import annotations

import random
import threading
from itertools import islice

import numpy as np

from mfimpls.conformance.setting import (
    fitting,
    require,
    settings,
    small_problem,
    start,
    walk,
)
from mfimpls.contract import DTYPES, Backend, Factors, Hyper, Problem

NAMES = ("P", "Q", "b", "c")


def check_starts_at_init(backend: Backend, device: str = "cpu") -> None:
    """The first yield's snapshot equals init to the bit, biases included."""
    problem, hyper = small_problem(), settings(backend, device)
    init = start(problem, hyper, bias_std=0.1)
    found = walk(backend.fit, problem, hyper, 0, init)[0]
    for name, a, expected in zip(NAMES, found.arrays, init.arrays):
        require(
            a.shape == expected.shape and np.array_equal(a, expected),
            f"Before training {name} is not init.{name} to the bit; start from the init that is "
            f"handed in, biases and dtype included, and yield once before the first pass.",
        )


def check_shapes_and_dtypes(backend: Backend, device: str = "cpu") -> None:
    """Snapshots are host arrays of the contract's shapes in hyper.dtype, for every declared one."""
    for dtype in backend.caps.dtypes:
        require(dtype in DTYPES, f"dtype {dtype} is not one of {', '.join(DTYPES)}.")
        problem, hyper = small_problem(), settings(backend, device, dtype=dtype)
        with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
            for snapshot in islice(steps, 2):
                _require_tables(snapshot(), problem, hyper)


def _require_tables(found: Factors, problem: Problem, hyper: Hyper) -> None:
    n, m, rank = problem.n_users, problem.n_items, hyper.rank
    for name, a, shape in zip(NAMES, found.arrays, ((n, rank), (m, rank), (n,), (m,))):
        require(
            isinstance(a, np.ndarray),
            f"{name} is a {type(a).__name__}; a snapshot holds NumPy arrays on the host.",
        )
        require(
            a.shape == shape and a.dtype == hyper.dtype,
            f"{name} is {a.dtype} of shape {a.shape} where dtype={hyper.dtype} asks for "
            f"{hyper.dtype} of shape {shape}.",
        )


def check_finite(backend: Backend, device: str = "cpu") -> None:
    """Five epochs at a moderate step leave no NaN and no infinity, in every declared dtype."""
    for dtype in backend.caps.dtypes:
        hyper = settings(backend, device, dtype=dtype)
        for epoch, found in enumerate(walk(backend.fit, small_problem(), hyper, 5)):
            bad = [n for n, a in zip(NAMES, found.arrays) if not np.isfinite(a).all()]
            require(
                not bad,
                f"{' and '.join(bad)} held NaN or infinity after epoch {epoch} in {dtype}; "
                f"look for an uninitialised array, a division by a count of zero or a wrong sign.",
            )


def check_leaves_its_input_untouched(backend: Backend, device: str = "cpu") -> None:
    """Neither the problem nor init changes by a bit or becomes writable."""
    problem, hyper = small_problem(), settings(backend, device)
    init = start(problem, hyper)
    columns = problem.train.columns + problem.test.columns + init.arrays
    before = [a.copy() for a in columns]
    walk(backend.fit, problem, hyper, 2, init)
    untouched = all(np.array_equal(a, b) and not a.flags.writeable for a, b in zip(columns, before))
    require(untouched, "The problem or init was changed or made writable; copy before you write.")


def check_closes_early(backend: Backend, device: str = "cpu") -> None:
    """Closing after any yield ends the generator and leaves no thread behind."""
    problem, hyper = small_problem(), settings(backend, device)
    init = start(problem, hyper)
    walk(backend.fit, problem, hyper, 1)  # a library's own pool, started once, may stay
    before = threading.active_count()
    for epochs in range(3):
        with fitting(backend.fit, problem, hyper, init) as steps:
            next(islice(steps, epochs, None))
        require(
            next(steps, None) is None,
            "The generator went on after close(); let GeneratorExit pass.",
        )
    require(
        threading.active_count() <= before,
        "Threads that the backend started outlive close(); end them in a finally clause.",
    )


def check_leaves_the_process_as_it_was(backend: Backend, device: str = "cpu") -> None:
    """Global random states and NumPy's error handling are the caller's."""
    problem, hyper = small_problem(), settings(backend, device)
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        before = _process_state()
        for _ in islice(steps, 3):
            for what, value in _process_state().items():
                require(
                    value == before[what],
                    f"At a yield {what} differed from the caller's: keep no context manager open "
                    f"across a yield, and draw from a generator of your own.",
                )


def _process_state() -> dict[str, object]:
    return {
        "numpy.geterr()": np.geterr(),
        "numpy's global random state": repr(np.random.get_state()),  # noqa: NPY002
        "random's global state": random.getstate(),
    }
