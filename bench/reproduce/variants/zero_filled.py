"""ALS over the whole matrix, an unrated cell being a rating of zero, as the post has it."""

import numpy as np

from mfimpls.contract import Factors, backend


@backend("zero_filled_als", path="zero-filled-als", monotone=True)
def zero_filled_als(problem, hyper, init):
    """ALS over all cells, with a penalty counted once per entity.

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
        _half_sweep(R, P, b, Q, c, hyper)
        _half_sweep(R.T, Q, c, P, b, hyper)
        yield snapshot


def _half_sweep(R, P, b, Q, c, hyper):
    rank, biases = hyper.rank, hyper.biases
    X = np.hstack([Q, np.ones((len(Q), int(biases)), Q.dtype)])
    ridge = np.diag([hyper.reg] * rank + [hyper.reg_bias] * biases)
    Z = np.linalg.solve(X.T @ X + ridge, X.T @ (R - c).T).T
    P[:] = Z[:, :rank]
    if biases:
        b[:] = Z[:, rank]
