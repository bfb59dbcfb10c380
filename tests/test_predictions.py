"""A library that only predicts: its test predictions are judged; J is absent, never zero, never
invented, and never a crash.
"""

import json
import math
from dataclasses import replace
from itertools import count
from pathlib import Path

import fake_records as fake
import numpy as np
import pytest
from click.testing import CliRunner
from fake_records import record
from made import random_factors, random_problem

from bench import compare, curves, metrics
from bench.__main__ import main
from bench.families import Walker, definitions, traces
from bench.guards import guards
from bench.leaderboard import frame, rows, text
from bench.measure import Limits, measure
from bench.plots import figures, look
from bench.records import from_json, load, to_json
from bench.report import render
from bench.specs import parse_backend
from bench.standings import standings
from bench.target import Target, target_of
from mfimpls import objective
from mfimpls.conformance import verdicts
from mfimpls.contract import Backend, Caps, Hyper, Predictions, Ratings

NAN = math.nan
CAPS = Caps(
    path="oracle",
    predicts=True,
    takes_init=False,
    objective="nothing that it tells",
)
SOURCE = '''
from itertools import count

import numpy as np

from mfimpls import Predictions, backend


@backend("oracle", path="oracle", predicts=True, takes_init=False, objective="something of its own")
def oracle(problem, hyper, init):
    """Damped means of the users, as predictions alone."""
    users, items, ratings = problem.train.columns
    n = np.bincount(users, minlength=problem.n_users)
    b = np.bincount(users, ratings - problem.mean, problem.n_users) / (n + 5)
    for epoch in count():
        rhat = problem.mean + b[problem.test.users] * (1 - 0.5**epoch)
        yield Predictions(rhat).copy
'''


def oracle(problem, hyper, init):
    namespace = {"__name__": "oracle"}
    exec(SOURCE, namespace)
    yield from namespace["oracle"].generator(problem, hyper, init)


def predicted(backend="oracle", **changes):
    """A plausible record of what only predicts: no J, no train RMSE."""
    points = tuple(replace(p, J=NAN, train_rmse=NAN) for p in record().points)
    fields = {"points": points, "predicts": True, "objective": "its own", "stationarity": NAN}
    return record(backend, **fields | changes)


# The judge.


def test_errors_by_hand_pooled_and_unclipped():
    problem = random_problem(n_test=3)
    problem = replace(problem, test=Ratings.of([0, 0, 1], [0, 1, 2], [1, 5, 3]))
    found = objective.evaluate(problem, Hyper(), Predictions(np.array([2.0, 9.0, 3.0])))
    assert found.test_rmse == pytest.approx(((1 + 16 + 0) / 3) ** 0.5)
    assert found.test_mae == pytest.approx(5 / 3)
    assert math.isnan(found.J)
    assert math.isnan(found.train_rmse)


def test_training_predictions_give_a_train_rmse_and_still_no_J(problem):
    factors = random_factors(problem)
    test, train = (
        objective.predict(problem.mean, factors, part.users, part.items)
        for part in (problem.test, problem.train)
    )
    found = objective.evaluate(problem, Hyper(), Predictions(test, train))
    expected = objective.evaluate(problem, Hyper(), factors)
    assert found.test_rmse == expected.test_rmse
    assert found.test_mae == expected.test_mae
    assert found.train_rmse == expected.train_rmse
    assert math.isnan(found.J)


@pytest.mark.parametrize("shape", [(1,), (2,), (19,), (1, 20)])
def test_predictions_that_numpy_would_broadcast_are_refused(shape):
    problem = random_problem(n_test=20)
    with pytest.raises(ValueError, match="20 ratings need 20 predictions in their order"):
        objective.evaluate(problem, Hyper(), Predictions(np.zeros(shape)))


# The clock.


def measured(problem, *arrays):
    def steps():
        yield from (Predictions(a).copy for a in arrays)

    evaluate = lambda shown: objective.evaluate(problem, Hyper(), shown)  # noqa: E731
    return measure(steps, evaluate, Limits(len(arrays) - 1))


def test_an_absent_J_is_no_divergence(problem):
    n = len(problem.test)
    m = measured(problem, np.full(n, 3.0), np.full(n, 3.5))
    assert m.status == "ok"
    assert all(math.isnan(p.J) and math.isfinite(p.test_rmse) for p in m.points)
    assert isinstance(m.last, Predictions)


@pytest.mark.parametrize("broken", [NAN, math.inf])
def test_one_prediction_that_is_no_number_is_divergence(problem, broken):
    n = len(problem.test)
    bad = np.full(n, 3.5)
    bad[-1] = broken
    m = measured(problem, np.full(n, 3.0), bad)
    assert m.status == "diverged"
    assert [p.epoch for p in m.points] == [0]


def test_without_test_ratings_there_is_nothing_to_judge_and_nothing_diverges(problem):
    blind = replace(problem, test=Ratings.of([], [], []))
    assert measured(blind, np.empty(0), np.empty(0)).status == "ok"


# Records, guards and standings.


def test_a_record_keeps_what_is_absent_absent():
    one = predicted()
    raw = json.loads(to_json(one))
    assert raw["points"][-1]["J"] is None
    back = from_json(to_json(one))
    assert back.predicts
    assert math.isnan(back.points[-1].J)
    assert back.points[-1].test_rmse == one.points[-1].test_rmse


def test_guards_ask_for_no_J_of_it_but_for_its_test_scores():
    assert guards(predicted()) == ()
    assert any("its J is" in flag for flag in guards(predicted(predicts=False)))
    lost = tuple(replace(p, test_rmse=NAN) for p in predicted().points)
    assert any("test_rmse is not a finite" in flag for flag in guards(predicted(points=lost)))
    flat = tuple(replace(p, test_rmse=1.154) for p in predicted().points)
    assert any("no better than the mean" in flag for flag in guards(predicted(points=flat)))


def test_its_records_agree_beside_others():
    by_name = {row.walker: row for row in standings([record(), predicted(), predicted("b")])}
    assert all(row.agrees for row in by_name.values())
    assert math.isnan(by_name["oracle"].J)


# Targets, rankings, comparisons.


def ranked(metric, *records):
    aimed = [replace(r, problem=dict(r.problem) | {"target": {"metric": metric}}) for r in records]
    return {row.backend: row for row in rows(aimed)}


def test_it_races_for_a_target_in_test_rmse_like_any_other():
    found = ranked("test_rmse", record(), predicted())["oracle"]
    assert found.applicable
    assert found.place is not None
    assert math.isfinite(found.to_target_s)
    assert math.isnan(found.J)


def test_a_target_in_J_is_not_applicable_to_it():
    miss = record("slow", points=fake.points(0.1, 1.1))  # reached by the other alone
    found = ranked("J", predicted(), record(), miss)
    assert [row.outcome for row in found.values()][-1] == "not applicable"
    assert found["oracle"].place is None
    assert math.isnan(found["oracle"].to_target_s)
    assert found["oracle"].test_rmse == min(p.test_rmse for p in predicted().points)
    assert found["slow"].place == 2
    assert found["numba_sgd"].place == 1
    (line,) = (line for line in text(found.values()).splitlines() if "oracle" in line)
    assert line.split()[:3] == ["-", "oracle", "n/a"]


def test_the_frame_shows_a_gap_and_no_number():
    table = frame(ranked("J", record(), predicted()).values()).set_index("backend")
    assert np.isnan(table.loc["oracle", ["J", "to_target_s", "best_score"]].astype(float)).all()


def test_only_predictions_have_no_target_in_J():
    assert math.isnan(target_of([predicted(points=())]).value)
    goal = target_of([replace(predicted(), problem=fake.PROBLEM | {"target": {"metric": "J"}})])
    assert goal.metric == "J"
    assert math.isnan(goal.value)
    assert math.isnan(metrics._time(predicted(), Target("J", 0.7, "as asked")))
    assert metrics._time(predicted(), Target("test_rmse", 0.5, "as asked")) == math.inf


def test_two_runs_of_it_are_compared_by_what_they_have():
    runs = [
        [predicted(case_changes={"repeat": k}, peak_mb=240.0 + k) for k in range(3)]
        for _ in range(2)
    ]
    (row,) = compare.compare(*runs).rows
    by_name = {change.metric.name: change for change in row.changes}
    assert math.isnan(by_name["j"].before)
    assert by_name["j"].mark == "~"
    assert math.isfinite(by_name["rmse"].ratio.mid)


# Figures and report.


def test_figures_leave_it_out_where_it_has_no_score_and_show_it_where_it_has():
    assert len(curves.against_epochs([predicted()], "J").x) == 0
    assert len(curves.against_epochs([predicted()], "test_rmse").x) == 21
    for metric in ("test_rmse", "J"):
        goal = {"metric": metric}
        mixed = [record(), predicted()]
        aimed = [replace(r, problem=dict(r.problem) | {"target": goal}) for r in mixed]
        with look.applied():
            drawn = figures(aimed)
        names = {kind: said(figure) for kind, figure in drawn.items()}
        timing = next(words for kind, words in names.items() if kind.startswith("timing"))
        assert ("not applicable" in timing) == (metric == "J")
        tradeoff = next(words for kind, words in names.items() if kind.startswith("tradeoff"))
        assert ("oracle" in tradeoff) == (metric == "test_rmse")


def test_alone_it_is_drawn_in_one_row_of_panels():
    with look.applied():
        drawn = figures([predicted()])
    convergence = next(f for kind, f in drawn.items() if kind.startswith("convergence"))
    assert len(convergence.axes) == 2


def said(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts}


def test_a_page_holds_no_number_that_nobody_computed():
    page = render([record(), predicted()])
    numbers = json.loads(page.partition('id="numbers">')[2].partition("</script>")[0])
    oracle = next(b for b in numbers["datasets"][0]["backends"] if b["name"] == "oracle")
    assert oracle["curves"]["J"]["epochs"]["y"] == []
    assert len(oracle["curves"]["test_rmse"]["epochs"]["y"]) == 21


# Conformance and the commands.


def found(fit, **changes):
    backend = Backend("oracle", replace(CAPS, **changes), fit)
    return {v.check: v for v in verdicts(backend)}


def test_conformance_asks_of_it_what_it_can():
    conduct = found(oracle)
    assert not [v for v in conduct.values() if v.status == "failed"]
    asked = ("starts at init", "predicts pair by pair", "ignores the test set", "loss falls",
             "repeats", "snapshot does not alias", "shapes and dtypes")  # fmt: skip
    assert {conduct[name].status for name in asked} == {"passed"}
    for name in ("reaches a stationary point", "empty rows keep init", "biases off"):
        assert conduct[name].status == "not applicable"


def test_a_family_has_no_place_for_it():
    walker = Walker(parse_backend("oracle"), Backend("oracle", CAPS, oracle))
    assert not list(traces(walker))
    assert not list(definitions([walker]))


def peeks(problem, hyper, init):
    """Predicts what it was to predict."""
    yield Predictions(np.full(len(problem.test), problem.mean)).copy
    for epoch in count(1):
        yield Predictions(problem.test.ratings + 0.1 / epoch).copy


def sorts(problem, hyper, init):
    """Hands the predictions back in an order of its own, by item."""
    order = np.lexsort((problem.test.users, problem.test.items))
    for snapshot in oracle(problem, hyper, init):
        yield Predictions(snapshot().test[order]).copy


def one_for_all(problem, hyper, init):
    for snapshot in oracle(problem, hyper, init):
        yield Predictions(snapshot().test[:1]).copy


def shows_factors(problem, hyper, init):
    while True:
        yield init.copy


def knows_before_it_learns(problem, hyper, init):
    steps = oracle(problem, hyper, init)
    next(steps)
    yield from steps


@pytest.mark.parametrize(
    ("fit", "check", "message"),
    [
        (peeks, "ignores the test set", "the backend reads problem.test"),
        (sorts, "predicts pair by pair", "each must be that of its own pair"),
        (one_for_all, "shapes and dtypes", "one prediction for each of"),
        (shows_factors, "shapes and dtypes", "where predicts=True declares Predictions"),
        (knows_before_it_learns, "starts at init", "not problem.mean"),
    ],
)
def test_a_wrong_one_is_caught(fit, check, message):
    verdict = found(fit)[check]
    assert verdict.status == "failed"
    assert message in verdict.message


def test_predictions_that_were_not_declared_are_caught():
    verdict = found(oracle, predicts=False)["shapes and dtypes"]
    assert "where predicts=False declares Factors" in verdict.message


@pytest.fixture
def mfbench(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    Path("oracle.py").write_text(SOURCE)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="mfbench")


def test_list_and_check_say_that_it_only_predicts(mfbench):
    assert "only predicts (something of its own)" in mfbench("list", "oracle.py").output
    checked = mfbench("check", "oracle.py")
    assert checked.exit_code == 0, checked.output
    assert "It shows predictions and no factors" in checked.output


def test_agree_judges_the_rest(mfbench):
    done = mfbench("agree", "-b", "oracle.py")
    assert done.exit_code == 0, done.output
    assert "it only predicts (something of its own), so there is no J to hold it to" in done.output


def test_a_run_beside_factors_ends_in_tables_figures_and_a_page(mfbench):
    data = "synthetic[users=60,items=40,ratings=1500]"
    run = ["run", "-b", "oracle.py", "-b", "numpy_als", "-d", data, "--epochs", "2", "-r", "1"]
    done = mfbench(*run)
    assert done.exit_code == 0, done.output
    assert "only predicts (something of its own)" in done.output
    one = next(r for r in load(Path("results/local")) if r.predicts)
    assert not [f for f in one.flags if "suspect clock" not in f]  # so short a run
    assert math.isnan(one.points[0].J)
    assert math.isnan(one.points[-1].J)
    assert math.isnan(one.stationarity)
    assert one.points[-1].test_rmse < one.points[0].test_rmse
    assert one.points[0].test_rmse == pytest.approx(one.problem["mean_rmse"])
    in_J = mfbench("report", "--target", "J=0.5")
    assert in_J.exit_code == 0, in_J.output
    assert "n/a" in in_J.output
