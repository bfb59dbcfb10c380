"""Checks at the edges: rows without ratings, one rating, more factors than rows, no biases."""

from __future__ import annotations

import numpy as np
from numpy.linalg import norm

from mfimpls.conformance.setting import (
    EMPTY_ITEM,
    EMPTY_USER,
    NotApplicable,
    require,
    settings,
    small_problem,
    start,
    walk,
    watch,
)
from mfimpls.contract import Backend, Predictions, Problem, Ratings, Unsupported


def check_empty_rows_keep_init(backend: Backend, device: str = "cpu") -> None:
    """A user and an item without training ratings keep their start to the bit. Where something else
    than J is minimised, they may shrink towards zero, which predicts the mean.
    """
    problem, hyper = small_problem(), settings(backend, device)
    init = start(problem, hyper, bias_std=0.1)
    end = walk(backend.fit, problem, hyper, 3, init)[-1]
    for name, row in (("P", EMPTY_USER), ("b", EMPTY_USER), ("Q", EMPTY_ITEM), ("c", EMPTY_ITEM)):
        found, began = getattr(end, name)[row], getattr(init, name)[row]
        shrank = not backend.caps.minimises_J and norm(found) <= norm(began)
        require(
            np.array_equal(found, began) or bool(shrank),
            f"{name}[{row}] moved though it has no training rating: leave such rows alone "
            f"(weight_decay and dense Adam move every row; the penalty belongs to each rating).",
        )


def check_one_rating(backend: Backend, device: str = "cpu") -> None:
    """One user, one item, one rating, no test set: three epochs stay finite."""
    one = Ratings.of([0], [0], [4.0])
    _require_finite(backend, Problem.of("one", one, Ratings.of([], [], []), (1, 1)), device)


def check_rank_above_size(backend: Backend, device: str = "cpu") -> None:
    """More factors than users, items and ratings of any row: three epochs stay finite."""
    train = Ratings.of([0, 0, 1, 2, 2], [0, 1, 1, 0, 2], [4, 3, 5, 1, 2])
    problem = Problem.of("thin", train, Ratings.of([], [], []), (3, 4))
    _require_finite(backend, problem, device, rank=9)


def _require_finite(backend: Backend, problem: Problem, device: str, rank: int = 3) -> None:
    hyper = settings(backend, device, rank=rank)
    found = watch(backend.fit, problem, hyper, 3)[-1]
    shapes: list[tuple[int, ...]] = [(problem.n_users, rank), (problem.n_items, rank)]
    if isinstance(found, Predictions):
        shapes = [(len(problem.test),), (len(problem.train),)]
    require(
        all(a.shape == shape for a, shape in zip(found.arrays, shapes))
        and all(np.isfinite(a).all() for a in found.arrays),
        f"{len(problem.train)} ratings and rank {rank} leave numbers that are not finite or not of "
        f"shapes {shapes}; look for a singular system, an empty slice or a padded row.",
    )


def check_biases_off(backend: Backend, device: str = "cpu") -> None:
    """biases=False pins b and c at zero, and the factors still learn; or it is refused."""
    problem, hyper = small_problem(), settings(backend, device, biases=False)
    try:
        first, *_, end = walk(backend.fit, problem, hyper, 3)
    except Unsupported as refusal:
        raise NotApplicable(str(refusal)) from None
    require(
        not end.b.any() and not end.c.any(),
        "b or c left zero with biases=False: update them only where hyper.biases says so.",
    )
    require(not np.array_equal(first.P, end.P), "P did not move with biases=False.")


def check_biases_on(backend: Backend, device: str = "cpu") -> None:
    """biases=True trains b and c."""
    if not backend.caps.takes_biases:
        raise NotApplicable(f"{backend.name} has no biases.")
    end = walk(backend.fit, small_problem(), settings(backend, device, biases=True), 2)[-1]
    require(
        bool(end.b.any() and end.c.any()),
        "b or c is still zero with biases=True: both are learned, with the penalty reg_bias.",
    )
