"""Small problems and factors made from a seed."""

import numpy as np

from mfimpls.contract import Factors, Problem, Ratings


def random_problem(n_users=9, n_items=7, n=40, seed=0, n_test=10):
    """Distinct cells of a small matrix; rows may be empty."""
    rng = np.random.default_rng(seed)
    cells = rng.choice(n_users * n_items, n + n_test, replace=False)
    users, items = np.divmod(cells, n_items)
    ratings = rng.normal(3.5, 1, n + n_test)
    train = Ratings.of(users[:n], items[:n], ratings[:n])
    test = Ratings.of(users[n:], items[n:], ratings[n:])
    return Problem.of("random", train, test, (n_users, n_items))


def random_factors(problem, rank=3, seed=1, dtype="float64"):
    rng = np.random.default_rng(seed)
    n, m = problem.n_users, problem.n_items
    shapes = ((n, rank), (m, rank), (n,), (m,))
    return Factors(*(rng.normal(0, 0.5, shape).astype(dtype) for shape in shapes))
