"""`mfbench tune` as a user meets it: it searches, resumes, survives what a backend does to it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.tune.trials import load

DATA = "synthetic[users=40,items=30,ratings=500]"
BROKEN = Path(__file__).with_name("broken_backends.py")
TINY = ["tune", "-d", DATA, "--trials", "3", "--budget", "100ms", "--threads", "1"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def tune(*arguments):
    return CliRunner().invoke(main, [*TINY, *arguments], prog_name="mfbench")


def stored(tmp_path):
    (folder,) = (tmp_path / "results/local/tuning").iterdir()
    return load(folder)


def test_without_optuna_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    result = tune()
    assert result.exit_code == 2
    assert "mfbench tune needs optuna: pip install 'mfbench[tune]'" in result.output


def test_a_dry_run_says_what_would_be_tried_and_tries_nothing(tmp_path):
    pytest.importorskip("optuna")
    result = tune("-n", "-b", "numpy_sgd", "-b", "numba_als")
    assert result.exit_code == 0
    assert "numpy_sgd: optimizer, lr, decay, batch, order: 3 trials" in result.output
    assert "numba_als: nothing to search: 1 trial\n" in result.output
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_a_tuning_ends_with_a_table_and_a_figure_and_is_not_done_twice(tmp_path):
    pytest.importorskip("optuna")
    result = tune("-b", "numpy_sgd", "-b", "numba_als")
    assert result.exit_code == 0, result.output
    assert "settings of the winner" in result.output
    figures = [line for line in result.output.splitlines() if line.endswith(".png")]
    assert figures
    assert all(Path(path).stat().st_size > 0 for path in figures)
    done = stored(tmp_path)
    again = tune("-b", "numpy_sgd", "-b", "numba_als")
    assert stored(tmp_path) == done
    assert again.output.splitlines()[-8:] == result.output.splitlines()[-8:]


@pytest.mark.slow
def test_a_trial_that_crashes_hangs_or_diverges_is_a_trial_with_a_state(tmp_path):
    pytest.importorskip("optuna")
    names = ("segfaults", "hangs", "diverges", "raises")
    result = tune(
        *(word for name in names for word in ("-b", f"{BROKEN}:{name}")), "-b", "numpy_als"
    )
    assert result.exit_code == 1
    assert "raises: no trial came to a score: error, RuntimeError" in result.output
    states = {
        t.backend.rpartition(":")[2]: t.state for t in stored(tmp_path) if t.stage == "search"
    }
    assert states == {
        "segfaults": "error", "hangs": "timeout", "diverges": "diverged", "raises": "error",
        "numpy_als": "hit",
    }  # fmt: skip


@pytest.mark.slow
def test_a_tuning_that_is_stopped_leaves_no_process_and_goes_on(tmp_path):
    pytest.importorskip("optuna")
    command = [sys.executable, "-m", "bench", *TINY, "-b", f"{BROKEN}:hangs", "-b", "numpy_als"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if line.startswith("model 3/3"):
            break
    while not (children := psutil.Process(running.pid).children(recursive=True)):
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    said = running.communicate()[1]
    assert running.returncode == 130
    assert "the same command goes on" in said
    assert not any(child.is_running() for child in children)
    before = stored(tmp_path)
    assert [t.stage for t in before] == ["model"] * 3
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    assert stored(tmp_path)[:3] == before
