"""`mfbench new`: what it writes runs and agrees as it stands, and nothing is ever overwritten."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.commands.new import STARTS
from bench.records import load
from mfimpls import registry
from mfimpls.conformance.paths import check_follows_its_path
from mfimpls.conformance.steps import check_step_follows_the_judge

DATA = "synthetic[users=200,items=100,ratings=6000]"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def mfbench(*arguments):
    return CliRunner().invoke(main, list(arguments), prog_name="mfbench")


QUICK = [start for start in STARTS if start != "torch_sgd"]  # which takes 3 s to load


@pytest.mark.parametrize("start", QUICK)
def test_every_start_walks_its_path_and_is_short_and_named(start):
    assert mfbench("new", "mine", "--from", start).exit_code == 0
    text = Path("mine.py").read_text()
    assert len(text.splitlines()) < 80
    assert "my_backend" not in text
    backend = registry.load("mine.py")
    assert backend.name == "mine"
    check_follows_its_path(backend)
    check_step_follows_the_judge(backend)


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
def test_every_start_passes_every_check(start):
    mfbench("new", "mine", "--from", start)
    result = mfbench("check", "mine.py")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("start", STARTS)
def test_the_next_commands_are_printed_and_exist(start):
    *_, check, run, report = mfbench("new", "mine", "--from", start).output.splitlines()
    assert check.strip() == "mfbench check mine.py"
    assert "mine.py" in run
    rival = run.rpartition(" -b ")[2]
    assert rival in registry.names()
    assert report.strip() == f"mfbench report --baseline {rival}"


def test_the_start_runs_beside_a_backend_of_the_tree():
    mfbench("new", "mine")
    race = ["-d", DATA, "-b", "mine.py[batch=256,lr=0.05]", "-b", "numpy_als", "-r", "1"]
    result = mfbench("run", *race, "--epochs", "2", "--threads", "1")
    assert result.exit_code == 0, result.output
    assert {r.status for r in load(Path("results/local"))} == {"ok"}


def test_a_refit_is_noted_beside_its_row_and_timed_by_its_own_run():
    mfbench("new", "mine", "--from", "library")
    result = mfbench("run", "-d", DATA, "-b", "mine.py", "-r", "1", "--epochs", "4")
    assert "mine.py: can't be stepped: each point is a training run of its own" in result.output
    (record,) = load(Path("results/local"))
    assert record.notes
    assert "can't be stepped" in mfbench("list", "mine.py").output


def test_nothing_is_overwritten():
    Path("mine.py").write_text("precious")
    result = mfbench("new", "mine")
    assert result.exit_code == 2
    assert "mine.py is here already and is not overwritten" in result.output
    assert Path("mine.py").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("my-backend", "use letters, digits and underscores, such as my_my_backend"),
        ("2fast", "such as my_2fast"),
        ("class", "can't be the name of a backend"),
        ("_private", "can't be the name of a backend"),
        ("../mine", "can't be the name of a backend"),
        ("numba_sgd", "There is a backend numba_sgd already"),
        ("json", "json is the name of a Python module"),
    ],
)
def test_names_that_cannot_be_are_refused_in_a_sentence(tmp_path, name, sentence):
    result = mfbench("new", name)
    assert result.exit_code == 2
    assert sentence in result.output
    assert not list(tmp_path.rglob("*.py"))


def test_an_unknown_start_lists_the_known_ones():
    result = mfbench("new", "mine", "--from", "fortran")
    assert result.exit_code == 2
    assert "library" in result.output
