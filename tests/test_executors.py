"""Cases handed to other engines: the same records come back, with machine or reason."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import environment, plan
from bench.__main__ import main
from bench.executors.orders import carry_out, order_of, record_of
from bench.records import FILE_NAME, load
from bench.specs import parse_backend
from mfimpls import registry

ROOT = Path(__file__).parents[1]
BROKEN = Path(__file__).with_name("broken_backends.py")
DATA = "synthetic[users=40,items=30,ratings=500]"
RUN = ["run", "-d", DATA, "-s", "rank=3", "--epochs", "2", "--threads", "1", "-r", "1"]
ENGINES = {
    "dask": ["--executor", "dask"],
    "slurm": ["--executor", "slurm", "--slurm", "cluster=local"],  # submitit's stand-in
}
NEEDS = {"dask": "distributed", "slurm": "submitit"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=ENGINES)
def engine(request):
    pytest.importorskip(NEEDS[request.param])
    return ENGINES[request.param]


@pytest.fixture
def scheduler():
    """A dask cluster that somebody else runs, with one worker process: its address and process."""
    pytest.importorskip("distributed")
    script = (
        "import sys, distributed as d\n"
        "if __name__ == '__main__':\n"
        "    c = d.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "    print(c.scheduler_address, flush=True); sys.stdin.read()\n"
    )
    Path("cluster.py").write_text(script)
    with subprocess.Popen(
        [sys.executable, "cluster.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        yield running.stdout.readline().strip()
        running.stdin.close()


def mfbench(*arguments):
    return CliRunner().invoke(main, list(arguments), prog_name="mfbench")


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments):
    running = start(*RUN, *arguments)
    output, _ = running.communicate(timeout=120)
    return running.returncode, output


def job_of(name="numpy_als"):
    spec = parse_backend(name)
    grid = plan.Grid(
        datasets=[DATA], backends=[spec], repeats=1, epochs=3, budget_s=60.0, timeout_s=60.0,
        threads=[1], shared={"rank": "3"},
    )  # fmt: skip
    return plan.jobs(grid, {spec.name: registry.load(spec.name)})[0]


def answered(job, tmp_path):
    return record_of(carry_out(order_of(job, "asked")), tmp_path / "logs" / "log")


def test_an_answer_holds_the_record_and_the_machine_that_made_it(tmp_path):
    record = answered(job_of(), tmp_path)
    assert (record.status, record.epochs, record.env.command) == ("ok", 3, "asked")
    assert record.env.machine == environment.machine()
    assert record.env.host == socket.gethostname()


def test_the_worker_makes_the_problem_itself(tmp_path, monkeypatch):
    job = job_of()
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "elsewhere"))
    assert answered(job, tmp_path).problem["sha256"] == job.data_sha256
    assert (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("field", "what"), [("data_sha256", "The data of"), ("code_sha256", "The source of numpy_als")]
)
def test_other_data_or_code_than_planned_is_an_error_record_that_says_so(tmp_path, field, what):
    record = answered(replace(job_of(), **{field: "f" * 64}), tmp_path)
    assert record.status == "error"
    assert record.reason.startswith(what)
    assert "is not the planned one" in record.reason
    assert record.env.machine == environment.machine()


def test_a_data_set_that_the_worker_lacks_is_an_error_record(tmp_path):
    Path("mine.csv").write_text("user,item,rating\n" + "a,x,1\nb,y,2\na,y,3\nb,x,4\n" * 9)
    order = order_of(job_of(), "asked") | {"dataset": str(tmp_path / "gone.csv")}
    assert "There is no ratings file" in record_of(carry_out(order), tmp_path / "log").reason


def test_the_log_of_a_failure_comes_back(tmp_path):
    log = tmp_path / "logs" / "log"
    record = answered(job_of(f"{BROKEN}:raises"), tmp_path)
    assert record.reason.endswith(f"(see {log})")
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dask-scheduler", "tcp://127.0.0.1:1"], "goes with --executor dask, not local"),
        (["--slurm", "partition=long"], "goes with --executor slurm, not local"),
        (["--executor", "ssh"], "'ssh' is not one of"),
    ],
)
def test_what_no_executor_can_honour_is_one_sentence_and_exit_code_2(arguments, sentence):
    result = mfbench(*RUN, "-b", "numpy_als", *arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert not Path("results").exists()


@pytest.mark.parametrize("kind", NEEDS)
def test_a_missing_library_is_named_with_its_extra(monkeypatch, kind):
    monkeypatch.setitem(sys.modules, NEEDS[kind], None)
    monkeypatch.delitem(sys.modules, f"bench.executors.on_{kind}", raising=False)
    result = mfbench(*RUN, "-b", "numpy_als", "--executor", kind)
    assert result.exit_code == 2
    assert f"pip install 'mfbench[{kind}]'" in result.output


@pytest.mark.slow
def test_an_engine_brings_the_records_that_this_machine_would(engine):
    backends = ["-b", "numpy_als", "-b", f"{BROKEN}:raises", "--epochs", "4"]
    assert run(*backends, "-o", "here")[0] == 1
    code, output = run(*backends, "-o", "there", *engine)
    assert code == 1
    assert "the factors fell on the floor" in output
    here, there = ({r.case.key: r for r in load(Path(o))} for o in ("here", "there"))
    assert here.keys() == there.keys()
    for key, record in there.items():
        assert record.status == here[key].status
        assert [p.J for p in record.points] == [p.J for p in here[key].points]
        assert record.env.host == socket.gethostname()
        assert record.succeeded or Path(record.reason.partition("(see ")[2][:-1]).exists()
    assert (
        "1 of 2 cases to run (1 ended in error)" in run(*backends, "-o", "there", "-n", *engine)[1]
    )


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_done_and_cancels_the_rest(engine, tmp_path):
    backends = ["-b", "numpy_als", "-b", f"{BROKEN}:hangs", "--epochs", "4", "-o", "out"]
    running = start(*RUN, *backends, *engine)
    wait_for_first_record(tmp_path / "out")
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert "the same command goes on" in output
    assert [r.status for r in load(tmp_path / "out")] == ["ok"]
    assert no_case_is_left(tmp_path)


@pytest.mark.slow
def test_a_scheduler_of_somebody_else_is_used_and_left_as_it_was(scheduler, tmp_path):
    backends = ["-b", "numpy_als", "-b", f"{BROKEN}:hangs", "--epochs", "4", "-o", "out"]
    running = start(*RUN, *backends, "--executor", "dask", "--dask-scheduler", scheduler)
    wait_for_first_record(tmp_path / "out")
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert no_case_is_left(tmp_path)  # the case that hung is dead, its worker is not
    other = ["--executor", "dask", "--dask-scheduler", scheduler, "-b", "numpy_sgd"]
    assert run(*other)[0] == 0


@pytest.mark.slow
def test_no_scheduler_is_one_sentence():
    pytest.importorskip("distributed")
    asked = ["--executor", "dask", "--dask-scheduler", "tcp://127.0.0.1:1"]
    code, output = run("-b", "numpy_als", *asked)
    assert code == 2
    assert "No dask scheduler answers at tcp://127.0.0.1:1" in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_no_slurm_is_one_sentence():
    pytest.importorskip("submitit")
    code, output = run("-b", "numpy_als", "--executor", "slurm")
    assert code == 2
    assert "--executor slurm: " in output
    assert "Traceback" not in output


@pytest.mark.slow
def test_a_lost_worker_costs_its_case_alone(engine, tmp_path):
    backends = ["-b", f"{BROKEN}:kills_its_parent", "-b", "numpy_als", "--epochs", "4"]
    code, output = run(*backends, "-o", "out", *engine)
    assert code == 1, output
    records = {r.case.backend.rpartition(":")[2]: r for r in load(tmp_path / "out")}
    assert records["numpy_als"].status == "ok"
    assert records["kills_its_parent"].status == "error"
    assert records["kills_its_parent"].reason


def wait_for_first_record(directory):
    path, deadline = directory / FILE_NAME, time.monotonic() + 60
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    while not workers_of(directory.parent) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2.0)  # the next case has begun, and hangs


def workers_of(folder):
    """Processes of cases that were started in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"bench.worker" in words and Path(os.readlink(process / "cwd")).is_relative_to(
                folder
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def no_case_is_left(folder, patience_s=10.0):
    deadline = time.monotonic() + patience_s
    while workers_of(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not workers_of(folder)
