"""A case in its own process: whatever happens to it becomes a record with a reason."""

from pathlib import Path

import pytest

from bench import plan
from bench.process import execute
from bench.specs import parse_backend
from mfimpls import registry

BROKEN = Path(__file__).with_name("broken_backends.py")
DATA = "synthetic[items=30,ratings=500,size=s,users=40]"


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))


def run(name, tmp_path, timeout_s=60.0, epochs=4):
    spec = parse_backend(name)
    grid = plan.Grid(
        datasets=[DATA], backends=[spec], repeats=1, epochs=epochs, budget_s=60.0,
        timeout_s=timeout_s, threads=[1], shared={"rank": "3"},
    )  # fmt: skip
    (job,) = plan.jobs(grid, {spec.name: registry.load(spec.name)})
    return execute(job, tmp_path / "log", "the command")


def test_a_case_that_ends_well_has_everything(tmp_path):
    record = run("numpy_als", tmp_path)
    assert (record.status, record.reason) == ("ok", "")
    assert [point.epoch for point in record.points] == [0, 1, 2, 3, 4]
    assert record.points[-1].J < record.points[0].J
    assert record.env.command == "the command"
    assert record.problem["n_train"] + record.problem["n_test"] == 500
    for part in ("import_s", "warmup_s", "setup_s", "wall_s", "effective_cores", "peak_mb"):
        assert getattr(record, part) > 0
    assert record.stationarity < 1
    assert not (tmp_path / "log").exists()


def test_threads_are_granted_before_anything_loads(tmp_path):
    record = run("numba_als", tmp_path)
    assert record.env.threads["numba"] == 1
    assert all(n == 1 for n in record.env.threads.values())


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("raises", "error", "RuntimeError: the factors fell on the floor"),
        ("killed", "error", "killed by SIGKILL, perhaps for want of memory"),
        ("segfaults", "error", "killed by SIGSEGV"),
        ("leaves", "error", "exit code 3"),
        ("hungry", "error", "out of memory"),
    ],
)
def test_a_failure_keeps_the_points_that_came_before_it(tmp_path, name, status, reason):
    record = run(f"{BROKEN}:{name}", tmp_path)
    assert record.status == status
    assert reason in record.reason
    assert [point.epoch for point in record.points] == [0, 1, 2]
    assert (tmp_path / "log").exists()


def test_a_hang_is_killed_at_the_time_limit(tmp_path):
    record = run(f"{BROKEN}:hangs", tmp_path, timeout_s=4.0)
    assert record.status == "timeout"
    assert "--timeout" in record.reason
    assert record.wall_s < 60


def test_divergence_is_a_record_at_the_last_finite_epoch(tmp_path):
    record = run(f"{BROKEN}:diverges", tmp_path, epochs=9)
    assert record.status == "diverged"
    assert "smaller lr" in record.reason
    assert 0 < record.epochs < 9
