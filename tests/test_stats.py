"""What a reader stakes a decision on: targets, crossings and intervals that hold."""

import math
from dataclasses import replace
from typing import Any

import fake_records as fake
import numpy as np
import pytest

from bench import stats, units
from bench.target import Target, best_point, crossing, target_of

HALF_WAY = Target("test_rmse", 0.9, "as asked")


def test_a_crossing_is_interpolated_in_epochs_and_in_training_seconds() -> None:
    points = fake.timed("a", {0: 4.0})[0].points
    found = crossing(points, replace(HALF_WAY, value=0.89))
    assert found is not None
    assert found.epochs == pytest.approx(5.5)
    assert found.seconds == pytest.approx(2.2)


def test_a_curve_that_rises_again_counts_from_its_first_crossing() -> None:
    points = fake.timed("a", {0: 4.0})[0].points
    later = tuple(replace(p, test_rmse=1.0) if p.epoch > 7 else p for p in points)
    found = crossing(later, HALF_WAY)
    assert found is not None
    assert found.seconds == pytest.approx(2.0)


def test_a_curve_that_starts_below_the_target_crosses_at_its_first_point() -> None:
    found = crossing(fake.timed("a", {0: 4.0})[0].points, replace(HALF_WAY, value=1.5))
    assert found == (found and replace(found, epochs=0, seconds=0.0))


def test_a_miss_is_none() -> None:
    assert crossing(fake.timed("a", {0: 4.0})[0].points, replace(HALF_WAY, value=0.7)) is None
    assert crossing((), HALF_WAY) is None


def test_the_best_point_skips_what_is_not_finite() -> None:
    points = fake.timed("a", {0: 4.0})[0].points
    broken = (*points[:5], replace(points[5], test_rmse=math.nan))
    best = best_point(broken, "test_rmse")
    assert best is not None
    assert best.epoch == 4


def test_the_stored_target_is_used_and_an_asked_one_comes_first() -> None:
    stored = {"metric": "test_rmse", "value": 0.95, "origin": "stored"}
    records = [replace(fake.record(), problem=fake.PROBLEM | {"target": stored})]
    assert target_of(records).value == 0.95
    assert target_of(records, asked=0.97).value == 0.97


def test_a_derived_target_is_1_01_times_the_best_median_among_those_that_agree() -> None:
    good = fake.timed("good", {0: 1.0, 1: 1.0, 2: 1.0})
    cheat = fake.timed("cheat", {0: 1.0}, flags=("Reads the test set.",))
    cheat = [replace(r, points=fake.points(0.1, floor=0.1)) for r in cheat]
    assert target_of(good + cheat).value == pytest.approx(1.01 * 0.8)


def test_without_test_ratings_the_target_is_in_J() -> None:
    record = fake.timed("a", {0: 1.0})[0]
    blind = replace(record, points=tuple(replace(p, test_rmse=math.nan) for p in record.points))
    assert target_of([blind]).metric == "J"
    assert crossing(blind.points, target_of([blind])) is not None


def test_a_steady_epoch_of_refits_is_the_mean_since_noise_hides_single_steps() -> None:
    points = fake.timed("a", {0: 1.0})[0].points[:5]
    runs = tuple(replace(p, train_s=s) for p, s in zip(points, (0.0, 0.2, 0.2, 0.2, 0.5)))
    stepped = fake.record(points=runs)
    assert stats.costs(stepped).epoch_s == pytest.approx(0.0)
    assert stats.costs(replace(stepped, refits=True)).epoch_s == pytest.approx(0.1)
    slow_start = tuple(replace(p, train_s=0.2 if p.epoch else 0.0) for p in points)
    found = stats.costs(fake.record(points=slow_start, refits=True))
    assert math.isnan(found.epoch_s)


def test_costs_split_the_first_epoch_from_the_steady_ones() -> None:
    points = fake.timed("a", {0: 10.0})[0].points
    slow_start = tuple(replace(p, train_s=p.train_s + 3.0) if p.epoch else p for p in points)
    found = stats.costs(fake.record(points=slow_start))
    assert found.first_epoch_s == pytest.approx(4.0)
    assert found.epoch_s == pytest.approx(1.0)
    assert math.isnan(stats.costs(fake.record(points=())).epoch_s)


def test_a_median_counts_misses_and_skips_what_is_unknown() -> None:
    assert stats.median([1.0, math.inf, 3.0]) == 3.0
    assert stats.median([1.0, math.inf, math.inf]) == math.inf
    assert stats.median([1.0, math.nan, 3.0]) == 2.0
    assert math.isnan(stats.median([]))


def shares_called_different(n: int, factor: float, noise: str) -> tuple[float, float]:
    """How often 400 pairs of runs of n repeats are called different, paired and unpaired, where one
    takes `factor` times as long. Noise is log-normal with 5% of its own per repeat; a disturbance
    of 30% is shared by a round, or one repeat in ten takes up to twice as long.
    """
    rng = np.random.default_rng(n)
    called = np.zeros(2)
    for _ in range(400):
        logs = rng.normal(0, 0.05, (2, n))
        if noise == "rounds":
            logs += rng.normal(0, 0.3, n)
        if noise == "spikes":
            logs += (rng.random((2, n)) < 0.1) * rng.uniform(0, math.log(2), (2, n))
        a, b = map(_times, np.exp(logs))
        a = {key: factor * seconds for key, seconds in a.items()}
        called += [f(a, b).excludes_one for f in (stats.paired_ratio, stats.unpaired_ratio)]
    paired, unpaired = called / 400
    return paired, unpaired


@pytest.mark.parametrize("noise", ["plain", "rounds", "spikes"])
@pytest.mark.parametrize("n", [3, 5, 7])
def test_equal_backends_look_different_at_most_about_one_time_in_twenty(n: int, noise: str) -> None:
    assert max(shares_called_different(n, 1.0, noise)) < 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("n", [5, 6, 7])
def test_a_slow_down_of_15_percent_is_found_with_five_repeats_or_more(n: int) -> None:
    assert min(shares_called_different(n, 1.15, "plain")) > 0.85
    assert shares_called_different(n, 1.15, "rounds")[0] > 0.85


@pytest.mark.parametrize("ratio", [stats.paired_ratio, stats.unpaired_ratio])
def test_the_interval_covers_the_truth_19_times_in_20(ratio: Any) -> None:
    rng, covered = np.random.default_rng(0), 0
    for _ in range(400):
        a, b = rng.lognormal(0, 0.1, (2, 5))
        found = ratio(_times(3 * a), _times(b))
        covered += found.low <= 3 <= found.high
    assert 0.92 < covered / 400 < 0.98


def test_a_difference_well_beyond_the_noise_is_found_with_three_repeats() -> None:
    found = stats.paired_ratio(_times([2.0, 2.1, 1.9]), _times([1.0, 1.0, 1.0]))
    assert found.low < found.mid < found.high
    assert found.mid == pytest.approx(2.0, rel=1e-2)
    assert found.excludes_one
    assert found.p < 0.05


def test_an_interval_excludes_one_where_p_is_below_5_percent() -> None:
    rng = np.random.default_rng(0)
    for ratio in [stats.paired_ratio, stats.unpaired_ratio] * 30:
        a, b = rng.lognormal(0, 0.05, (2, 4))
        found = ratio(_times(1.1 * a), _times(b))
        assert found.excludes_one == (found.p < 0.05)


def test_a_ratio_turned_round_is_its_inverse() -> None:
    a, b = map(_times, np.random.default_rng(0).lognormal(0, 0.1, (2, 4)))
    for ratio in (stats.paired_ratio, stats.unpaired_ratio):
        there, back = ratio(a, b), ratio(b, a)
        assert there.mid == pytest.approx(1 / back.mid)
        assert (there.low, there.high) == pytest.approx((1 / back.high, 1 / back.low))


def test_what_disturbs_a_whole_repeat_cancels_in_the_paired_ratio_alone() -> None:
    disturbed = np.array([1.0, 5.0, 1.0, 9.0, 1.0, 2.0])
    paired = stats.paired_ratio(_times(1.15 * disturbed), _times(disturbed))
    assert paired.mid == pytest.approx(1.15)
    assert paired.excludes_one
    assert not stats.unpaired_ratio(_times(1.15 * disturbed), _times(disturbed)).excludes_one


@pytest.mark.parametrize("ratio", [stats.paired_ratio, stats.unpaired_ratio])
def test_fewer_than_three_repeats_or_a_miss_give_no_interval(ratio: Any) -> None:
    two = ratio(_times([2.0, 2.0]), _times([1.0, 1.0]))
    assert two.mid == pytest.approx(2.0)
    assert math.isnan(two.low)
    assert math.isnan(two.p)
    assert not two.excludes_one
    missed = ratio(_times([math.inf, math.inf]), _times([1.0, 1.0]))
    assert math.isnan(missed.mid)


def test_scores_without_any_noise_differ_for_certain_or_not_at_all() -> None:
    # The same seed gives the same score to the last bit or to its rounding.
    score = _times([0.9] * 3)
    for ratio in (stats.paired_ratio, stats.unpaired_ratio):
        assert ratio(score, _times([0.9, 0.9 + 1e-14, 0.9])).p == 1
        worse = ratio(_times([0.9009] * 3), score)
        assert (worse.low, worse.high, worse.p) == (worse.mid, worse.mid, 0)


def test_one_side_may_be_without_noise() -> None:
    found = stats.unpaired_ratio(_times([2.0, 2.0, 2.0]), _times([1.0, 1.1, 0.9]))
    assert found.low < 2 < found.high
    assert found.excludes_one


def _times(seconds: object) -> dict[tuple[int, int], float]:
    return {(0, repeat): float(s) for repeat, s in enumerate(np.asarray(seconds))}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.2e-5, "12.0 µs"), (0.00099999, "1.00 ms"), (0.01659, "16.6 ms"), (1.0, "1.00 s"),
        (119.4, "119 s"), (252.0, "4.20 min"), (9000.0, "2.50 h"), (0.0, "0 s"), (math.nan, "-"),
    ],
)  # fmt: skip
def test_seconds_read_naturally(value: float, text: str) -> None:
    assert units.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (999.9, "1.00 k"), (12345, "12.3 k"), (2.36e8, "236 M"), (math.nan, "-")],
)
def test_counts_read_naturally(value: float, text: str) -> None:
    assert units.count(value) == text
