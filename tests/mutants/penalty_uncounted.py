"""ALS with `reg` on the diagonal where J asks for `n_u * reg`."""

import numpy as np

from mfimpls.contract import backend


@backend("penalty_uncounted", path="als", monotone=True)
def penalty_uncounted(problem, hyper, init):
    factors = init.copy(hyper.dtype)
    users, items, ratings = problem.train.columns
    targets = ratings - problem.mean
    sides = (
        (users, items, factors.P, factors.b, factors.Q, factors.c),
        (items, users, factors.Q, factors.c, factors.P, factors.b),
    )
    yield factors.copy
    while True:
        for mine, theirs, P, b, Q, c in sides:
            for row in np.unique(mine):
                those = theirs[mine == row]
                X = np.column_stack([Q[those], np.ones(len(those))[:, None] * hyper.biases])
                ridge = np.diag([hyper.reg] * hyper.rank + [hyper.reg_bias])
                z = np.linalg.solve(X.T @ X + ridge, X.T @ (targets[mine == row] - c[those]))
                P[row], b[row] = z[:-1], z[-1] * hyper.biases
        yield factors.copy
