"""The clock's self-test finds a clock that is off, and what the harness itself takes."""

from dataclasses import replace

import pytest
from click.testing import CliRunner
from fake_records import points, record

from bench import known, overhead, selftest
from bench.__main__ import main
from mfimpls.contract import Hyper
from mfimpls.orders import initial_factors

LIE = "its snapshot takes 0.05 s and its epoch 1e-06 s"


def run(epoch_s, cores=0.0, setup_s=0.04, snapshot_s=0.02, eval_s=4e-3, flags=()):
    """The record of a backend of known duration."""
    trace = tuple(
        replace(p, train_s=p.epoch * epoch_s, snapshot_s=snapshot_s, eval_s=eval_s)
        for p in points(epoch_s, 0.9, epochs=10)
    )
    return record(points=trace, effective_cores=cores, setup_s=setup_s, flags=tuple(flags))


def runs(**changes):
    right = {
        "asleep": run(0.05),
        "busy": run(0.05, cores=1.0),
        "burning": run(0.08, cores=0.05 / 0.08),  # shares its core with another program
        "judged": run(0.01, eval_s=0.3),
        "lying": run(1e-6, snapshot_s=0.05, flags=[LIE]),
        "idle": run(1e-6),
    }
    return right | changes


def off(**changes):
    """What is off when some runs are replaced."""
    return [check.what for check in selftest.checks(runs(**changes)) if not check.ok]


def test_a_clock_that_is_right_passes():
    assert off() == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"asleep": run(0.05 * 0.95)}, "epoch of sleep"),
        ({"busy": run(0.05 + 0.002)}, "epoch of work"),
        ({"judged": run(0.01 + 0.3, eval_s=0.3)}, "epoch beside 300 ms of judging"),
        ({"idle": run(6e-4)}, "epoch of nothing"),
        ({name: replace(one, setup_s=0.06) for name, one in runs().items()}, "set-up"),
        ({"asleep": run(0.05, snapshot_s=0.0)}, "snapshot"),
        ({"asleep": run(0.05, cores=1.0)}, "CPU time of an epoch of sleep"),
        ({"burning": run(0.08, cores=1.0)}, "CPU time of an epoch of work"),
        ({"lying": run(1e-6, snapshot_s=0.05)}, "snapshot that does the epoch's work"),
        (
            {"busy": run(0.05, flags=["suspect clock: 3.0% of the run is in none of its parts"])},
            "parts of the busy run against the whole",
        ),
    ],
)
def test_a_clock_that_is_off_is_named(changes, what):
    assert off(**changes) == [what]


@pytest.mark.parametrize(
    ("fields", "ok"),
    [
        ({"notes": ("device audit: 5 epochs ...",)}, True),
        ({"notes": ("device audit: ...",), "flags": ("suspect clock: work is left",)}, False),
        ({"status": "error", "reason": "no room"}, False),
    ],
)
def test_a_cuda_run_passes_when_it_was_audited_and_nothing_was_suspect(fields, ok):
    assert selftest.audited("cuda", record(**fields)).ok == ok


def test_without_a_cuda_device_it_is_not_measured_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(selftest.environment, "missing_device", lambda device: "None here (2.13).")
    check = selftest.cuda_check(lambda name: None)
    assert (check.found, check.off, check.ok) == ("not measured", "no CUDA device", True)


def test_an_epoch_that_the_system_delayed_says_nothing_about_the_clock():
    trace = list(run(0.05).points)
    trace[-1] = replace(trace[-1], train_s=trace[-1].train_s + 1.0)
    assert off(asleep=replace(run(0.05), points=tuple(trace))) == []


def test_a_run_that_failed_is_all_that_is_said():
    failed = replace(run(0.05), status="error", reason="no room")
    checks = list(selftest.checks(runs(busy=failed)))
    assert [(check.found, check.ok) for check in checks] == [("error: no room", False)]


def test_the_known_backend_spends_what_it_was_told(problem, monkeypatch):
    spent = []
    monkeypatch.setitem(known.WAYS, "sleep", spent.append)
    hyper = Hyper(options={"setup_ms": 40.0, "epoch_ms": 50.0, "snapshot_ms": 20.0})
    steps = known.known.fit(problem, hyper, initial_factors(problem, hyper))
    next(steps)
    assert spent == [0.04]
    next(steps)()
    assert spent == [0.04, 0.05, 0.02]


def test_a_busy_loop_ends_when_its_clock_says_so():
    now = iter(range(100))
    known._spin(lambda: float(next(now)), 5.0)
    assert next(now) == 6


def test_a_run_goes_through_a_worker_and_its_epochs_take_no_less_than_known(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path))
    monkeypatch.setattr(selftest, "RUNS", {"busy": selftest.RUNS["busy"]})
    heard = []
    found = selftest.records(heard.append)["busy"]
    assert heard == ["busy"]
    assert found.status == "ok"
    assert found.epochs == selftest.EPOCHS
    assert selftest.quickest(found) > 0.999 * selftest.EPOCH_S
    assert found.setup_s > 0.999 * selftest.SETUP_S
    assert selftest.case_s(found) > 0


def test_the_harness_around_an_epoch_of_nothing_is_told_apart():
    measured = overhead.nothing(50)
    assert len(measured.points) == 51
    assert 0 < overhead.timed_epoch_s(measured) < measured.whole_s / 50


def test_clocks_say_how_fine_they_are():
    for clock in overhead.clocks():
        assert 0 < clock.resolution_s <= clock.step_s
        assert clock.reading_s > 0


@pytest.mark.slow
def test_the_command_ends_with_a_verdict(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path))
    result = CliRunner().invoke(main, ["doctor", "--clock"])
    assert result.exit_code in (0, 1), result.output
    for line in ("epoch of sleep", "counted in an epoch", "process_time"):
        assert line in result.output
