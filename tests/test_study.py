"""The study of additions: chosen on validation ratings, the same in both backends, kept."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.plots import study as figure
from bench.study import campaign, declared, rows, walks
from bench.study.declared import ADDITIONS, Addition
from mfimpls import registry
from mfimpls.contract import Factors, Hyper, Ratings, backend

DATA = "synthetic[users=40,items=30,ratings=500]"
FEW = (Addition("plain SGD"), Addition("dropout", strengths={"dropout": (0.1,)}, lines="dropout"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda a: a.name)
def test_every_setting_of_the_grid_is_one_that_both_backends_take(addition):
    both = list(map(registry.declared, declared.backends()))
    for settings in addition.grid():
        assert [one.refusal(Hyper(**settings)) for one in both] == [None, None]


@pytest.mark.parametrize("addition", [a for a in ADDITIONS if a.lines], ids=lambda a: a.name)
def test_the_names_that_lines_go_by_are_found_in_both_sources(addition):
    assert all(own + shared > 0 for own, shared in campaign.lines_of(addition).values())


def test_an_addition_alone_changes_one_thing_and_the_penalty_its_bias_part():
    base = next(ADDITIONS[0].grid())
    for addition in ADDITIONS[1:6]:
        changed = {k for k, v in next(addition.grid()).items() if v != base[k]}
        assert len(changed - {"lr", "reg_bias"}) == 1


@backend("dips", path="dips", uses=("lr", "batch"))
def dips(problem, hyper, init):
    """Its biases lead to errors of 4, 3, 2, 3, ... or, for lr above 1, to nothing finite."""
    for epoch in count():
        height = float("nan") if hyper.lr > 1 and epoch else 2.0 + abs(epoch - 2) + hyper.lr
        yield Factors(init.P * 0, init.Q * 0, init.b + height, init.c).copy


@pytest.fixture
def exact(problem):
    """All test ratings are the mean of the training ratings."""
    users, items, ratings = problem.test.columns
    return replace(problem, test=Ratings.of(users, items, ratings * 0 + problem.mean))


def test_the_choice_is_the_setting_and_the_epoch_with_the_lowest_validation_rmse(exact):
    grid = [{"lr": lr, "batch": 2} for lr in (0.5, 0.25, 2.0)]
    found = walks.choose(dips, exact, grid, (10, 3))
    assert (found.settings["lr"], found.epochs) == (0.25, 2)
    assert found.validation_rmse == pytest.approx(2.25, abs=1e-6)


def test_a_run_ends_when_it_has_not_improved_for_long_or_diverges(exact):
    seen = []
    counted = replace(dips, generator=lambda *a: (seen.append(0) or s for s in dips.generator(*a)))
    walks.lowest(counted, exact, Hyper(lr=0.5, batch=2), (50, 3))
    assert len(seen) == 6  # epochs 0 to 2 improve, 3 to 5 do not
    assert walks.lowest(counted, exact, Hyper(lr=2.0, batch=2), (50, 3))[0] == 0


@pytest.fixture
def small():
    return replace(campaign.Study.of(DATA, seeds=2), additions=FEW, epochs=6)


def test_by_hand_and_by_autograd_reach_the_same_test_rmse(small):
    for row in campaign.rows(small, [], lambda: None):
        by_hand, by_autograd = (row.test_rmse[name] for name in declared.backends())
        assert by_hand == pytest.approx(by_autograd, rel=1e-5)
        assert len(set(by_hand)) == small.seeds


def test_rows_that_are_done_stand_until_something_changes(small, tmp_path):
    ran = []
    done = list(campaign.rows(small, [], lambda: ran.append(1)))
    assert len(ran) == campaign.total(small)
    rows.store(tmp_path, {}, done)
    stored = rows.load(tmp_path)
    assert list(campaign.rows(small, stored, lambda: ran.append(1))) == stored
    assert len(ran) == campaign.total(small)
    other = replace(small, seeds=1)
    assert [row.identity for row in campaign.rows(other, stored, lambda: None)] != [
        row.identity for row in stored
    ]


def test_a_table_and_a_figure_show_every_row(small, tmp_path):
    done = list(campaign.rows(small, [], lambda: None))
    lines = list(rows.table(done))
    assert [line.split("  ")[0] for line in lines[1:]] == ["plain SGD", "dropout"]
    assert all(path.stat().st_size > 0 for path in figure.save(done, DATA, tmp_path))


def test_a_dry_run_counts_the_settings(tmp_path):
    result = CliRunner().invoke(main, ["study", "-d", DATA, "-n"], prog_name="mfbench")
    assert result.exit_code == 0
    assert f"dropout: {len(declared.LR['sgd']) * 4} settings" in result.output
    assert not (tmp_path / "results").exists()


def test_the_page_shows_the_stored_study():
    root = Path(__file__).parent.parent
    page = (root / "docs/experiments.md").read_text(encoding="utf-8")
    stored = rows.load(root / "results/study")
    assert [row.name for row in stored] == [addition.name for addition in ADDITIONS]
    base, *added = stored
    by_hand = next(iter(base.test_rmse))
    for row in added:
        lines = "".join(f" {own} + {shared} |" for own, shared in row.lines.values()) or "  |  |"
        change = row.mean(by_hand) - base.mean(by_hand)
        assert f"| {row.name} |{lines} {row.mean(by_hand):.4f} | {change:+.4f} |" in page
