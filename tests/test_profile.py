"""Performance profiles, against values worked out by hand."""

from dataclasses import replace

import fake_records as fake
import numpy as np
import pytest

from bench.leaderboard import rows
from bench.profile import Profile, profiles
from bench.row import Row

TIMES = {  # backend -> data set -> seconds for the whole run; the target is met half-way
    "quick": {"one": 1.0, "two": 4.0, "three": 2.0},
    "steady": {"one": 2.0, "two": 2.0, "three": 3.0},
}


def ranking(**changes) -> list[Row]:
    records = [
        replace(r, case=replace(r.case, dataset=dataset), problem=r.problem | {"sha256": dataset})
        for backend, found in TIMES.items()
        for dataset, seconds in found.items()
        for r in fake.timed(backend, {0: seconds}, **changes.get(backend, {}))
    ]
    return rows(records, target=0.9)


def is_quick_on_one(row: Row) -> bool:
    return row.backend == "quick" and row.dataset.startswith("one")


def by_name(found: list[Profile]) -> dict[str, Profile]:
    return {profile.backend: profile for profile in found}


def test_a_curve_counts_the_problems_within_each_factor_of_the_fastest():
    found = by_name(profiles(ranking()))
    # Ratios: quick 1, 2, 1; steady 2, 1, 1.5.
    np.testing.assert_allclose(found["quick"].factors, [1, 2])
    np.testing.assert_allclose(found["quick"].shares, [2 / 3, 1])
    np.testing.assert_allclose(found["steady"].factors, [1, 1.5, 2])
    np.testing.assert_allclose(found["steady"].shares, [1 / 3, 2 / 3, 1])


def test_the_curve_is_a_step_that_holds_from_its_factor_on():
    steady = by_name(profiles(ranking()))["steady"]
    shares = [steady.at(factor) for factor in (0.9, 1, 1.49, 1.5, 1.99, 2, 1000)]
    assert shares == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1])


@pytest.mark.parametrize(
    "changes",
    [{"flags": ("reads the test set",)}, {"status": "error", "reason": "out of memory"}],
)
def test_fast_and_wrong_is_infinitely_slow(changes):
    found = by_name(profiles(ranking(quick=changes)))
    assert found["quick"].at(1e9) == 0
    assert found["steady"].at(1) == 1


def test_a_missed_target_and_a_data_set_not_run_are_misses():
    table = ranking()
    missed = [
        replace(row, times_s={(0, 0): np.inf}) if is_quick_on_one(row) else row for row in table
    ]
    left_out = [row for row in table if not is_quick_on_one(row)]
    for found in (profiles(missed), profiles(left_out)):
        assert by_name(found)["quick"].at(1e9) == pytest.approx(2 / 3)
        assert by_name(found)["steady"].at(1) == pytest.approx(2 / 3)


def test_a_problem_that_nobody_solved_counts_against_all():
    table = [
        replace(row, times_s={(0, 0): np.inf}) if row.dataset.startswith("one") else row
        for row in ranking()
    ]
    assert [profile.at(1e9) for profile in profiles(table)] == pytest.approx([2 / 3, 2 / 3])


def test_curves_start_at_factor_1_rise_and_stay_within_0_and_1():
    for profile in profiles(rows(fake.suite(12, ("ml-100k", "synthetic")))):
        assert profile.factors[0] == 1
        assert np.all(np.diff(profile.factors) > 0)
        assert np.all(np.diff(profile.shares) > 0)
        assert 0 <= profile.shares[0] <= profile.shares[-1] <= 1


def test_nothing_gives_no_curves():
    assert profiles([]) == []
