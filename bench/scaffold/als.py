"""my_backend: alternating least squares in NumPy, to be made your own."""

import numpy as np

from mfimpls import Factors, backend


# Declare what the backend honours: everything else is refused with a sentence, never ignored.
# Backends of path "als" must walk the sweeps of docs/objective.md number by number.
@backend("my_backend", path="als", monotone=True)
def my_backend(problem, hyper, init):
    """Exact ALS in NumPy, a row at a time."""
    # Set-up, timed as setup_s. The start is handed in and read-only: work on copies.
    P, Q, b, c = init.copy(hyper.dtype).arrays  # (n_users, rank), (n_items, rank), (n_users,), ...
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean
    of_user = by_row(users, items, targets)
    of_item = by_row(items, users, targets)

    def snapshot():  # called off the clock; must not share memory with the live tables
        return Factors(P, Q, b, c).copy()

    yield snapshot  # ready, nothing trained
    while True:  # the caller decides when to stop
        half_sweep(of_user, P, b, Q, c, hyper)
        half_sweep(of_item, Q, c, P, b, hyper)
        yield snapshot  # exactly one pass over the training ratings is done


def by_row(rows, others, targets):
    """[(row, others (n,), targets (n,))] for each row that has a rating; the rest keep their
    start.
    """
    order = np.argsort(rows, kind="stable")
    cuts = np.flatnonzero(np.diff(rows[order])) + 1
    return [(rows[part[0]], others[part], targets[part]) for part in np.split(order, cuts)]


def half_sweep(rows, P, b, Q, c, hyper):
    """Put every row of P and b at the minimum of J, with Q and c fixed."""
    rank, biases = hyper.rank, int(hyper.biases)
    penalty = np.diag([hyper.reg] * rank + [hyper.reg_bias] * biases).astype(P.dtype)
    for u, items, targets in rows:
        X = np.column_stack([Q[items], np.ones((len(items), biases), P.dtype)])
        # The penalty counts once per rating: n_u times on the diagonal.
        A = X.T @ X + len(items) * penalty
        z = np.linalg.solve(A, X.T @ (targets - c[items]))
        P[u] = z[:rank]
        if biases:
            b[u] = z[rank]
