"""The quoted variants against plain transcriptions of what they quote."""

from itertools import pairwise

import numpy as np
import pytest
from made import random_factors, random_problem

from bench.reproduce.variants import HOMES, backend_of
from mfimpls import registry
from mfimpls.contract import Factors, Hyper
from mfimpls.orders import epoch_orders

EPOCHS = 3
PROBLEM = random_problem()
INIT = random_factors(PROBLEM).frozen()
USERS, ITEMS = PROBLEM.train.columns[:2]
RATINGS = PROBLEM.train.ratings.astype(float)


PLAIN = Factors(INIT.P, INIT.Q, 0 * INIT.b, 0 * INIT.c).frozen()


def walked(name, hyper, init=INIT):
    steps = backend_of(name).fit(PROBLEM, hyper, init)
    snapshots = [next(steps)() for _ in range(EPOCHS + 1)]
    for a, start in zip(snapshots[0].arrays, init.arrays):
        np.testing.assert_allclose(a, start, rtol=1e-6)
    return snapshots[-1]


def by_hand(hyper, orders, in_turn):
    """The blog's loop and Surprise's, which differ in the p that moves q."""
    P, Q, b, c = INIT.copy().arrays
    for _, order in zip(range(EPOCHS), orders):
        for n in order:
            u, i = USERS[n], ITEMS[n]
            e = RATINGS[n] - PROBLEM.mean - b[u] - c[i] - P[u] @ Q[i]
            p = P[u].copy()
            P[u] += hyper.lr * (e * Q[i] - hyper.reg * P[u])
            Q[i] += hyper.lr * (e * (P[u] if in_turn else p) - hyper.reg * Q[i])
            if hyper.biases:
                b[u] += hyper.lr * (e - hyper.reg_bias * b[u])
                c[i] += hyper.lr * (e - hyper.reg_bias * c[i])
    return P, Q, b, c


def by_user():
    while True:
        yield [n for u in range(PROBLEM.n_users) for n in np.flatnonzero(u == USERS)]


@pytest.mark.parametrize("biases", [True, False])
def test_the_posts_sgd_moves_q_along_the_moved_p(biases):
    hyper = Hyper(rank=3, reg=0.2, reg_bias=0.3, lr=0.05, dtype="float64", biases=biases)
    expected = by_hand(hyper, epoch_orders(PROBLEM, hyper), in_turn=True)
    for got, want in zip(walked("pair_in_turn", hyper).arrays, expected):
        np.testing.assert_allclose(got, want, rtol=1e-9)


def test_surprises_sgd_goes_user_by_user_in_the_order_of_the_file():
    hyper = Hyper(rank=3, reg=0.2, reg_bias=0.3, lr=0.05, dtype="float64")
    for got, want in zip(
        walked("user_by_user", hyper).arrays, by_hand(hyper, by_user(), in_turn=False)
    ):
        np.testing.assert_allclose(got, want, rtol=1e-9)


@pytest.mark.parametrize(("name", "filled"), [("zero_filled_als", True), ("per_entity_als", False)])
def test_the_posts_als_solves_each_row_over_all_cells_or_over_the_observed(name, filled):
    hyper = Hyper(rank=3, reg=0.2, biases=False, dtype="float64")
    R = np.zeros((PROBLEM.n_users, PROBLEM.n_items))
    seen = np.full(R.shape, filled)
    R[USERS, ITEMS], seen[USERS, ITEMS] = RATINGS, True
    R -= PROBLEM.mean
    P, Q = INIT.P.copy(), INIT.Q.copy()
    for _ in range(EPOCHS):
        for u in range(len(P)):
            P[u] = ridge(Q[seen[u]], R[u, seen[u]], hyper.reg)
        for i in range(len(Q)):
            Q[i] = ridge(P[seen[:, i]], R[seen[:, i], i], hyper.reg)
    found = walked(name, hyper, PLAIN)
    np.testing.assert_allclose(found.P, P, rtol=1e-8)
    np.testing.assert_allclose(found.Q, Q, rtol=1e-8)


def ridge(X, y, reg):
    return np.linalg.solve(X.T @ X + reg * np.eye(X.shape[1]), X.T @ y)


def test_zero_filled_als_with_biases_never_raises_its_own_loss():
    hyper = Hyper(rank=3, reg=0.2, reg_bias=0.4, dtype="float64")
    R = np.zeros((PROBLEM.n_users, PROBLEM.n_items))
    R[USERS, ITEMS] = RATINGS

    def loss(f):
        e = R - PROBLEM.mean - f.b[:, None] - f.c - f.P @ f.Q.T
        penalty = hyper.reg * (np.sum(f.P**2) + np.sum(f.Q**2))
        return np.sum(e**2) + penalty + hyper.reg_bias * (np.sum(f.b**2) + np.sum(f.c**2))

    steps = backend_of("zero_filled_als").fit(PROBLEM, hyper, INIT)
    losses = [loss(next(steps)()) for _ in range(8)]
    assert all(after <= before + 1e-9 for before, after in pairwise(losses))
    assert losses[-1] < 0.9 * losses[0]


def test_damped_biases_are_damped_means_items_first():
    hyper = Hyper(rank=3, dtype="float64", options={"reg_user": 4.0, "reg_item": 2.0})
    b, c = np.zeros(PROBLEM.n_users), np.zeros(PROBLEM.n_items)
    b[:], c[:] = INIT.b, INIT.c
    for _ in range(EPOCHS):
        for i in range(len(c)):
            rows = i == ITEMS
            c[i] = (RATINGS[rows] - PROBLEM.mean - b[USERS[rows]]).sum() / (2 + rows.sum())
        for u in range(len(b)):
            rows = u == USERS
            b[u] = (RATINGS[rows] - PROBLEM.mean - c[ITEMS[rows]]).sum() / (4 + rows.sum())
    found = walked("damped_biases", hyper)
    np.testing.assert_allclose(found.b, b, rtol=1e-9)
    np.testing.assert_allclose(found.c, c, rtol=1e-9)
    np.testing.assert_array_equal(found.P, INIT.P)


def printed(**options):
    init = random_factors(PROBLEM, dtype="float32").frozen()
    hyper = Hyper(rank=3, biases=False, lr=0.01, options=options)
    steps = backend_of("printed_module").fit(PROBLEM, hyper, init)
    return init, hyper, [next(steps)() for _ in range(2)][-1]


@pytest.mark.parametrize("zero_grad", [True, False])
def test_the_printed_module_steps_twice_as_far_and_keeps_gradients_where_it_forgets_to(zero_grad):
    init, hyper, found = printed(zero_grad=zero_grad)
    P, Q = init.P.astype(float), init.Q.astype(float)
    dP, dQ = np.zeros_like(P), np.zeros_like(Q)
    for n in next(epoch_orders(PROBLEM, hyper)):
        u, i = USERS[n], ITEMS[n]
        e = RATINGS[n] - P[u] @ Q[i]
        if zero_grad:
            dP[:], dQ[:] = 0, 0
        dP[u] -= 2 * e * Q[i]
        dQ[i] -= 2 * e * P[u]
        P -= hyper.lr * dP
        Q -= hyper.lr * dQ
    np.testing.assert_allclose(found.P, P, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.Q, Q, rtol=1e-4, atol=1e-5)


def test_weight_decay_on_sparse_gradients_is_refused_by_torch():
    with pytest.raises(RuntimeError, match="sparse"):
        printed(weight_decay=1e-5)


def test_no_variant_can_be_raced():
    assert not set(HOMES) & set(registry.names())
