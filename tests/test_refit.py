"""Refitting: n epochs from scratch for the n-th yield, and a clock that knows."""

from itertools import islice

import pytest
from made import random_factors, random_problem

from bench.measure import Clocks, Limits, measure
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
