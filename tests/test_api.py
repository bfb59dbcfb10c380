"""The Python API: the same grid, records and figures as the command line."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_records import record

from bench import load, plot, ranking, run
from bench.__main__ import main
from bench.specs import SpecError
from mfimpls import UnknownBackend

DATA = "synthetic[users=200,items=100,ratings=6000]"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """Two backends, raced once for all tests."""
    place = tmp_path_factory.mktemp("raced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MFBENCH_DATA", str(place / "cache"))
        options = {"epochs": 3, "repeats": 2, "threads": 1, "settings": {"rank": 4}}
        return run(["numpy_als", "numpy_sgd"], [DATA], place / "out", **options), place / "out"


def test_a_run_is_the_grid_of_the_command_line(raced):
    records, place = raced
    assert [r.status for r in records] == ["ok"] * 4
    line = ["run", "-b", "numpy_als", "-b", "numpy_sgd", "-d", DATA, "-s", "rank=4", "-r", "2"]
    line += ["--epochs", "3", "--threads", "1", "-n", "-o", str(place)]
    assert "0 of 4 cases to run" in CliRunner().invoke(main, line).output


def test_a_run_returns_what_is_there_already(raced):
    records, place = raced
    options = {"epochs": 3, "repeats": 1, "threads": 1, "settings": {"rank": 4}}
    again = run(["numpy_als"], [DATA], place, **options)
    assert [r.started for r in again] == [r.started for r in records if r.case == again[0].case]


def test_records_are_loaded_with_their_targets(raced):
    records, place = raced
    assert {r.case.key for r in load(place)} == {r.case.key for r in records}
    assert all("target" in r.problem for r in load(place))


def test_a_ranking_is_a_table_best_first(raced):
    table = ranking([replace(r, flags=()) for r in raced[0]])  # a busy machine trips guards
    assert list(table["place"]) == [1, 2]
    assert table["to_target_s"].is_monotonic_increasing
    assert {"backend", "test_rmse", "J", "ratio", "ratio_low", "ratio_high"} <= set(table)


def test_a_plot_is_a_figure_of_the_kind_asked_for(raced):
    assert plot(raced[0]).axes
    assert plot(raced[0], "speed", dataset="synthetic").axes


def test_a_failure_is_a_record_and_raises_nothing():
    broken = Path(__file__).with_name("broken_backends.py")
    options = {"epochs": 4, "repeats": 1, "threads": 1}
    (found,) = run([f"{broken}:raises"], [DATA], **options)
    assert found.status == "error"
    assert "the factors fell on the floor" in found.reason


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: run(["numpy_sdg"]), UnknownBackend, "did you mean numpy_sgd"),
        (lambda: run(["numpy_als[rank=0]"], [DATA]), SpecError, "rank must be a whole number"),
        (lambda: run("numpy_als"), TypeError, r"write \['numpy_als'\]"),
        (lambda: run(["numpy_als"], epocs=3), TypeError, "unexpected keyword argument 'epocs'"),
        (lambda: run(preset="quik"), SpecError, "did you mean quick"),
        (lambda: plot([]), SpecError, "kind of plot"),
        (lambda: plot([record()], "spede"), SpecError, "did you mean speed"),
        (lambda: plot([record()], dataset="nowhere"), SpecError, "No convergence plot is about"),
    ],
)
def test_what_cannot_be_honoured_is_one_sentence(tmp_path, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
    assert not (tmp_path / "results").exists()


def test_names_are_documented_and_last():
    import bench.leaderboard  # whose name a function must not share

    for name in bench.__all__:
        assert callable(getattr(bench, name))
        assert getattr(bench, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'rank'"):
        _ = bench.rank


def test_the_package_imports_nothing_before_it_is_asked():
    asked = "import bench, sys; print({'numpy', 'pandas', 'click'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"
