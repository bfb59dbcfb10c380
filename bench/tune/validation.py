"""The ratings that a search is scored on: a part of the training ratings, never the test set.

What the search gets is a problem whose test part *is* the validation part. The files of the true
test ratings are not opened on the way, which tests/test_tune.py proves by spoiling them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.problems import cache, materialise
from mfimpls.contract import Problem, Ratings

SHARE = 0.1
_NOTHING = Ratings.of([], [], [])


def cut(dataset: str, seed: int, share: float = SHARE) -> Path:
    """The folder, for open_problem, of a data set's training ratings cut once more: a random
    `share` of them is the test part. Raises DataError.
    """
    whole = cache.open_training(materialise(dataset))
    folder = cache.folder_of(f"{dataset} validation", f"{whole.sha256} {share} {seed}")
    return folder if cache.is_complete(folder) else cache.store(split(whole, seed, share), folder)


def training(dataset: str) -> Path:
    """The folder of a data set's whole training part, with no test ratings. Raises DataError."""
    whole = cache.open_training(materialise(dataset))
    folder = cache.folder_of(f"{dataset} training", whole.sha256)
    return folder if cache.is_complete(folder) else cache.store(whole, folder)


def split(whole: Problem, seed: int, share: float) -> Problem:
    """Cut a random share off the training part; the order of the rest is kept."""
    n = len(whole.train)
    held = np.zeros(n, bool)
    rng = np.random.default_rng([seed, *b"validation"])
    held[rng.permutation(n)[: max(1, round(share * n))]] = True
    train, validation = (
        Ratings.of(*(column[mask] for column in whole.train.columns)) for mask in (~held, held)
    )
    shape = whole.n_users, whole.n_items
    return Problem.of(f"{whole.name} validation", train, validation, shape)
