"""The ranking: fast and wrong is not fast, and what can't be told apart is marked."""

from dataclasses import replace

import fake_records as fake
import pytest

from bench.leaderboard import frame, rows, text
from bench.records import ResultsError

STEADY = {0: 2.0, 1: 2.02, 2: 1.98}


def ranked(*groups, **options):
    return rows([record for group in groups for record in group], target=0.9, **options)


def test_faster_to_the_common_target_ranks_first() -> None:
    slow, fast = fake.timed("slow", STEADY), fake.timed("fast", {0: 1.0, 1: 1.0, 2: 1.0})
    first, second = ranked(slow, fast)
    assert [first.backend, second.backend] == ["fast", "slow"]
    assert [first.place, second.place] == [1, 2]
    assert first.to_target_s == pytest.approx(0.5)
    assert second.ratio.mid == pytest.approx(2.0, rel=1e-3)
    assert not second.tied


def test_time_to_target_is_epochs_to_target_times_seconds_per_epoch() -> None:
    (row,) = ranked(fake.timed("a", STEADY))
    assert row.epochs_to_target == pytest.approx(5.0)
    assert row.epochs_to_target * row.costs.epoch_s == pytest.approx(row.to_target_s)


def test_neighbours_within_the_noise_are_tied() -> None:
    noisy = fake.timed("noisy", {0: 2.5, 1: 1.7, 2: 2.1})
    assert [row.tied for row in ranked(fake.timed("a", STEADY), noisy)] == [False, True]


def test_one_repeat_tells_nothing_apart() -> None:
    assert ranked(fake.timed("a", {0: 1.0}), fake.timed("b", {0: 9.0}))[1].tied


def test_a_miss_says_how_far_it_came_and_ranks_below_whoever_reached() -> None:
    near = [replace(r, points=r.points[:5]) for r in fake.timed("near", {0: 0.1, 1: 0.1})]
    slow, miss = ranked(near, fake.timed("slow", STEADY))
    assert slow.backend == "slow"
    assert miss.outcome == "not reached (best 0.9200 at 40.0 ms)"
    assert miss.reached == 0


def test_peak_memory_is_given_apart_from_the_data() -> None:
    (row,) = ranked(fake.timed("a", STEADY, problem=fake.PROBLEM | {"data_mb": 40.0}))
    assert (row.own_mb, row.data_mb) == (200.0, 40.0)  # of a process of 240 MB
    assert "without the ratings" in text([row])


def test_settings_in_brackets_are_shown_wherever_a_backend_is_named() -> None:
    rate = {"ratings_hz": 1e6, "bytes_hz": 2e9, "flops_hz": 3e9, "of_limit": 0.5, "bound": "memory"}
    shown = text(ranked(fake.timed("a[k=v]", STEADY, rate=rate)))
    assert shown.count("a[k=v]") == 3  # what ratios are to, its row, its speed


def test_a_repeat_that_misses_is_counted() -> None:
    group = fake.timed("a", STEADY)
    group[1] = replace(group[1], points=group[1].points[:3])
    (row,) = ranked(group)
    assert row.outcome == "1.00 s (2 of 3)"


@pytest.mark.parametrize(
    ("changes", "verdict", "sign"),
    [
        ({"flags": ("The snapshot takes as long as an epoch.",)}, "flagged", "!"),
        ({"status": "diverged", "reason": "The loss left the finite numbers."}, "failed", "x"),
    ],
)
def test_flags_and_failures_rank_last_unplaced_and_with_their_reason(changes, verdict, sign):
    wrong = fake.timed("wrong", {0: 0.1, 1: 0.1, 2: 0.1}, **changes)
    found = ranked(wrong, fake.timed("right", STEADY))
    assert [row.backend for row in found] == ["right", "wrong"]
    assert (found[1].place, found[1].verdict) == (None, verdict)
    reason = changes.get("reason") or changes["flags"][0]
    assert f"{sign} wrong: {reason}" in text(found)


def test_one_failed_repeat_fails_the_backend_but_keeps_its_times() -> None:
    group = fake.timed("a", STEADY)
    group[2] = replace(group[2], status="timeout", reason="Killed at 300 s.", points=())
    (row,) = ranked(group)
    assert (row.verdict, row.reached, row.repeats) == ("failed", 2, 3)


def test_the_baseline_can_be_chosen() -> None:
    fast, slow = ranked(fake.timed("slow", STEADY), fake.timed("fast", {0: 1, 1: 1, 2: 1}),
                        baseline="slow")  # fmt: skip
    assert fast.ratio.mid == pytest.approx(0.5, rel=1e-3)
    assert slow.ratio.mid == 1.0


def test_older_settings_of_a_label_are_left_out() -> None:
    old = fake.timed("a", {0: 8.0, 1: 8.0})
    old = [replace(r, case=replace(r.case, epochs=5)) for r in old]
    (row,) = ranked(old, fake.timed("a", STEADY))
    assert row.repeats == 3
    assert row.to_target_s == pytest.approx(1.0)


def test_records_of_different_problems_refuse_to_mix() -> None:
    other = [replace(r, problem=r.problem | {"sha256": "6" * 64}) for r in fake.timed("b", STEADY)]
    with pytest.raises(ResultsError, match="data sha256"):
        ranked(fake.timed("a", STEADY), other)


def test_data_sets_are_ranked_apart() -> None:
    found = rows(fake.suite(5, ("ml-100k", "synthetic")))
    assert [row.place for row in found] == [1, 2, 3, 4, 5] * 2


def test_nothing_gives_no_rows() -> None:
    assert rows([]) == []


@pytest.mark.parametrize("n", [2, 20])
def test_the_table_reads_well_in_100_columns(n: int) -> None:
    found = rows(fake.suite(n))
    shown = text(found)
    assert max(map(len, shown.splitlines())) <= 100
    assert "…" not in shown
    for row in found:
        assert row.backend in "".join(shown.split()) or len(row.backend) > 14


def test_markup_in_a_name_is_printed_as_it_is() -> None:
    assert "[red]a" in text(ranked(fake.timed("[red]a", STEADY)))


def test_the_frame_has_one_line_per_row_and_plain_columns() -> None:
    table = frame(rows(fake.suite(5)))
    assert table.backend.iloc[0] == "numba_sgd"
    assert {"to_target_s", "epochs_to_target", "epoch_s", "ratio_low", "own_mb"} <= set(table)
