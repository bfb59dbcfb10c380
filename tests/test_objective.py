"""The judge: right by hand, by finite differences and by an independent autograd."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made import random_factors, random_problem

from mfimpls import objective
from mfimpls.contract import Factors, Hyper, Problem, Ratings

# One user, two items. mean = 3, rhat = 3 + b + c_i + p q_i = (3 + 1 + 2, 3 + 0 + 1) = (6, 4).
TRAIN = Ratings.of([0, 0], [0, 1], [5, 1])
TEST = Ratings.of([0], [1], [2])
BY_HAND = Problem.of("by hand", TRAIN, TEST, (1, 2))
FACTORS = Factors(np.array([[2.0]]), np.array([[1.0], [0.5]]), np.array([0.0]), np.array([1, 0.0]))
HYPER = Hyper(rank=1, reg=0.1, reg_bias=0.01)


def test_predictions_by_hand():
    assert objective.predict(3.0, FACTORS, TRAIN.users, TRAIN.items) == pytest.approx([6, 4])


def test_loss_by_hand():
    errors = (5 - 6) ** 2 + (1 - 4) ** 2
    penalty = 0.1 * ((4 + 1) + (4 + 0.25)) + 0.01 * (1 + 0)
    assert objective.J(BY_HAND, HYPER, FACTORS) == pytest.approx((errors + penalty) / 2)


def test_gradient_by_hand():
    found = objective.gradient(BY_HAND, HYPER, FACTORS)
    # Half of -2 (e q - reg p) summed over the ratings, e = (-1, -3).
    assert found.P.ravel() == pytest.approx([-(-1 * 1 - 3 * 0.5 - 2 * 0.1 * 2)])
    assert found.Q.ravel() == pytest.approx([-(-1 * 2 - 0.1 * 1), -(-3 * 2 - 0.1 * 0.5)])
    assert found.b == pytest.approx([1 + 3])
    assert found.c == pytest.approx([-(-1 - 0.01), 3])


def test_errors_on_the_test_set_by_hand():
    assert objective.rmse(3.0, FACTORS, TEST) == pytest.approx(2)
    assert objective.mae(3.0, FACTORS, TRAIN) == pytest.approx(2)
    assert objective.rmse(3.0, FACTORS, TRAIN) == pytest.approx(5**0.5)


def test_an_empty_test_set_has_no_error():
    empty = replace(BY_HAND, test=Ratings.of([], [], []))
    found = objective.evaluate(empty, HYPER, FACTORS)
    assert np.isnan([found.test_rmse, found.test_mae]).all()
    assert np.isfinite([found.J, found.train_rmse]).all()


def test_evaluate_agrees_with_its_parts(problem, hyper):
    factors = random_factors(problem)
    found = objective.evaluate(problem, hyper, factors)
    assert pytest.approx(objective.J(problem, hyper, factors)) == found.J
    for part, rmse in ((problem.train, found.train_rmse), (problem.test, found.test_rmse)):
        assert rmse == pytest.approx(objective.rmse(problem.mean, factors, part))
    assert found.test_mae == pytest.approx(objective.mae(problem.mean, factors, problem.test))


def test_chunks_do_not_show(problem, hyper, monkeypatch):
    factors = random_factors(problem)
    whole = objective.residuals(problem.mean, factors, problem.train)
    monkeypatch.setattr(objective, "CHUNK_BYTES", 16 * 3 * 7)
    assert np.array_equal(whole, objective.residuals(problem.mean, factors, problem.train))


def test_float32_factors_are_judged_in_float64(problem, hyper):
    coarse = random_factors(problem, dtype="float32")
    fine = coarse.copy("float64")
    assert objective.J(problem, hyper, coarse) == objective.J(problem, hyper, fine)


def test_stationarity_is_one_at_the_start_and_zero_at_a_minimum(hyper):
    rating = Ratings.of([0], [0], [3.0])
    problem = Problem.of("flat", rating, rating, (1, 1))  # the mean says it all
    init = random_factors(problem)
    zero = Factors(*(np.zeros_like(a) for a in init.arrays))
    assert objective.stationarity(problem, hyper, init, init) == 1
    assert objective.stationarity(problem, hyper, zero, init) == 0


problems = st.builds(
    random_problem,
    n_users=st.integers(4, 12),
    n_items=st.integers(4, 12),
    n=st.integers(1, 6),
    n_test=st.just(1),
    seed=st.integers(0, 2**16),
)
hypers = st.builds(
    Hyper,
    rank=st.integers(1, 5),
    reg=st.floats(0, 1),
    reg_bias=st.floats(0, 1),
    biases=st.booleans(),
)
dtypes = st.sampled_from(["float32", "float64"])


@settings(max_examples=40, deadline=None)
@given(problems, hypers, dtypes)
def test_gradient_equals_an_independent_autograd(problem, hyper, dtype):
    factors = random_factors(problem, hyper.rank, dtype=dtype)
    expected = autograd(problem, hyper, factors)
    for found, other in zip(objective.gradient(problem, hyper, factors).arrays, expected.arrays):
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, other, rtol=1e-10, atol=1e-12)


def autograd(problem, hyper, factors):
    """The gradient of J as the definition reads, one rating at a time."""
    tables = [torch.tensor(a, dtype=torch.float64) for a in factors.arrays]
    for x in tables[: 4 if hyper.biases else 2]:
        x.requires_grad_()
    P, Q, b, c = tables
    J = torch.zeros((), dtype=torch.float64)
    for u, i, r in zip(*(column.tolist() for column in problem.train.columns)):
        rhat = problem.mean + b[u] + c[i] + P[u] @ Q[i]
        J = J + (r - rhat) ** 2 + hyper.reg * (P[u] @ P[u] + Q[i] @ Q[i])
        J = J + hyper.reg_bias * (b[u] ** 2 + c[i] ** 2)
    (J / len(problem.train)).backward()
    return Factors(*(np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in tables))


@settings(max_examples=25, deadline=None)
@given(problems, hypers, st.integers(0, 2**16))
def test_gradient_equals_central_differences(problem, hyper, seed):
    hyper = replace(hyper, biases=True)
    factors = random_factors(problem, hyper.rank)
    way = random_factors(problem, hyper.rank, seed=seed)
    h = 1e-5
    ahead, behind = (
        objective.J(
            problem, hyper, Factors(*(a + s * d for a, d in zip(factors.arrays, way.arrays)))
        )
        for s in (h, -h)
    )
    slope = sum(
        np.vdot(g, d)
        for g, d in zip(objective.gradient(problem, hyper, factors).arrays, way.arrays)
    )
    assert (ahead - behind) / (2 * h) == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_rows_without_ratings_have_no_gradient(hyper):
    problem = random_problem(n=3, n_test=1)
    found = objective.gradient(problem, hyper, random_factors(problem))
    n_u, n_i = objective.counts(problem)
    assert (n_u == 0).any()
    for g, n in zip(found.arrays, (n_u, n_i) * 2):
        assert not g[n == 0].any()
        assert g[n > 0].all()


def test_pinned_biases_have_no_gradient(problem, hyper):
    found = objective.gradient(problem, replace(hyper, biases=False), random_factors(problem))
    assert not found.b.any()
    assert not found.c.any()
