"""`mfbench run` as a user meets it: it runs, resumes, refuses with a sentence, stops cleanly."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.records import FILE_NAME, load

BROKEN = Path(__file__).with_name("broken_backends.py")
DATA = "synthetic[users=40,items=30,ratings=500]"
TINY = ["-d", DATA, "-s", "rank=3", "--epochs", "2", "--threads", "1"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def mfbench(*arguments):
    return CliRunner().invoke(main, list(arguments), prog_name="mfbench")


def run(*arguments):
    return mfbench("run", *TINY, *arguments)


def test_a_run_ends_with_a_table_and_the_paths_of_its_figures(tmp_path):
    result = run("-b", "numpy_als", "-b", "numpy_sgd", "-r", "2")
    assert result.exit_code == 0, result.output
    assert "4 of 4 cases to run" in result.output
    assert "numpy_als" in result.output
    figures = [line for line in result.output.splitlines() if line.endswith(".png")]
    assert figures
    assert all(Path(path).stat().st_size > 0 for path in figures)
    assert len(load(tmp_path / "results/local")) == 4


def test_a_record_says_how_long_its_backend_is_and_what_it_can_do(tmp_path):
    run("-b", "numpy_als", "-r", "1")
    (record,) = load(tmp_path / "results/local")
    assert record.lines["total"] > 0
    assert record.capabilities["biases"] == ["biases"]
    assert record.capabilities["device"] == ["cpu"]
    assert record.capabilities["optimizer"] == record.capabilities["dropout"] == []


def test_repeats_are_interleaved(tmp_path):
    run("-b", "numpy_als", "-b", "numpy_sgd", "-r", "2")
    order = [(r.case.repeat, r.case.backend) for r in load(tmp_path / "results/local")]
    assert order == [(0, "numpy_als"), (0, "numpy_sgd"), (1, "numpy_sgd"), (1, "numpy_als")]


def test_the_same_command_runs_only_what_is_missing_and_says_so(tmp_path):
    run("-b", "numpy_als")
    assert "2 of 5 cases" in run("-b", "numpy_als", "-r", "5").output
    done = load(tmp_path / "results/local")
    assert run("-b", "numpy_als", "-n").output.startswith("0 of 3 cases to run")
    assert load(tmp_path / "results/local") == done


def test_a_dry_run_says_what_and_why_and_runs_nothing(tmp_path):
    result = run("-b", "numpy_als", "-n")
    assert result.exit_code == 0
    assert "numpy_als on 1 thread, repeat 1: new, about" in result.output
    assert "numpy_als is 100% of it" in result.output
    assert not (tmp_path / "results").exists()


def test_a_run_can_be_timed_to_a_target_of_its_own(tmp_path):
    assert (
        "time to test RMSE 1.1000 (as asked)"
        in run("-b", "numpy_als", "-r", "1", "--target", "1.1").output
    )
    stored = (tmp_path / "results/local/targets.json").read_text()
    assert "as asked" not in stored
    result = run("-b", "numba_als", "--target", "fast")
    assert result.exit_code == 2
    assert "'fast' is no target" in result.output
    assert len(load(tmp_path / "results/local")) == 1


def test_force_runs_again(tmp_path):
    run("-b", "numpy_als", "-r", "1")
    assert "1 of 1 cases to run" in run("-b", "numpy_als", "-r", "1", "-f").output


def test_an_edited_backend_is_stale(tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(BROKEN.read_text())
    run("-b", "mine.py:fine", "-r", "1")
    mine.write_text(BROKEN.read_text() + "\n# faster now\n")
    assert "(1 its source changed)" in run("-b", "mine.py:fine", "-r", "1", "-n").output


def test_a_failure_is_a_row_the_others_go_on_and_the_exit_code_is_1(tmp_path):
    result = run("-b", f"{BROKEN}:raises", "-b", "numpy_als", "-r", "1", "--epochs", "4")
    assert result.exit_code == 1
    assert "the factors fell on the floor" in result.output
    assert "Traceback" not in result.output
    assert sorted(r.status for r in load(tmp_path / "results/local")) == ["error", "ok"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-b", "numba_sdg"], "did you mean numba_sgd?"),
        (["-b", "nowhere.py"], "There is no backend file nowhere.py"),
        (["-b", "no_such_package:thing"], "There is no module no_such_package"),
        (["-b", "numpy_als@cuda"], "cuda"),
        (["-b", "numpy_als@tpu"], "numpy_als has no device tpu"),
        (["-b", "numpy_als[lr=1]"], "does not use lr"),
        (["-b", "numpy_als[rank=0]"], "rank must be a whole number of at least 1"),
        (["-b", "numpy_sgd[lr=nan]"], "lr must be a finite number above 0"),
        (["-b", "numpy_sgd[reg=-1]"], "reg must be a finite number of at least 0"),
        (["-b", "numpy_sgd", "-s", "momentum=1"], "Unknown hyper-parameter 'momentum'"),
        (["-p", "quik"], "did you mean quick?"),
        (["--budget", "soon"], "write 30s, 500ms or 2m"),
        (["--epochs", "0"], "--epochs"),
        (["--threads", "0"], "no number of threads"),
        (["--dataset", "ml-100kk"], "did you mean ml-100k?"),
        (["--dataset", "synthetic[sise=s]"], "did you mean size?"),
        (["--dataset", "ml-100k[official=u9]"], "Unknown official split 'u9'"),
        (["--dataset", "nowhere.csv"], "nowhere.csv"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path, arguments, sentence):
    result = mfbench("run", *arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "results").exists()


def test_an_unknown_command_offers_the_nearest():
    result = mfbench("rum")
    assert result.exit_code == 2
    assert "did you mean run?" in result.output


def test_results_that_cannot_be_written_are_one_sentence_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("-b", "numpy_als", "-o", "file/below")
    assert result.exit_code == 2
    assert "Cannot write file/below" in result.output


def test_settings_change_what_runs():
    result = run("-b", "numpy_sgd[batch=7]", "-s", "reg=0.5", "-r", "1")
    assert result.exit_code == 0, result.output
    (record,) = load(Path("results/local"))
    assert (record.case.hyper["batch"], record.case.hyper["reg"]) == (7, 0.5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_valid_directory_and_no_child(tmp_path, number):
    command = [sys.executable, "-m", "bench", "run", *TINY, "-r", "1", "-o", "out", "--epochs", "4"]
    command += ["-b", "numpy_als", "-b", f"{BROKEN}:hangs"]
    here = Path(__file__).parents[1]
    running = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(here)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    records = tmp_path / "out" / FILE_NAME
    deadline = time.monotonic() + 60
    while not (records.exists() and records.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)  # the next case begins and hangs
    running.send_signal(number)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "the same command goes on" in output
    assert "Traceback" not in output
    assert [r.status for r in load(tmp_path / "out")] == ["ok"]


@pytest.mark.parametrize("command", ["list", "doctor"])
def test_what_is_here_is_shown(command):
    result = mfbench(command)
    assert result.exit_code == 0
    assert "numba" in result.output
