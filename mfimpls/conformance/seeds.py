"""Checks of what may decide a result: the seed and the training ratings, nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from mfimpls.conformance.setting import (
    NotApplicable,
    difference,
    require,
    require_deterministic,
    same_bits,
    settings,
    shown_after,
    small_problem,
    start,
)
from mfimpls.contract import Array, Backend, Problem, Ratings


def check_repeats(backend: Backend, device: str = "cpu") -> None:
    """The same seed gives the same bits again, in every declared dtype, order and optimizer."""
    require_deterministic(backend)
    caps, problem = backend.caps, small_problem()
    variants = [("dtype", d) for d in caps.dtypes]
    variants += [("order", o) for o in caps.orders if "order" in caps.uses]
    variants += [("optimizer", o) for o in caps.optimizers if "optimizer" in caps.uses]
    for name, value in variants:
        hyper = settings(backend, device, **{name: value})
        require(
            same_bits(
                shown_after(backend.fit, problem, hyper, 3),
                shown_after(backend.fit, problem, hyper, 3),
            ),
            f"Two runs with {name}={value} and one seed differ: draw all randomness from "
            f"hyper.seed, remove races, or declare deterministic=False.",
        )


def check_threads_do_not_matter(backend: Backend, device: str = "cpu") -> None:
    """One thread and several give the same bits, for every declared order."""
    require_deterministic(backend)
    problem = _wide_problem()
    for order in backend.caps.orders:
        hyper = settings(backend, device, order=order, rank=16, batch=4096, lr=0.002)
        results = []
        for threads in (1, 2, 4):
            with limited(threads):
                results.append(shown_after(backend.fit, problem, hyper, 2))
        require(
            all(same_bits(results[0], other) for other in results[1:]),
            f"1, 2 and 4 threads lead to different bits with order={order}: split the work so that "
            f"each sum has one owner and one order, or declare deterministic=False.",
        )


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Run with so many threads in BLAS, in Numba and in torch, as far as they are loaded.

    Numba takes no more than NUMBA_NUM_THREADS said when it loaded.
    """
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(threads))
        numba, torch = sys.modules.get("numba"), sys.modules.get("torch")
        if numba:
            stack.callback(numba.set_num_threads, numba.get_num_threads())
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        if torch:
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(threads)
        yield


def _wide_problem() -> Problem:
    # Wide enough for libraries that use one thread on little work.
    rng = np.random.default_rng(3)
    n, shape = 10_000, (200, 150)
    users, items = rng.integers(0, shape[0], n), rng.integers(0, shape[1], n)
    train = Ratings.of(users, items, rng.normal(3.5, 1, n))
    return Problem.of("wide", train, Ratings.of(*(a[:500] for a in train.columns)), shape)


def check_seed_matters(backend: Backend, device: str = "cpu") -> None:
    """Another seed visits the ratings in another order, from one and the same start."""
    if "order" not in backend.caps.uses:
        raise NotApplicable(f"{backend.name} declares no use of a sample order.")
    problem = small_problem()
    for order in backend.caps.orders:
        hyper = settings(backend, device, order=order)
        init = start(problem, hyper)
        one, other = (
            shown_after(backend.fit, problem, replace(hyper, seed=seed), 1, init) for seed in (5, 6)
        )
        require(
            not same_bits(one, other),
            f"Seeds 5 and 6 lead to the same factors with order={order}: "
            f"take the order of each epoch from epoch_orders.",
        )


def check_ignores_the_test_set(backend: Backend, device: str = "cpu") -> None:
    """NaN, absurd or no test ratings change nothing."""
    problem, hyper = small_problem(), settings(backend, device)
    honest = shown_after(backend.fit, problem, hyper, 3)
    for test, what in (
        (_rated(problem.test, np.full(len(problem.test), np.nan)), "NaN as test ratings"),
        (_rated(problem.test, problem.test.ratings - 100), "test ratings moved by -100"),
        (Ratings.of([], [], []), "an empty test set"),
    ):
        if backend.caps.predicts and not len(test):
            continue  # it is given the pairs to predict, and none leave nothing to compare
        found = shown_after(backend.fit, replace(problem, test=test), hyper, 3)
        unmoved = (
            same_bits(found, honest)
            if backend.caps.deterministic
            else difference(found, honest)[1] < 0.1
        )
        require(
            unmoved,
            f"The result changed with {what}: the backend reads problem.test, "
            f"to train on it or to choose an epoch; it may only look at problem.train.",
        )


def _rated(part: Ratings, ratings: Array) -> Ratings:
    return Ratings.of(part.users, part.items, ratings)
