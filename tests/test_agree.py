"""Verdicts are pure: traces and records in, rows out; the command adds exit codes and tables."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fake_records import case, record

from bench.__main__ import main
from bench.agree import WRITTEN, Family, Trace, matrix, memberships
from bench.families import Walker, independence, traces
from bench.records import append
from bench.specs import parse_backend
from bench.standings import standings
from bench.verdicts import Agreement, Destination, Independence, plain
from mfimpls import registry

SGD = Family("sgd")
ALS = Family("als", steps=False)
CRASH = """
from mfimpls import backend

@backend("crash", path="als")
def crash(problem, hyper, init):
    raise ZeroDivisionError("no users")
    yield
"""
MUTANTS = Path(__file__).parent / "mutants"


def trace(walker, family=SGD, J=(3.0, 2.0, 1.0), factors=((1.0, 2.0),) * 3, **fields):
    return Trace(family=family, walker=walker, J=np.array(J), factors=np.array(factors), **fields)


def the_one(traces):
    (found,) = memberships(traces)
    return found


def test_equal_traces_agree():
    found = the_one([trace("mine"), trace(WRITTEN)])
    assert (found.walker, found.against, found.verdict) == ("mine", WRITTEN, "agrees")
    assert (found.gap.J, found.gap.factors, found.gap.parted) == (0, 0, None)


@pytest.mark.parametrize(
    ("fields", "epoch", "J", "factors"),
    [
        ({"J": (3.0, 2.0, 1.1)}, 2, 0.1, 0.0),
        ({"factors": ((1.0, 2.0), (1.0, 2.2), (1.0, 2.0))}, 1, 0.0, 0.1),
        ({"J": (3.0, np.nan, 1.0)}, 1, np.inf, 0.0),
        ({"factors": ((1.0, 2.0), (1.0, 2.0), (np.nan, 2.0))}, 2, 0.0, np.inf),
    ],
)
def test_a_trace_parts_where_its_loss_or_its_factors_do(fields, epoch, J, factors):
    found = the_one([trace(WRITTEN), trace("mine", **fields)])
    assert not found.agrees
    assert found.verdict == f"parts in epoch {epoch}"
    assert (found.gap.J, found.gap.factors) == pytest.approx((J, factors))


@pytest.mark.parametrize(("gap", "agrees"), [(5e-10, True), (5e-9, False)])
def test_float64_is_held_to_a_billionth(gap, agrees):
    assert the_one([trace(WRITTEN), trace("mine", J=(3, 2, 1 + gap))]).agrees == agrees


@pytest.mark.parametrize(("gap", "agrees"), [(5e-6, True), (5e-5, False)])
def test_float32_is_held_to_its_own_bound_beside_float64(gap, agrees):
    coarse = trace("mine", J=(3, 2, 1 + gap), dtype="float32")
    found = the_one([trace(WRITTEN), trace("mine"), coarse])
    assert found.gap.J == 0
    assert pytest.approx(gap) == found.float32.J
    assert found.agrees == agrees


def test_bits_that_depend_on_the_threads_do_not_agree():
    other = trace("mine", factors=((1.0, 2.0), (1.0, 2.0), (1.0, 2.0 + 1e-15)), threads=2)
    found = the_one([trace(WRITTEN), trace("mine"), other])
    assert (found.threads, found.verdict) == ((1, 2), "depends on the threads")


def test_families_are_judged_apart():
    found = list(memberships([trace("a"), trace(WRITTEN), trace("b", ALS), trace("c", ALS)]))
    assert [(m.family, m.walker, m.against) for m in found] == [
        (SGD, "a", WRITTEN),
        (ALS, "c", "b"),
    ]


def test_a_lone_walker_of_an_unwritten_path_is_shown_against_itself():
    found = the_one([trace("alone", Family("ccd"))])
    assert found.against == found.walker == "alone"


def test_the_matrix_has_every_pair_once():
    family = matrix([trace("a"), trace("b", J=(3, 2, 2)), trace(WRITTEN)])[SGD]
    assert set(family) == {(WRITTEN, "a"), (WRITTEN, "b"), ("a", "b")}
    assert family["a", "b"].parted == 2


def test_records_stand_side_by_side_with_their_faults():
    flagged = record("numba_als", flags=("no better than the mean",), order_sha256="")
    failed = record("torch_sgd", status="diverged", reason="the loss is not finite", points=())
    fine, *off = standings([record(), flagged, failed])
    assert fine.agrees
    assert [row.faults for row in off] == [
        ("no better than the mean",),
        ("the loss is not finite",),
    ]


def test_records_on_one_walk_must_have_the_same_losses():
    one, other = record("numba_sgd"), record("numpy_sgd")
    found = standings([one, replace(other, points=one.points)])
    assert all(row.agrees for row in found)
    moved = tuple(replace(p, J=p.J * (1.01 if p.epoch > 4 else 1)) for p in one.points)
    _, parted = standings([one, replace(other, points=moved)])
    (sentence,) = parted.faults
    assert "after epoch 5 where numba_sgd, from the same start" in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"order_sha256": "2" * 64},
        {"order_sha256": ""},
        {"init_sha256": "2" * 64},
        {"case": case("numpy_sgd", hyper={**case().hyper, "lr": 0.5})},
    ],
)
def test_records_on_other_walks_may_differ(changes):
    one = record("numba_sgd")
    moved = tuple(replace(p, J=p.J * 2) for p in one.points)
    other = replace(record("numpy_sgd"), points=moved, **changes)
    assert all(row.agrees for row in standings([one, other]))


def test_whoever_is_off_is_named_once_and_the_rest_is_json():
    found = Agreement(
        memberships=tuple(memberships([trace(WRITTEN), trace("bad", J=(3, 2, np.nan))])),
        destinations=(
            Destination(walker="bad", J=1.0, stationarity=0.4, bound=0.03, test_rmse=1.0),
            Destination(walker="good", J=1.0, stationarity=0.01, bound=0.03, test_rmse=np.nan),
        ),
        independences=(
            Independence(
                dataset="d", walker="hogwild", threads=(1, 2), same_bits=False, declared=False
            ),
        ),
        standings=tuple(standings([record()])),
    )
    assert found.off == ("bad",)
    rows = json.loads(json.dumps(plain(found), allow_nan=False))
    assert rows["off"] == ["bad"]
    assert rows["memberships"][0]["gap"]["J"] is None
    assert [row["agrees"] for row in rows["destinations"]] == [False, True]


def test_a_spec_leaves_open_what_it_does_not_set():
    def families(text):
        walker = Walker(parse_backend(text), registry.load("numpy_sgd"))
        return {t.family for t in traces(walker)}

    assert {f.optimizer for f in families("numpy_sgd[batch=8,order=blocks]")} == {
        "sgd",
        "adagrad",
        "rowwise_adagrad",
        "adam",
    }
    assert families("numpy_sgd[batch=8,optimizer=adam,order=blocks]") == {
        Family("sgd", 8, "adam", "blocks")
    }


def test_threads_on_a_data_set_change_no_bit(problem):
    walker = Walker(parse_backend("numba_als"), registry.load("numba_als"))
    found = independence(walker, "random", problem)
    assert found.same_bits
    assert found.agrees


@pytest.fixture
def agree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["agree", *arguments], prog_name="mfbench")


def test_a_right_backend_exits_with_0(agree):
    result = agree("-b", "numpy_als")
    assert result.exit_code == 0, result.output
    assert "All agree." in result.output


def test_a_wrong_backend_from_a_file_is_named_and_exits_with_1(agree):
    result = agree("-b", f"{MUTANTS / 'penalty_uncounted.py'}")
    assert result.exit_code == 1
    assert "parts in epoch 1" in result.output
    assert "not a minimum of J" in result.output
    assert "penalty_uncounted.py." in result.output.splitlines()[-1]


def test_a_backend_that_crashes_is_a_verdict_and_no_traceback(agree, tmp_path):
    (tmp_path / "crash.py").write_text(CRASH)
    result = agree("-b", "crash.py", "--json")
    assert result.exit_code == 1
    assert "It raised ZeroDivisionError: no users" in result.output


def test_json_holds_every_verdict_and_the_records(agree, tmp_path):
    append(tmp_path / "kept", record("numpy_als", flags=("no better than the mean",)))
    append(tmp_path / "kept", record("torch_sgd", flags=("never asked for",)))
    result = agree("-b", "numpy_als", "-o", "kept", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["off"] == ["numpy_als"]
    assert found["conducts"][0]["failures"] == []
    assert [row["walker"] for row in found["standings"]] == ["numpy_als"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-b", "numpy_sdg"), "did you mean numpy_sgd?"),
        (("-b", "numpy_als[lr=0.5]"), "numpy_als does not use lr"),
        (("-b", "numpy_als@cuda"), "cuda"),
        (("-b", "numpy_als[lr"), "is no backend"),
        (("-b", "numpy_als", "-d", "ml-1k"), "did you mean"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_a_sentence(agree, arguments, sentence):
    result = agree(*arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output
