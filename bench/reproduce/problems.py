"""From an experiment's data set and split to a problem, a file given by path included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bench.problems import DataError, catalog, specs
from bench.problems.movielens_sets import DATASETS
from bench.reproduce.experiment import POSTED, Experiment
from mfimpls.contract import Array, Problem, Ratings

Open = Callable[[str], Problem]  # a split to its problem
HELD_OUT = 10  # ratings of each user, in the post's split


def opener(experiment: Experiment, path: str | None) -> Open:
    """What opens the problem of each of the experiment's splits, from its data set or from the
    user's file. Raises DataError.
    """
    if path and any(POSTED in parts for parts in experiment.splits):
        raise DataError(
            f"{experiment.name} draws the split of the post, which depends on the order of "
            f"{experiment.dataset}'s ids; leave out --data."
        )
    name, options = specs.parse(path or experiment.dataset)

    def open_split(split: str) -> Problem:
        if split == POSTED:
            problem = posted(catalog.load_problem(experiment.dataset))
        else:
            chosen = options | specs.parse(f"{name}[{split}]")[1]
            problem = catalog.load_problem(specs.join(name, chosen))
        return problem if experiment.mean else replace(problem, mean=0.0)

    return open_split


def at_hand(experiment: Experiment) -> bool:
    """Whether the cache holds the data set."""
    return DATASETS[experiment.dataset].cached


def other_data(experiment: Experiment, problem: Problem) -> str:
    """What makes a user's file another data set than the published one, as a sentence, or empty."""
    known = DATASETS[experiment.dataset].size
    found = problem.n_users, problem.n_items, len(problem.train) + len(problem.test)
    if found == known:
        return ""
    shapes = ["{:,} users, {:,} items and {:,} ratings".format(*size) for size in (found, known)]
    return (
        f"The file has {shapes[0]}, {experiment.dataset} has {shapes[1]}: what was published "
        f"doesn't hold for it."
    )


def posted(problem: Problem) -> Problem:
    """The same ratings under the split that the post printed its errors for.

    Of each user, in the order of ids, ten ratings are drawn as numpy.random.choice draws them after
    numpy.random.seed(0), among that user's in the order of their items' ids.
    """
    parts = zip(problem.train.columns, problem.test.columns, strict=True)
    columns = [np.concatenate(part) for part in parts]
    users, items, _ = columns
    order = np.lexsort((items, users))
    test = np.zeros(len(order), bool)
    # The legacy generator: its stream is frozen (NEP 19), and it is the one that the post used.
    random = np.random.RandomState(0)
    for rows in np.split(order, np.cumsum(np.bincount(users))[:-1]):
        test[random.choice(rows, HELD_OUT, replace=False)] = True
    shape = problem.n_users, problem.n_items
    name = f"{problem.name.partition('[')[0]}, split as posted"
    return Problem.of(name, _part(columns, ~test), _part(columns, test), shape)


def _part(columns: Sequence[Array], mask: Array) -> Ratings:
    users, items, ratings = (column[mask] for column in columns)
    return Ratings.of(users, items, ratings)
