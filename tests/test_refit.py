"""Refitting: n epochs from scratch for the n-th yield, and a clock that knows."""

from itertools import islice

import pytest
from made import random_factors, random_problem

from bench.measure import Clocks, Limits, measure
from mfimpls.conformance import learning, reference, setting
from mfimpls.contract import Backend, Caps
from mfimpls.objective import Evaluation
from mfimpls.refit import refit


def test_each_yield_trains_one_epoch_more_from_scratch():
    asked = []
    init = random_factors(random_problem())

    def train(epochs):
        asked.append(epochs)
        return init

    snapshots = list(islice(refit(train, init), 4))
    assert asked == [1, 2, 3]
    assert all(s().P is not init.P for s in snapshots)


def test_whoever_wants_but_the_end_skips_the_runs_before_it():
    asked = []
    init = random_factors(random_problem())

    def train(epochs):
        asked.append(epochs)
        return init

    steps = refit(train, init)
    next(steps)
    steps.send(250)
    next(steps)
    assert asked == [250, 251]


def test_a_run_may_leave_its_factors_where_they_are_until_they_are_looked_at():
    init, fetched = random_factors(random_problem()), []

    def train(epochs):
        return lambda: fetched.append(epochs) or init

    steps = refit(train, init)
    next(steps)
    snapshot = next(steps)
    assert not fetched
    assert snapshot() is init
    assert fetched == [1]


def test_the_checks_run_a_refitting_backend_to_its_end_in_one_run():
    asked = []

    def fit(problem, hyper, init):
        def train(epochs):
            asked.append(epochs)
            return setting.last(reference.als, problem, hyper, epochs)

        yield from refit(train, init)

    backend = Backend("theirs", Caps(path="theirs", refits=True, takes_init=False), fit)
    learning.check_reaches_a_stationary_point(backend)
    assert asked == [learning.CONVERGED_EPOCHS]


@pytest.mark.parametrize(("refits", "seconds"), [(True, [0, 1, 2, 3]), (False, [0, 1, 3, 6])])
def test_a_point_of_a_refit_has_the_time_of_its_own_training_run(refits, seconds):
    clock = FakeTime()
    init = random_factors(random_problem())

    def train(epochs):
        clock.now += epochs
        return init

    m = measure(
        lambda: refit(train, init),
        lambda factors: Evaluation(1.0, 1.0, 1.0, 1.0),
        Limits(epochs=3, refits=refits),
        clocks=Clocks(clock, clock),
    )
    assert [point.train_s for point in m.points] == seconds
    assert m.train_s == 6
    assert m.suspect == ""


def test_noise_never_lets_more_epochs_take_less_time():
    clock, took = FakeTime(), iter([5.0, 2.0, 7.0])
    init = random_factors(random_problem())

    def train(epochs):
        clock.now += next(took)
        return init

    m = measure(
        lambda: refit(train, init),
        lambda factors: Evaluation(1.0, 1.0, 1.0, 1.0),
        Limits(epochs=3, refits=True),
        clocks=Clocks(clock, clock),
    )
    assert [point.train_s for point in m.points] == [0, 5, 5, 7]


class FakeTime:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now
