"""`mfbench check`: a line per check, faults with what was expected, what came and where to look."""

import importlib.metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.records import load
from mfimpls import registry
from mfimpls.conformance import CHECKS

MUTANTS = Path(__file__).parent / "mutants"
RAISES = "raise RuntimeError('the import fell over')\n"
FINE = """
from mfimpls import backend
from mfimpls.conformance.reference import als

@backend("{name}", path="als", monotone=True)
def {name}(problem, hyper, init):
    yield from als(problem, hyper, init)
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def mfbench(*arguments):
    return CliRunner().invoke(main, list(arguments), prog_name="mfbench")


def test_a_right_backend_has_a_line_per_check_and_exit_code_0():
    result = mfbench("check", "numpy_als")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "numpy_als from numpy_als, path als"
    marks = [line[2:6] for line in lines[1:-1]]
    assert len(marks) == len(CHECKS) + 1
    assert set(marks) == {"pass", "n/a "}
    assert "  n/a  seed matters: numpy_als declares no use of a sample order." in lines
    assert "the same bits with 1, 2, 4 threads" in lines[-2]


@pytest.mark.parametrize(
    ("mutant", "message"),
    [
        ("gradient_doubled", "It walks as if the gradient were doubled"),
        pytest.param(
            "penalty_uncounted", "Is the penalty counted once per rating", marks=pytest.mark.slow
        ),
        pytest.param(
            "weight_decay", "weight_decay and dense Adam move every row", marks=pytest.mark.slow
        ),
    ],
)
def test_a_wrong_backend_is_told_what_came_what_was_expected_and_where_to_look(mutant, message):
    result = mfbench("check", str(MUTANTS / f"{mutant}.py"))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    at = next(k for k, line in enumerate(lines) if message in line)
    assert lines[at - 2].startswith("  FAIL ")
    assert lines[at - 1].startswith("         expected: ")
    assert lines[at].startswith("         came: ")
    assert "docs/" in lines[at + 1]
    assert "look at: check_" in lines[at + 1]


def test_who_refuses_ratings_is_one_sentence_and_exit_code_2(tmp_path):
    refusal = (
        'from mfimpls import Unsupported; raise Unsupported("clicks is not for ratings."); yield'
    )
    (tmp_path / "clicks.py").write_text(FINE.format(name="clicks").replace("yield", refusal))
    for command in (["check", "clicks.py"], ["agree", "-b", "clicks.py"]):
        result = mfbench(*command)
        assert result.exit_code == 2
        assert result.output.splitlines()[-1] == "Error: clicks is not for ratings."
        assert "Traceback" not in result.output


def test_what_raises_is_located_in_the_authors_file(tmp_path):
    (tmp_path / "crash.py").write_text(FINE.format(name="crash").replace("yield", "1 / 0; yield"))
    result = mfbench("check", "crash.py")
    assert result.exit_code == 1
    assert "It raised ZeroDivisionError" in result.output
    assert "crash.py:7" in result.output


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("numpy_sdg", "did you mean numpy_sgd?"),
        ("nowhere.py", "There is no backend file nowhere.py"),
        ("no_such_package:thing", "There is no module no_such_package"),
        ("numpy_als@cuda", "cuda"),
        ("needy.py", "it needs surely_not_installed: pip install surely_not_installed"),
        ("typo.py", "typo.py:1 is no Python"),
    ],
)
def test_a_spec_that_leads_nowhere_is_a_sentence_and_exit_code_2(tmp_path, spec, sentence):
    needy = FINE.format(name="needy").replace("True", 'True, requires=("surely_not_installed",)')
    (tmp_path / "needy.py").write_text(needy)
    (tmp_path / "typo.py").write_text("def broken(:\n")
    result = mfbench("check", spec)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", [["check"], ["agree", "-b", "numpy_als", "-b"]])
def test_a_file_that_raises_on_import_is_a_sentence_and_a_log(tmp_path, command):
    (tmp_path / "broken.py").write_text(FINE.format(name="broken") + RAISES)
    result = mfbench(*command, "broken.py")
    assert result.exit_code == 1
    assert "broken.py raised RuntimeError when it was imported: the import fell" in result.output
    assert "Traceback" not in result.output
    log = tmp_path / "results/local/logs/broken-py.log"
    assert 'broken.py", line 8' in log.read_text()
    if command[0] == "agree":
        assert "All agree." in result.output  # of those that could be judged


@pytest.mark.parametrize(
    "path", ['"als"', pytest.param('"".join(["a", "ls"])', marks=pytest.mark.slow)]
)
def test_in_a_run_it_is_a_record_with_its_log_and_the_others_run_on(tmp_path, path):
    # Whether its declarations can be read without importing it or not.
    source = FINE.format(name="broken").replace('"als"', path)
    (tmp_path / "broken.py").write_text(source + RAISES)
    tiny = ["-d", "synthetic[users=40,items=30,ratings=500]", "--epochs", "1", "-r", "1"]
    result = mfbench("run", *tiny, "-b", "broken.py", "-b", "numpy_als")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    found = {record.case.backend: record for record in load(Path("results/local"))}
    assert found["numpy_als"].status == "ok"
    assert found["broken.py"].status == "error"
    assert "RuntimeError: the import fell over" in found["broken.py"].reason
    (log,) = (tmp_path / "results/local/logs").iterdir()
    assert "Traceback" in log.read_text()
    assert str(log.relative_to(tmp_path)) in found["broken.py"].reason


@pytest.fixture
def ways(tmp_path, monkeypatch):
    """One backend, by each way in."""
    (tmp_path / "way_in.py").write_text(FINE.format(name="way_in"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    points = [importlib.metadata.EntryPoint("plugged", "way_in:way_in", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    return ["way_in.py", "way_in.py:way_in", "way_in:way_in", "plugged"]


def test_every_way_in_leads_to_the_same_declaration(ways):
    for way in ways:
        result = mfbench("list", way)
        assert result.exit_code == 0, result.output
        assert result.output.startswith("way_in\n")


def test_a_module_runs_in_a_process_of_its_own(ways):
    tiny = ["-d", "synthetic[users=40,items=30,ratings=500]", "--epochs", "1", "-r", "1"]
    result = mfbench("run", *tiny, "-b", ways[2], "--threads", "1")
    assert [r.status for r in load(Path("results/local"))] == ["ok"], result.output


@pytest.mark.slow
@pytest.mark.parametrize("way", range(4))
def test_every_way_in_is_judged(ways, way):
    assert mfbench("check", ways[way]).exit_code == 0
    assert mfbench("agree", "-b", ways[way]).exit_code == 0


@pytest.mark.parametrize("command", [["run", "-n"], ["agree"]])
def test_two_of_one_name_are_an_error_that_names_both(tmp_path, command):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "twin.py").write_text(FINE.format(name="twin"))
    result = mfbench(*command, "-b", "one/twin.py", "-b", "other/twin.py")
    assert result.exit_code == 2
    assert "Two backends are called twin: one/twin.py and other/twin.py" in result.output


def test_a_file_in_the_tree_and_an_entry_point_of_one_name_are_an_error(monkeypatch):
    points = [importlib.metadata.EntryPoint("numpy_als", "theirs:als", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    result = mfbench("list")
    assert result.exit_code == 2
    assert "mfimpls.backends.numpy_als and theirs:als" in result.output


def test_a_broken_plugin_costs_its_own_line_in_the_list(tmp_path, monkeypatch):
    (tmp_path / "bad_plugin.py").write_text(RAISES)
    monkeypatch.syspath_prepend(tmp_path)
    points = [importlib.metadata.EntryPoint("bad", "bad_plugin:bad", registry.GROUP)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    result = mfbench("list")
    assert result.exit_code == 0
    assert "bad raised RuntimeError when it was imported" in result.output
    assert "numpy_als" in result.output
