"""Each guard trips on what it is for, says so in one sentence, and lets honest records pass."""

import math
from dataclasses import replace

import pytest
from fake_records import PROBLEM, record

from bench.guards import guards

HONEST = record()


def with_points(changed, **fields):
    """An honest record with points 1, 2, ... changed by a function."""
    first, *rest = HONEST.points
    return replace(HONEST, points=(first, *map(changed, rest)), **fields)


def test_an_honest_record_trips_nothing():
    assert guards(HONEST) == ()
    assert guards(HONEST, monotone=True) == ()


def test_a_record_without_an_epoch_is_not_judged():
    assert guards(replace(HONEST, points=HONEST.points[:1])) == ()
    assert guards(replace(HONEST, points=())) == ()


@pytest.mark.parametrize(
    ("rmse", "trips"), [(1.154, True), (1.15, True), (1.30, True), (1.1, False)]
)
def test_the_mean_predictor_is_recognised(rmse, trips):
    found = guards(with_points(lambda p: replace(p, test_rmse=rmse)))
    assert any("no better than the mean" in sentence for sentence in found) == trips


@pytest.mark.parametrize(("snapshot_s", "trips"), [(0.3, True), (0.004, False), (0.0001, False)])
def test_a_snapshot_as_slow_as_an_epoch_gives_the_device_away(snapshot_s, trips):
    found = guards(with_points(lambda p: replace(p, snapshot_s=snapshot_s)))
    assert any("snapshot takes" in sentence for sentence in found) == trips


def test_a_slow_snapshot_of_a_slow_epoch_is_no_lie():
    slow = with_points(lambda p: replace(p, snapshot_s=0.3, train_s=2.0 * p.epoch))
    assert guards(slow) == ()


@pytest.mark.parametrize("name", ["J", "train_rmse", "test_rmse", "test_mae"])
def test_a_number_that_is_none_is_named(name):
    found = guards(with_points(lambda p: replace(p, **{name: math.nan})))
    assert [s for s in found if "not a finite number" in s] == [
        f"its {name} is not a finite number"
    ]


def test_a_problem_without_a_test_set_needs_no_test_score():
    untested = with_points(
        lambda p: replace(p, test_rmse=math.nan, test_mae=math.nan),
        problem=PROBLEM | {"n_test": 0, "mean_rmse": math.nan},
    )
    assert guards(untested) == ()


def test_a_loss_that_rises_is_told_only_of_a_monotone_backend():
    rising = with_points(lambda p: replace(p, J=p.J + (0.1 if p.epoch == 3 else 0)))
    assert guards(rising) == ()
    (sentence,) = guards(rising, monotone=True)
    assert "in epoch 3" in sentence


@pytest.mark.parametrize(("floor", "trips"), [(0.99, True), (0.94, False), (0.90, False)])
def test_better_than_the_planted_noise_is_too_good(floor, trips):
    # Honest records end at 0.936; 4 standard errors of 20,000 test ratings are 2% of the floor.
    found = guards(replace(HONEST, problem=PROBLEM | {"noise_floor": floor}))
    assert any("better than the truth" in sentence for sentence in found) == trips


def test_more_cores_than_granted_are_noticed():
    granted = HONEST.case.threads
    long_enough = with_points(lambda p: replace(p, train_s=float(p.epoch)))
    (sentence,) = guards(replace(long_enough, effective_cores=granted + 0.5))
    assert f"where {granted} threads were granted" in sentence
    assert guards(replace(long_enough, effective_cores=granted + 0.1)) == ()


def test_cores_are_not_told_from_a_few_milliseconds():
    short = with_points(lambda p: replace(p, train_s=0.001 * p.epoch))
    assert guards(replace(short, effective_cores=9.0)) == ()


def test_a_library_that_reports_more_threads_than_granted_is_named():
    granted = HONEST.case.threads
    env = replace(HONEST.env, threads={"openblas": granted + 2, "numba": granted})
    (sentence,) = guards(replace(HONEST, env=env))
    assert sentence == f"openblas reports {granted + 2} threads where {granted} were granted"
