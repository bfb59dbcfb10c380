"""ALS as the post penalises it, once per entity: over the observed ratings, and over all cells."""

import numpy as np
from scipy import sparse

from mfimpls.contract import Factors, backend


@backend("zero_filled_als", path="zero-filled-als", monotone=True)
def zero_filled_als(problem, hyper, init):
    """ALS over the whole matrix, an unrated cell being a rating of zero, as the post has it.

    All users share one Gram matrix, so a half-sweep is one solve: with X = [Q, 1] and Z = [P, b],
    (X'X + diag(reg, ..., reg, reg_bias)) Z' = X' (R - mean - c)'. Without biases the ones go.
    """
    P, Q, b, c = init.copy(hyper.dtype).arrays
    R = np.zeros((problem.n_users, problem.n_items), hyper.dtype)
    R[problem.train.users, problem.train.items] = problem.train.ratings
    R -= problem.mean

    def snapshot():
        return Factors(P, Q, b, c).copy()

    yield snapshot
    while True:
        _solve_filled(R, P, b, Q, c, hyper)
        _solve_filled(R.T, Q, c, P, b, hyper)
        yield snapshot


def _solve_filled(R, P, b, Q, c, hyper):
    rank, biases = hyper.rank, hyper.biases
    X = np.hstack([Q, np.ones((len(Q), int(biases)), Q.dtype)])
    ridge = np.diag([hyper.reg] * rank + [hyper.reg_bias] * biases)
    Z = np.linalg.solve(X.T @ X + ridge, X.T @ (R - c).T).T
    P[:] = Z[:, :rank]
    if biases:
        b[:] = Z[:, rank]


@backend("per_entity_als", path="per-entity-als", monotone=True, takes_biases=False)
def per_entity_als(problem, hyper, init):
    """ALS over the observed ratings with that penalty: (sum q_i q_i' + reg I) p_u = sum r q_i."""
    P, Q, b, c = init.copy(hyper.dtype).arrays
    users, items, ratings = problem.train.columns
    shape = problem.n_users, problem.n_items
    targets = ratings.astype(hyper.dtype) - problem.mean
    R = sparse.csr_array((targets, (users, items)), shape)
    seen = sparse.csr_array((np.ones_like(targets), (users, items)), shape)
    sides = (R, seen), (R.T.tocsr(), seen.T.tocsr())

    def snapshot():
        return Factors(P, Q, b, c).copy()

    yield snapshot
    while True:
        _solve_observed(*sides[0], P, Q, hyper.reg)
        _solve_observed(*sides[1], Q, P, hyper.reg)
        yield snapshot


def _solve_observed(R, seen, P, Q, reg):
    rank = Q.shape[1]
    products = (Q[:, :, None] * Q[:, None, :]).reshape(len(Q), -1)
    grams = (seen @ products).reshape(-1, rank, rank) + reg * np.eye(rank)
    P[:] = np.linalg.solve(grams, (R @ Q)[:, :, None])[:, :, 0]
