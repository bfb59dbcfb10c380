"""A backend that minimises something else than J says so, and is held to what can be asked."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_records import record

from bench.__main__ import main
from bench.families import Walker, definitions, traces
from bench.guards import guards
from bench.records import load
from bench.report import render
from bench.specs import parse_backend
from bench.standings import standings
from mfimpls.conformance import reference, verdicts
from mfimpls.contract import Backend, Caps

CLAUSE = "J with twice the penalty"
SOURCE = f"""
from dataclasses import replace

from mfimpls import backend
from mfimpls.conformance import reference


@backend("other", path="als", monotone=True, objective="{CLAUSE}")
def other(problem, hyper, init):
    \"\"\"Exact ALS on another loss.\"\"\"
    changed = replace(hyper, reg=2 * hyper.reg, reg_bias=2 * hyper.reg_bias)
    yield from reference.als(problem, changed, init)
"""


def doubled(problem, hyper, init):
    changed = replace(hyper, reg=2 * hyper.reg, reg_bias=2 * hyper.reg_bias)
    yield from reference.als(problem, changed, init)


@pytest.fixture
def mfbench(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("other.py").write_text(SOURCE)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="mfbench")


def found(objective):
    caps = Caps(path="als", monotone=True, objective=objective)
    return {v.check: v for v in verdicts(Backend("other", caps, doubled))}


def test_what_is_asked_of_J_alone_fails_it_until_it_says_what_it_minimises():
    silent, honest = found("J"), found(CLAUSE)
    of_J = {"reaches a stationary point", "step follows the judge", "follows its path"}
    assert {name for name, v in silent.items() if v.status == "failed"} == of_J
    assert not [v for v in honest.values() if v.status == "failed"]
    for name in (*of_J, "is monotone", "mean is constant"):
        assert honest[name].message == f"other minimises {CLAUSE}, not J."
    assert honest["loss falls"].status == "passed"


def test_it_belongs_to_no_family():
    backend = Backend("other", Caps(path="als", objective=CLAUSE), doubled)
    walker = Walker(parse_backend("other"), backend)
    assert not list(traces(walker))
    assert not list(definitions([walker]))


def test_list_says_what_it_minimises(mfbench):
    said = mfbench("list", "other.py").output
    assert f"minimises {CLAUSE}, not J: its J is shown, and not held against it" in said


def test_agree_says_what_it_cannot_judge_and_judges_the_rest(mfbench):
    done = mfbench("agree", "-b", "other.py")
    assert done.exit_code == 0, done.output
    assert f"other.py: it minimises {CLAUSE}, not J" in done.output
    assert "Conformance" in done.output
    assert "At convergence" not in done.output


def test_its_records_carry_the_clause_its_J_and_no_stationarity(mfbench):
    data = "synthetic[users=60,items=40,ratings=1500]"
    done = mfbench("run", "-b", "other.py", "-d", data, "--epochs", "2", "-r", "1")
    assert done.exit_code == 0, done.output
    (one,) = load(Path("results/local"))
    assert one.objective == CLAUSE
    assert math.isfinite(one.points[-1].J)
    assert math.isnan(one.stationarity)
    note = f"minimises {CLAUSE}, not J: its J is shown, and not held against it"
    assert note in one.notes
    assert f"minimises {CLAUSE}" in done.output
    assert note in render([one])


def test_its_records_are_compared_with_nobodys_path():
    one = record("numba_sgd")
    moved = tuple(replace(p, J=p.J * 2) for p in one.points)
    other = replace(record("numpy_sgd"), points=moved)
    assert [row.agrees for row in standings([one, other])] == [True, False]
    assert all(row.agrees for row in standings([one, replace(other, objective=CLAUSE)]))


def test_its_J_may_rise_though_it_never_lets_its_own_objective_rise():
    rising = tuple(replace(p, J=1 + p.epoch) for p in record().points)
    one = replace(record(), points=rising)
    assert any("J rises" in flag for flag in guards(one, monotone=True))
    assert guards(replace(one, objective=CLAUSE), monotone=True) == ()
