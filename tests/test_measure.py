"""The clock: a fake one shows what is counted where, and what ends a run."""

import math

import numpy as np
import pytest

from bench.measure import Clocks, Limits, Measurement, measure
from mfimpls.contract import Factors
from mfimpls.objective import Evaluation

SETUP, EPOCH, SNAPSHOT, EVALUATION, LISTENING = 3.0, 1.0, 0.25, 50.0, 7.0


class FakeTime:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def time():
    return FakeTime()


def run(time, losses=(4.0, 3.0, 2.0, 1.0), limits=None, cpu=None):
    """Measure a backend whose every part takes a known time and whose losses are given."""
    state = {"epoch": -1, "closed": False}

    def fit():
        def snapshot():
            time.pass_by(SNAPSHOT)
            return Factors(*(np.full((1, 1), state["epoch"]) for _ in range(4)))

        try:
            time.pass_by(SETUP)
            while True:
                state["epoch"] += 1
                yield snapshot
                time.pass_by(EPOCH)
        finally:
            state["closed"] = True

    def evaluate(factors):
        time.pass_by(EVALUATION)
        loss = losses[int(factors.P[0, 0])]
        return Evaluation(loss, loss, loss, loss)

    limits = limits or Limits(epochs=len(losses) - 1)
    listen = lambda point: time.pass_by(LISTENING)  # noqa: E731
    m = measure(fit, evaluate, limits, listen, Clocks(time, cpu or time))
    return m, state


def test_training_time_is_the_epochs_and_nothing_else(time):
    m, _ = run(time)
    assert m.train_s == 3 * EPOCH
    assert [point.train_s for point in m.points] == [0.0, 1.0, 2.0, 3.0]


def test_setup_snapshot_and_evaluation_are_accounted_apart(time):
    m, _ = run(time)
    assert m.setup_s == SETUP
    assert {point.snapshot_s for point in m.points} == {SNAPSHOT}
    assert {point.eval_s for point in m.points} == {EVALUATION}


def test_parts_add_up_to_the_whole(time):
    m, _ = run(time)
    assert m.whole_s == SETUP + 3 * EPOCH + 4 * (SNAPSHOT + EVALUATION + LISTENING)
    assert m.unaccounted == pytest.approx(0)
    assert m.suspect == ""


def test_a_part_that_nobody_counted_makes_the_clock_suspect():
    m = Measurement(setup_s=1.0, train_s=90.0, off_clock_s=5.0, whole_s=100.0)
    assert "4.0% of the run is in none of its parts" in m.suspect


def test_the_budget_counts_training_seconds_alone(time):
    m, _ = run(time, losses=range(100, 0, -1), limits=Limits(epochs=99, budget_s=5 * EPOCH))
    assert m.status == "budget"
    assert m.points[-1].epoch == 5


def test_a_run_that_ends_on_budget_and_epochs_together_is_ok(time):
    m, _ = run(time, limits=Limits(epochs=3, budget_s=3 * EPOCH))
    assert (m.status, m.points[-1].epoch) == ("ok", 3)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_divergence_ends_the_run_at_the_last_finite_epoch(time, broken):
    m, _ = run(time, losses=(4.0, 3.0, broken, 1.0))
    assert m.status == "diverged"
    assert "epoch 2" in m.reason
    assert [point.epoch for point in m.points] == [0, 1]
    assert m.last.P[0, 0] == 1


def test_effective_cores_are_cpu_over_wall_time_of_training(time):
    m, _ = run(time, cpu=lambda: 2 * time.now)
    assert m.effective_cores == 2.0


def test_the_backend_is_closed_however_the_run_ends(time):
    for losses in ((2.0, 1.0), (2.0, math.nan)):
        _, state = run(time, losses=losses)
        assert state["closed"]
