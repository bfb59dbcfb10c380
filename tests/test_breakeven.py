"""Break-even, against values worked out by hand."""

import math
from dataclasses import replace

import fake_records as fake
import pytest

from bench.breakeven import Line, Race, break_even, over_epochs, over_ratings, race
from bench.leaderboard import rows
from bench.row import Row
from bench.stats import Costs

# numpy starts at once and takes 1 s an epoch; numba compiles for 4 s and takes 0.2 s.
NUMPY = Costs(0.1, 0.0, 0.1, 1.2, 1.0, 9.0, 9.0)
NUMBA = Costs(0.5, 4.0, 0.1, 0.2, 0.2, 9.0, 9.0)
N_TRAIN = 80_000


def row(backend: str, costs: Costs, epochs: float = 10.0) -> Row:
    (found,) = rows(fake.timed(backend, {0: 1.0}), target=0.9)
    speed = N_TRAIN / costs.epoch_s
    return replace(found, costs=costs, epochs_to_target=epochs, ratings_hz=speed)


def test_a_cold_start_pays_everything_once_and_the_steady_epoch_each_time():
    line = over_epochs(NUMPY)
    assert line.at(1) == pytest.approx(0.1 + 0.1 + 1.2)
    assert line.at(5) == pytest.approx(0.1 + 0.1 + 1.2 + 4 * 1.0)


def test_set_up_and_epochs_grow_with_the_ratings_and_the_start_does_not():
    line = over_ratings(row("numba", NUMBA))
    assert line.at(0) == pytest.approx(4.5)
    assert line.at(N_TRAIN) == pytest.approx(over_epochs(NUMBA).at(10))
    assert line.at(3 * N_TRAIN) == pytest.approx(4.5 + 3 * (0.1 + 10 * 0.2))


def test_the_compiled_backend_overtakes_where_the_lines_cross():
    found = break_even(row("numba", NUMBA), row("numpy", NUMPY))
    # 0.4 + n = 4.6 + 0.2 n, and 0.1 + 10.3 x = 4.5 + 2.1 x, in units of 80,000 ratings.
    assert found.epochs == Race("numpy", "numba", pytest.approx(4.2 / 0.8))
    assert found.epochs_s == pytest.approx(0.4 + 4.2 / 0.8)
    assert found.ratings == Race("numpy", "numba", pytest.approx(N_TRAIN * 4.4 / 8.2))
    assert found.sentence == (
        "numba overtakes numpy after 6 epochs, about 5.6 s from a cold start. "
        "To the target, numba is faster from about 43 k ratings on."
    )


def test_the_order_of_the_two_does_not_matter():
    one = break_even(row("numba", NUMBA), row("numpy", NUMPY))
    other = break_even(row("numpy", NUMPY), row("numba", NUMBA))
    assert (other.epochs, other.ratings) == (one.epochs, one.ratings)
    assert other.epochs_s == pytest.approx(one.epochs_s)


def test_whoever_starts_later_and_is_no_faster_never_overtakes():
    slow = replace(NUMPY, warmup_s=4.0)
    found = break_even(row("slow", slow), row("numpy", NUMPY))
    assert found.epochs == found.ratings == Race("numpy", "slow", math.inf)
    assert found.sentence == (
        "slow never overtakes numpy. To the target, numpy is faster whatever the number of ratings."
    )


def test_fewer_epochs_to_the_target_can_beat_faster_epochs():
    # The faster kernel needs 100 epochs to the target: more seconds per rating, at every size.
    found = break_even(row("numba", NUMBA, epochs=100), row("numpy", NUMPY))
    assert found.epochs.size < math.inf
    assert found.ratings == Race("numpy", "numba", math.inf)
    assert "numpy is faster whatever the number of ratings" in found.sentence


def test_a_break_even_before_the_first_epoch_ends_is_within_it():
    quick = replace(NUMBA, import_s=0.3, warmup_s=0.0)
    found = break_even(row("quick", quick), row("numpy", NUMPY))
    assert "quick overtakes numpy within the first epoch" in found.sentence


def test_equal_lines_never_cross():
    assert race((Line(1, 1), "a"), (Line(1, 1), "b")).size == math.inf


def test_what_is_unknown_is_not_answered():
    missed = break_even(row("numba", NUMBA, epochs=math.nan), row("numpy", NUMPY))
    assert missed.epochs.size == pytest.approx(4.2 / 0.8)
    assert math.isnan(missed.ratings.size)
    assert missed.sentence.endswith("from a cold start.")
    unmeasured = break_even(row("a", replace(NUMBA, warmup_s=math.nan)), row("numpy", NUMPY))
    assert unmeasured.sentence == ""


def test_records_lead_to_an_answer():
    by_name = {row.backend: row for row in rows(fake.suite())}
    found = break_even(by_name["numpy_sgd"], by_name["numba_sgd"])
    assert (found.epochs.leader, found.epochs.chaser) == ("numpy_sgd", "numba_sgd")
    assert 1 < found.epochs.size < 5
    assert 0 < found.ratings.size < fake.PROBLEM["n_train"]
