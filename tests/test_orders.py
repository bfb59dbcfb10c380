"""The start and the order of visits: a function of the seed, the same for everybody."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import random_problem

from mfimpls.contract import ORDERS, Hyper, Problem, Ratings
from mfimpls.orders import (
    MAX_GRID,
    MIN_GRID,
    block_grid,
    block_rounds,
    epoch_orders,
    factors_sha256,
    grid_size,
    initial_factors,
    order_sha256,
)

PROBLEM = random_problem(30, 20, 200)


def orders(hyper, epochs=3, problem=PROBLEM):
    return list(islice(epoch_orders(problem, hyper), epochs))


@pytest.mark.parametrize("order", ORDERS)
def test_every_epoch_visits_each_rating_once(order):
    for visits in orders(Hyper(order=order)):
        assert visits.dtype == np.int64
        assert np.array_equal(np.sort(visits), np.arange(len(PROBLEM.train)))


@pytest.mark.parametrize("order", ORDERS)
def test_epochs_differ_and_repeat_for_a_seed(order):
    first, second, third = orders(Hyper(order=order))
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    again = orders(Hyper(order=order))
    assert all(map(np.array_equal, (first, second, third), again))


@pytest.mark.parametrize("order", ORDERS)
def test_seeds_matter_and_the_hash_tells(order):
    one, other = Hyper(order=order, seed=1), Hyper(order=order, seed=2)
    assert not np.array_equal(orders(one)[0], orders(other)[0])
    assert order_sha256(PROBLEM, one) != order_sha256(PROBLEM, other)
    assert order_sha256(PROBLEM, one) == order_sha256(PROBLEM, replace(one, lr=0.5))


sizes = st.builds(
    random_problem,
    n_users=st.integers(2, 40),
    n_items=st.integers(2, 40),
    n=st.integers(1, 3),
    n_test=st.just(1),
    seed=st.integers(0, 99),
) | st.builds(
    random_problem,
    n_users=st.integers(10, 40),
    n_items=st.integers(10, 40),
    n=st.integers(50, 90),
    seed=st.integers(0, 99),
)


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(0, 5))
def test_blocks_of_a_round_share_no_user_and_no_item(problem, epoch):
    grid = block_grid(problem, Hyper())
    for blocks in block_rounds(grid.size, 0, epoch):
        ratings = [grid.order[grid.starts[i] : grid.starts[i + 1]] for i in blocks]
        for ids in problem.train.columns[:2]:
            rows = [set(ids[r].tolist()) for r in ratings]
            assert sum(map(len, rows)) == len(set().union(*rows))


@settings(max_examples=60, deadline=None)
@given(sizes)
def test_a_grid_holds_each_rating_once_in_the_block_of_its_ids(problem):
    grid = block_grid(problem, Hyper())
    assert np.array_equal(np.sort(grid.order), np.arange(len(problem.train)))
    assert grid.starts[0] == 0
    assert grid.starts[-1] == len(problem.train)
    for cuts, size in ((grid.user_cuts, problem.n_users), (grid.item_cuts, problem.n_items)):
        assert (cuts[0], cuts[-1]) == (0, size)
        assert (np.diff(cuts) >= 0).all()
    for block in range(grid.size**2):
        i, j = divmod(block, grid.size)
        mine = grid.order[grid.starts[block] : grid.starts[block + 1]]
        users, items = problem.train.users[mine], problem.train.items[mine]
        assert ((grid.user_cuts[i] <= users) & (users < grid.user_cuts[i + 1])).all()
        assert ((grid.item_cuts[j] <= items) & (items < grid.item_cuts[j + 1])).all()


def test_rounds_of_an_epoch_visit_each_block_once():
    rounds = block_rounds(8, seed=0, epoch=3)
    assert np.array_equal(np.sort(rounds.ravel()), np.arange(64))


def test_ranges_hold_about_equally_many_ratings():
    rng = np.random.default_rng(0)
    n = 4000
    ids = np.minimum(rng.pareto(1.0, n) * 20, 199).astype(int)
    problem = replace_train(ids, rng.integers(0, 50, n), (200, 50))
    cuts = block_grid(problem, Hyper()).user_cuts
    held = np.diff(np.append(0, np.cumsum(np.bincount(ids, minlength=200)))[cuts])
    assert held.max() < n / MIN_GRID + np.bincount(ids).max()


def replace_train(users, items, shape):
    train = Ratings.of(users, items, np.ones(len(users)))
    return Problem.of("made", train, train, shape)


@pytest.mark.parametrize(
    ("shape", "rank", "size"),
    [((3, 50), 16, 3), ((943, 1682), 16, MIN_GRID), ((10**6, 10**6), 128, MAX_GRID)],
)
def test_the_grid_depends_on_sizes_and_rank_alone(shape, rank, size):
    problem = replace(PROBLEM, n_users=shape[0], n_items=shape[1])
    assert grid_size(problem, rank) == size


def test_order_inside_a_block_is_one_for_all_epochs():
    grid = block_grid(PROBLEM, Hyper())
    for epoch, visits in enumerate(orders(Hyper(order="blocks"))):
        blocks = block_rounds(grid.size, 0, epoch).ravel()
        expected = [grid.order[grid.starts[i] : grid.starts[i + 1]] for i in blocks]
        assert np.array_equal(visits, np.concatenate(expected))


def test_the_start_is_seeded_scaled_and_read_only():
    hyper = Hyper(rank=40, init_std=0.3, seed=4, dtype="float64")
    init = initial_factors(PROBLEM, hyper)
    assert [a.shape for a in init.arrays] == [(30, 40), (20, 40), (30,), (20,)]
    assert not any(a.flags.writeable for a in init.arrays)
    assert not init.b.any()
    assert not init.c.any()
    assert init.P.std() == pytest.approx(0.3, rel=0.1)
    same, other = (initial_factors(PROBLEM, replace(hyper, seed=s)) for s in (4, 5))
    assert factors_sha256(init) == factors_sha256(same) != factors_sha256(other)


def test_float32_and_float64_start_from_one_draw():
    fine, coarse = (initial_factors(PROBLEM, Hyper(dtype=d)) for d in ("float64", "float32"))
    assert np.array_equal(fine.P.astype("float32"), coarse.P)
