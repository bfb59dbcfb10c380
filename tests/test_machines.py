"""Two machines are two contests: nothing ranks, averages or compares seconds across them."""

from dataclasses import replace

import fake_records as fake
import pytest

from bench import leaderboard, matching, plots, results
from bench.machines import UNKNOWN, apart, short
from bench.records import append

OTHER = "AMD EPYC 9654, 64 cores, 24 GiB, Linux 6.1"


def on(machine, record):
    return replace(record, env=replace(record.env, machine=machine))


def times(backend, seconds, machine=fake.ENV.machine):
    repeats = range(len(seconds))
    return [on(machine, r) for r in fake.timed(backend, dict(zip(repeats, seconds)))]


@pytest.fixture
def two_machines(tmp_path):
    """Backend a ran on the slow machine and on the fast one, b on the fast one alone."""
    slow = times("a", [8.0, 8.0])
    fast = [replace(r, case=replace(r.case, repeat=r.case.repeat + 2)) for r in
            times("a", [2.0, 2.0], OTHER) + times("b", [4.0, 4.0], OTHER)]  # fmt: skip
    for record in slow + fast:
        append(tmp_path, record)
    return tmp_path


def test_a_ranking_has_a_contest_for_each_machine(two_machines):
    rows = leaderboard.rows(results.read(two_machines))
    ranked = {(row.dataset.rpartition(", ")[2], row.backend): row for row in rows}
    assert set(ranked) == {("2 cores", "a"), ("64 cores", "a"), ("64 cores", "b")}
    assert [ranked["64 cores", name].place for name in "ab"] == [1, 2]
    assert ranked["2 cores", "a"].place == 1
    assert ranked["64 cores", "a"].to_target_s == pytest.approx(
        ranked["2 cores", "a"].to_target_s / 4
    )


def test_figures_are_drawn_for_each_machine(two_machines):
    names = list(plots.figures(results.read(two_machines)))
    assert sum(name.startswith("convergence") for name in names) == 2


def test_runs_on_two_machines_are_compared_machine_by_machine(two_machines):
    records = results.read(two_machines)
    found = matching.matches(*apart(records, records))
    assert len(found) == 3
    assert not [off for match in found for off in matching.conditions(match)]


def test_runs_of_one_machine_each_are_still_refused_by_name():
    before, after = apart(times("a", [1.0]), times("a", [2.0], OTHER))
    (match,) = matching.matches(before, after)
    assert [off.field for off in matching.conditions(match)] == ["machine"]


def test_a_case_that_told_no_machine_stands_alone_only_among_several():
    silent = replace(fake.record("c"), env=None)
    assert {r.place for r in apart([*times("a", [1.0]), silent])[0]} == {""}
    mixed = apart([*times("a", [1.0]), *times("b", [1.0], OTHER), silent])[0]
    assert {r.place for r in mixed} == {"2 cores", "64 cores", UNKNOWN}


def test_machines_go_by_what_tells_them_apart():
    assert short(["A, 2 cores, x", "B, 4 cores, x"]) == {
        "A, 2 cores, x": "A, 2 cores", "B, 4 cores, x": "B, 4 cores", UNKNOWN: UNKNOWN
    }  # fmt: skip
    assert short(["A, x", "B, y, z"])["A, x"] == "A, x"
