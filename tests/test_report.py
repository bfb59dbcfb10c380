"""`mfbench report`: everything from stored records, one sentence where there are none."""

import subprocess
import sys
from pathlib import Path

import fake_records as fake
import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.records import append


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for record in fake.suite(10, repeats=2):
        append(tmp_path / "results", record)
    return tmp_path / "results"


def report(*args: object):
    return CliRunner().invoke(main, ["report", *map(str, args)])


def test_it_prints_ranking_failures_and_paths(results: Path) -> None:
    done = report(results)
    assert done.exit_code == 0, done.output
    assert "numba_sgd" in done.output
    assert "x cmfrec: Killed by signal 9" in done.output
    paths = [Path(line) for line in done.output.splitlines() if line.endswith((".png", ".svg"))]
    assert paths
    assert all(path.exists() for path in paths)


def test_target_and_baseline_can_be_asked_for(results: Path) -> None:
    done = report(results, "--target", "0.95", "--baseline", "numpy_als")
    assert "test RMSE 0.9500 (as asked), ratio to numpy_als" in done.output


def test_an_unknown_baseline_offers_the_nearest(results: Path) -> None:
    done = report(results, "--baseline", "numpy_asl")
    assert done.exit_code == 2
    assert "numpy_als" in done.output


@pytest.mark.parametrize("make", [True, False], ids=["empty", "missing"])
def test_no_results_is_one_sentence(tmp_path: Path, make: bool) -> None:
    directory = tmp_path / "none"
    if make:
        directory.mkdir()
    done = report(directory)
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert "holds no results" in done.output


def test_importing_the_command_loads_no_plotting_library() -> None:
    code = "import sys, bench.commands.report; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"matplotlib", "pandas", "plotly", "numpy", "rich"} & set(loaded.stdout.split())
