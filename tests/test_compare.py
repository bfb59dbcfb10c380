"""`mfbench compare`: no difference where there is none, none missed, none between unlike runs."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import fake_records as fake
import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from bench import gate
from bench.__main__ import main
from bench.change import Change
from bench.compare import Compared, compare
from bench.compare_tables import WIDTH, plain, show
from bench.metrics import METRICS
from bench.records import Record, ResultsError, append
from bench.results import store_agreement

BACKENDS = ("numpy_sgd", "numba_sgd", "numpy_als", "numba_als", "torch_sgd")
STEADY = {0: 2.0, 1: 2.02, 2: 1.98}
SLOWER = {0: 2.3, 1: 2.32, 2: 2.28}


def change(row: Compared, metric: str) -> Change:
    return next(c for c in row.changes if c.metric.name == metric)


def aimed(records: Sequence[Record], target: float) -> list[Record]:
    goal = {"metric": "test_rmse", "value": target, "origin": "as asked"}
    return [replace(r, problem={**r.problem, "target": goal}) for r in records]


def only(
    before: Sequence[Record], after: Sequence[Record], target: float | None = None
) -> Compared:
    (row,) = compare(before if target is None else aimed(before, target), after).rows
    return row


def marks(row: Compared) -> str:
    return "".join(c.mark for c in row.changes)


def noisy_run(rng: np.random.Generator, factors: Mapping[str, float] = {}) -> list[Record]:
    """Five repeats of each backend with 3% of log-normal noise; a backend may be slower."""
    return [
        record
        for backend in BACKENDS
        for record in fake.timed(
            backend, dict(enumerate(factors.get(backend, 1.0) * rng.lognormal(0, 0.03, 5)))
        )
    ]


def with_case(records: Sequence[Record], **changes: Any) -> list[Record]:
    return [replace(r, case=replace(r.case, **changes)) for r in records]


def with_hyper(records: Sequence[Record], **changes: Any) -> list[Record]:
    return [replace(r, case=replace(r.case, hyper={**r.case.hyper, **changes})) for r in records]


def with_env(records: Sequence[Record], **changes: Any) -> list[Record]:
    return [replace(r, env=replace(fake.ENV, **changes)) for r in records]


def test_two_runs_of_the_same_code_get_no_mark_in_19_tables_of_20() -> None:
    rng, marked = np.random.default_rng(0), 0
    for _ in range(60):
        rows = compare(noisy_run(rng), noisy_run(rng)).rows
        marked += any(change(row, "time").mark != "~" for row in rows)
    assert marked <= 6


def test_a_backend_slowed_by_15_percent_is_found_and_no_other_blamed() -> None:
    rng, found, blamed = np.random.default_rng(1), 0, 0
    for _ in range(40):
        rows = compare(noisy_run(rng), noisy_run(rng, {"numba_als": 1.15})).rows
        slower = {row.backend for row in rows if change(row, "time").mark == "-"}
        found += "numba_als" in slower
        blamed += slower > {"numba_als"}
    assert found >= 36
    assert blamed <= 6


def test_a_change_is_before_after_their_ratio_and_a_mark() -> None:
    time = change(only(fake.timed("a", STEADY), fake.timed("a", SLOWER)), "time")
    assert (time.before, time.after) == pytest.approx((1.92, 1.92 * 1.15))
    assert time.ratio.mid == pytest.approx(1.15, rel=1e-3)
    assert time.ratio.low < 1.15 < time.ratio.high
    assert time.mark == "-"
    assert change(only(fake.timed("a", SLOWER), fake.timed("a", STEADY)), "time").mark == "+"


def test_both_runs_are_timed_to_one_target() -> None:
    # The first run is better in the end: its own target is beyond the second.
    better = [
        replace(r, points=tuple(replace(p, test_rmse=p.test_rmse - 0.05) for p in r.points))
        for r in fake.timed("a", STEADY)
    ]
    row = only(better, fake.timed("a", STEADY))
    assert row.target.value == pytest.approx(1.01 * 0.775)
    assert change(row, "time").after == math.inf
    assert only(better, fake.timed("a", STEADY), 0.85).target.value == 0.85


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_measure_is_the_better_the_lower(metric: Any) -> None:
    def scaled(r: Record) -> Record:
        points = (
            replace(p, train_s=2 * p.train_s, J=2 * p.J, test_rmse=p.test_rmse + 0.05)
            for p in r.points
        )
        return replace(r, points=tuple(points), peak_mb=2 * r.peak_mb)

    before = fake.timed("a", STEADY)
    assert change(only(before, list(map(scaled, before))), metric.name).mark == "-"


def test_a_difference_that_matters_to_nobody_is_not_marked_however_certain() -> None:
    before = fake.timed("a", {0: 2.0, 1: 2.0, 2: 2.0})
    after = [
        replace(r, points=tuple(replace(p, J=p.J * (1 + 1e-7)) for p in r.points)) for r in before
    ]
    J = change(only(before, after), "j")
    assert J.ratio.p == 0
    assert J.mark == "~"


def test_fewer_than_three_repeats_tell_nothing() -> None:
    row = only(fake.timed("a", {0: 1.0, 1: 1.0}), fake.timed("a", {0: 9.0, 1: 9.0}))
    assert marks(row) == "~~~~~"
    assert math.isnan(change(row, "time").ratio.low)


def test_repeats_that_alternate_are_paired_and_others_are_not() -> None:
    # Each round is disturbed as a whole; the second run is 5% slower in every one.
    weather = {0: 1.0, 1: 1.6, 2: 0.8, 3: 2.0, 4: 1.2}
    before = fake.timed("a", weather)
    after = fake.timed("a", {k: 1.05 * s * (1 + k / 1000) for k, s in weather.items()})
    one_after_another = change(only(before, after), "time")
    assert not one_after_another.paired
    assert one_after_another.mark == "~"
    before, after = (
        [replace(r, started=f"2025-01-01T12:0{r.case.repeat}:{second}Z") for r in side]
        for side, second in ((before, "00"), (after, "30"))
    )
    alternating = change(only(before, after), "time")
    assert alternating.paired
    assert alternating.mark == "-"


def test_scores_are_paired_by_seed_whenever_they_were_run() -> None:
    row = only(fake.timed("a", STEADY), fake.timed("a", STEADY))
    assert [c.paired for c in row.changes] == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"status": "timeout", "reason": "killed at 300 s"}, "x"),
        ({"flags": ("no better than the mean",)}, "!"),
    ],
)
@pytest.mark.parametrize("side", ["before", "after"])
def test_what_failed_or_was_flagged_is_not_called_faster(
    changes: dict[str, Any], mark: str, side: str
) -> None:
    wrong, right = fake.timed("a", {0: 0.1, 1: 0.1, 2: 0.1}), fake.timed("a", STEADY)
    wrong[1] = replace(wrong[1], **changes)
    row = only(wrong, right) if side == "before" else only(right, wrong)
    assert marks(row) == mark * 5
    reason = changes.get("reason") or changes["flags"][0]
    assert row.faults[side == "after"] == (f"1 of 3 repeats: {reason}",)


def test_a_target_that_is_no_longer_reached_is_worse_and_one_newly_reached_better() -> None:
    reached = fake.timed("a", STEADY)
    missed = [replace(r, points=r.points[:4]) for r in reached]
    lost = change(only(reached, missed, 0.9), "time")
    assert (lost.after, lost.reached, lost.mark) == (math.inf, (3, 0), "-")
    assert change(only(missed, reached, 0.9), "time").mark == "+"
    assert change(only(missed, missed, 0.9), "time").mark == "~"
    once = [*reached[:2], missed[2]]
    assert change(only(reached, once, 0.9), "time").mark == "~"


@pytest.mark.parametrize(
    ("after", "field", "values"),
    [
        (
            with_env(fake.timed("a", STEADY), machine="Other"),
            "machine",
            (fake.ENV.machine, "Other"),
        ),
        (
            fake.timed("a", STEADY, problem=fake.PROBLEM | {"sha256": "6" * 64}),
            "data sha256",
            ("5" * 12, "6" * 12),
        ),
        (with_hyper(fake.timed("a", STEADY), reg=0.1), "reg", ("0.05", "0.1")),
        (with_hyper(fake.timed("a", STEADY), lr=0.2), "lr", ("0.01", "0.2")),
        (with_hyper(fake.timed("a", STEADY), seed=1), "seed", ("0", "1")),
        (with_case(fake.timed("a", STEADY), threads=1), "threads", ("2", "1")),
        (with_case(fake.timed("a", STEADY), epochs=9), "epochs", ("20", "9")),
        (with_case(fake.timed("a", STEADY), budget_s=9.0), "budget_s", ("30.0", "9.0")),
        (fake.timed("a", STEADY, init_sha256="2" * 64), "start", ("1" * 12, "2" * 12)),
        (fake.timed("a", STEADY, order_sha256="2" * 64), "sample order", ("0" * 12, "2" * 12)),
    ],
)
def test_unlike_runs_are_refused_with_the_field_and_both_values_unless_forced(
    after: list[Record], field: str, values: tuple[str, str]
) -> None:
    before = fake.timed("a", STEADY)
    with pytest.raises(ResultsError) as refused:
        compare(before, after)
    for part in (f"differs in {field}", f"{values[0]} before", f"{values[1]} after", "--force"):
        assert part in str(refused.value)
    forced = compare(before, after, force=True)
    assert len(forced.rows) == 1
    assert [c.before for c in forced.conditions] == [values[0]]
    assert f"Forced: {field}" in text(forced)


def test_a_run_that_mixes_machines_is_refused_too() -> None:
    mixed = fake.timed("a", STEADY)
    mixed[1] = with_env(mixed[1:2], machine="Other")[0]
    with pytest.raises(ResultsError, match="differs in machine"):
        compare(mixed, mixed)


def test_threads_and_data_sets_are_compared_apart() -> None:
    before = fake.timed("a", STEADY) + with_case(fake.timed("a", STEADY), threads=1)
    before += with_case(fake.timed("a", STEADY), dataset="synthetic")
    after = with_case(fake.timed("a", SLOWER), threads=1) + before[6:]
    found = compare(before, after).rows
    assert [(row.dataset[:2], row.threads) for row in found] == [("ml", (1, 1)), ("sy", (2, 2))]
    assert [change(row, "time").mark for row in found] == ["-", "~"]


def test_only_shared_seeds_are_compared() -> None:
    two_seeds = fake.timed("a", STEADY) + with_hyper(fake.timed("a", {0: 9, 1: 9, 2: 9}), seed=1)
    row = only(two_seeds, fake.timed("a", STEADY))
    assert row.repeats == (3, 3)
    assert change(row, "time").ratio.mid == pytest.approx(1.0)


def test_what_only_one_run_holds_is_named_and_nothing_shared_is_an_error() -> None:
    a, b, c = (fake.timed(name, STEADY) for name in "abc")
    found = compare(a + b, b + c)
    assert [row.backend for row in found.rows] == ["b"]
    assert "Only before: a on ml-100k" in text(found)
    assert "Only after: c on ml-100k" in text(found)
    with pytest.raises(ResultsError, match=r"a on ml-100k.* is only in the first and c on ml-100k"):
        compare(a, c)


def test_new_versions_are_named_beside_the_changes() -> None:
    newer = with_env(fake.timed("a", STEADY), commit="b" * 40, packages={"numba": "0.70"})
    shown = text(compare(fake.timed("a", STEADY), newer))
    assert "Changed: commit, a82c346 before and bbbbbbbbbbbb after." in shown
    assert "Changed: numba, 0.68.1 before and 0.70 after." in shown


def text(found: Any) -> str:
    console = Console(width=WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(show(found))
    return captured.get()


def test_the_table_reads_in_100_columns() -> None:
    before, after = fake.suite(20), fake.suite(20, repeats=4)
    shown = text(compare(before, after))
    assert max(len(line) for line in shown.splitlines()) <= WIDTH
    assert "…" not in shown
    assert "3 and 4 repeats, unpaired" in shown
    for words in ("time to target", "time per epoch", "best test RMSE", "final J", "peak MB"):
        assert words in shown


def test_markup_in_a_name_is_printed_as_it_is() -> None:
    assert "[red]a" in text(compare(fake.timed("[red]a", STEADY), fake.timed("[red]a", STEADY)))


def worse(before: Sequence[Record], after: Sequence[Record], **limits: float) -> list[str]:
    return gate.failures(compare(aimed(before, 0.9), after).rows, limits)


def test_the_gate_names_what_is_worse_than_allowed() -> None:
    (line,) = worse(fake.timed("a", STEADY), fake.timed("a", SLOWER), time=0.1, rmse=0.005)
    assert line.startswith("a on ml-100k[official=u1]: time to target is 1.15 times what it was (")
    assert line.endswith("where 1.10 is allowed")


def test_the_gate_asks_for_the_whole_interval_beyond_the_limit() -> None:
    before, after = fake.timed("a", STEADY), fake.timed("a", SLOWER)
    low = change(only(before, after), "time").ratio.low
    assert worse(before, after, time=low - 1.001)
    assert not worse(before, after, time=low - 0.999)
    assert not worse(after, before, time=0.0)
    assert not worse(before, after, rmse=0.0)


def test_the_gate_closes_for_lost_targets_failures_and_flags() -> None:
    before = fake.timed("a", STEADY)
    missed = [replace(r, points=r.points[:4]) for r in before]
    (line,) = worse(before, missed, time=9.0)
    assert "reached in 3 of 3 repeats before and 0 of 3 after" in line
    flagged = [replace(r, flags=("reads the test set",)) for r in before]
    (line,) = worse(before, flagged, memory=0.1)
    assert line == "a on ml-100k[official=u1]: 3 of 3 repeats: reads the test set"
    assert not worse(flagged, before, memory=0.1)


def test_the_gate_says_what_it_cannot_judge() -> None:
    def why(before: list[Record], after: list[Record]) -> str:
        (line,) = gate.undecided(compare(aimed(before, 0.9), after).rows, {"time": 0.1})
        return line

    three = fake.timed("a", STEADY)
    missed = [replace(r, points=r.points[:4]) for r in three]
    flagged = [replace(r, flags=("reads the test set",)) for r in three]
    assert "2 repeats are too few: run with -r 3 or more" in why(three, three[:2])
    assert "reached in 0 of 3 repeats before and 0 of 3 after" in why(missed, missed)
    assert "before, 3 of 3 repeats: reads the test set" in why(flagged, three)


@pytest.fixture
def directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seconds in (("A", STEADY), ("B", SLOWER)):
        for record in fake.timed("a", seconds):
            append(tmp_path / name, record)


@pytest.mark.usefixtures("directories")
class TestCommand:
    def run(self, *arguments: str) -> Any:
        return CliRunner().invoke(main, ["compare", *arguments], prog_name="mfbench")

    def test_compares_two_directories(self) -> None:
        result = self.run("A", "B")
        assert result.exit_code == 0, result.output
        assert "1.15 (1." in result.output
        assert "- worse: 2" in result.output

    @pytest.mark.parametrize(
        ("limits", "code"),
        [("time:10%", 1), ("time:20%", 0), ("time:20%,epoch:10%", 1), (" RMSE: .5% ,j:0%", 0)],
    )
    def test_fails_on_what_is_worse(self, limits: str, code: int) -> None:
        assert self.run("A", "B", "--fail-on", limits).exit_code == code
        assert self.run("B", "A", "--fail-on", limits).exit_code == 0

    def test_json_is_valid_and_whole(self) -> None:
        result = self.run("A", "B", "--fail-on", "time:10%", "--json")
        assert result.exit_code == 1
        found = json.loads(result.stdout, parse_constant=pytest.fail)
        (row,) = found["rows"]
        assert [c["metric"] for c in row["changes"]] == [m.name for m in METRICS]
        assert [c["mark"] for c in row["changes"]] == list("--~~~")
        assert row["changes"][0]["ratio"]["mid"] == pytest.approx(1.15, rel=1e-3)
        assert len(found["worse"]) == 1

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["A", "nowhere"], "nowhere holds no results"),
            (["A", "."], "holds no results"),
            (["A@a82c", "B@facade"], "B holds no results of commit facade"),
            (["A"], "Missing argument"),
            (["A", "B", "--fail-on", "time"], "'time' is no limit; write time:10% or rmse:0.5%"),
            (["A", "B", "--fail-on", "time:-5%"], "is no limit"),
            (["A", "B", "--fail-on", "tine:5%"], "did you mean time?"),
            (["A", "B", "--fail-on", "time:5%,time:6%"], "time is limited twice"),
            (["A", "B", "--fail-on", ""], "is no limit"),
            (["A", "B", "--target", "0"], "'0' is no target"),
        ],
    )
    def test_bad_input_is_one_sentence_and_exit_code_2(
        self, arguments: list[str], sentence: str
    ) -> None:
        result = self.run(*arguments)
        assert result.exit_code == 2
        assert sentence in result.output
        assert "Traceback" not in result.output

    def test_one_directory_may_hold_the_runs_of_two_commits(self, tmp_path) -> None:
        for commit, seconds in (("abc1", STEADY), ("def2", SLOWER)):
            for record in fake.timed("a", seconds):
                assert record.env is not None
                env = replace(record.env, commit=commit)
                append(tmp_path / "both", replace(record, env=env))
        result = self.run("both@abc", "both@def")
        assert result.exit_code == 0, result.output
        assert "- worse: 2" in result.output

    def test_a_backend_that_disagrees_is_not_called_faster(self, tmp_path) -> None:
        verdict = {"code_sha256": "", "agrees": False, "sentence": "its penalty is doubled"}
        store_agreement(tmp_path / "A", {"a": verdict})
        result = self.run("B", "A", "--fail-on", "time:10%")
        assert result.exit_code == 1
        assert "! disagrees or tripped a guard: 5" in result.output
        assert "disagrees: its penalty is doubled" in result.output

    def test_a_refusal_and_an_undecided_gate_exit_with_2(self, tmp_path) -> None:
        for record in with_env(fake.timed("a", {0: 1.0}), machine="Other"):
            append(tmp_path / "C", record)
        refused = self.run("A", "C")
        assert refused.exit_code == 2
        assert "differs in machine" in refused.output
        assert self.run("A", "C", "--force").exit_code == 0
        undecided = self.run("A", "C", "--force", "--fail-on", "time:10%")
        assert undecided.exit_code == 2
        assert "run with -r 3 or more" in undecided.output


def test_data_for_programs_has_no_infinity_and_no_nan() -> None:
    missed = [replace(r, points=r.points[:4]) for r in fake.timed("a", STEADY)]
    found = plain(compare(aimed(fake.timed("a", STEADY), 0.9), missed))
    time = found["rows"][0]["changes"][0]
    assert (time["after"], time["ratio"]["mid"], time["mark"]) == (None, None, "-")
    json.dumps(found, allow_nan=False)
