"""Checks of what passes between a backend and its caller: the start, the yields, the snapshots."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from itertools import islice

import numpy as np

from mfimpls.conformance.setting import (
    NotApplicable,
    difference,
    fitting,
    named,
    require,
    require_deterministic,
    settings,
    shown_after,
    small_problem,
    start,
    watch,
)
from mfimpls.contract import DTYPES, Backend, Factors, Hyper, Predictions, Problem, Ratings

NAMES = ("P", "Q", "b", "c")


def check_starts_at_init(backend: Backend, device: str = "cpu") -> None:
    """The first yield's snapshot equals init to the bit, biases included; of a backend that only
    predicts, it is the mean of the training ratings.
    """
    problem, hyper = small_problem(), settings(backend, device)
    init = start(problem, hyper, bias_std=0.1)
    found = watch(backend.fit, problem, hyper, 0, init)[0]
    if isinstance(found, Predictions):
        require(
            all(np.allclose(a, problem.mean, rtol=1e-6) for a in found.arrays),
            "Before training its predictions are not problem.mean, though nothing was learned yet.",
        )
        return
    for name, a, expected in zip(NAMES, found.arrays, init.arrays):
        require(
            a.shape == expected.shape and np.array_equal(a, expected),
            f"Before training {name} is not init.{name} to the bit; start from the init that is "
            f"handed in, biases and dtype included, and yield once before the first pass.",
        )


def check_shapes_and_dtypes(backend: Backend, device: str = "cpu") -> None:
    """Snapshots are factors, host arrays of the contract's shapes in hyper.dtype, for every
    declared one; or, as declared, predictions, one for each rating.
    """
    for dtype in backend.caps.dtypes:
        require(dtype in DTYPES, f"dtype {dtype} is not one of {', '.join(DTYPES)}.")
        problem, hyper = small_problem(), settings(backend, device, dtype=dtype)
        with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
            for snapshot in islice(steps, 2):
                shown = snapshot()
                kind = Predictions if backend.caps.predicts else Factors
                require(
                    isinstance(shown, kind),
                    f"A snapshot is a {type(shown).__name__}, where predicts="
                    f"{backend.caps.predicts} declares {kind.__name__}.",
                )
                if isinstance(shown, Factors):
                    _require_tables(shown, problem, hyper)
                else:
                    _require_predictions(shown, problem)


def _require_predictions(found: Predictions, problem: Problem) -> None:
    for name, part in (("test", problem.test), ("train", problem.train)):
        a = named(found).get(name)
        require(
            a is None or (isinstance(a, np.ndarray) and a.shape == (len(part),)),
            f"{name} does not hold one prediction for each of {len(part)} ratings, as an array.",
        )


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


def check_predicts_pair_by_pair(backend: Backend, device: str = "cpu") -> None:
    """Predictions belong to the test pairs in their order: pairs that come in another order have
    the same ones.
    """
    if not backend.caps.predicts:
        raise NotApplicable(f"{backend.name} shows its factors, and the judge predicts.")
    require_deterministic(backend)
    problem, hyper = small_problem(), settings(backend, device)
    backwards = replace(problem, test=Ratings.of(*(a[::-1] for a in problem.test.columns)))
    forth, back = (shown_after(backend.fit, p, hyper, 3).arrays[0] for p in (problem, backwards))
    _, gap = difference(Predictions(back[::-1]), Predictions(forth))
    require(
        gap < 1e-6,
        f"Predictions changed by {gap:.1e} of their size when the test pairs came in another "
        f"order: each must be that of its own pair; are ids of the right type, and known?",
    )


def check_finite(backend: Backend, device: str = "cpu") -> None:
    """Five epochs at a moderate step leave no NaN and no infinity, in every declared dtype."""
    for dtype in backend.caps.dtypes:
        hyper = settings(backend, device, dtype=dtype)
        for epoch, found in enumerate(watch(backend.fit, small_problem(), hyper, 5)):
            bad = [name for name, a in named(found).items() if not np.isfinite(a).all()]
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
    watch(backend.fit, problem, hyper, 2, init)
    untouched = all(np.array_equal(a, b) and not a.flags.writeable for a, b in zip(columns, before))
    require(untouched, "The problem or init was changed or made writable; copy before you write.")


def check_closes_early(backend: Backend, device: str = "cpu") -> None:
    """Closing after any yield ends the generator and leaves no thread behind."""
    problem, hyper = small_problem(), settings(backend, device)
    init = start(problem, hyper)
    watch(backend.fit, problem, hyper, 1)  # a library's own pool, started once, may stay
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
