"""A self-test of the clock: a backend of known duration, through the same process as any case.

The quickest of several epochs counts. Neither a sleep nor a busy loop ends early, and a busy system
delays some of them but not all, so what is then still off is the clock's doing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench import environment, known, overhead, plan, process
from bench.plan import Grid
from bench.records import Record
from bench.specs import BackendSpec
from bench.units import seconds
from mfimpls import registry

TOLERANCE = 0.02
SLACK_S = 0.5e-3
EPOCHS = 10
EPOCH_S, SETUP_S, SNAPSHOT_S, SHORT_EPOCH_S = 0.05, 0.04, 0.02, 0.01
GOAL = 0.01  # of an epoch of EPOCH_S

NAME = "bench.known:known"
RUNS = {
    "asleep": {"epoch_ms": "50", "setup_ms": "40", "snapshot_ms": "20"},
    "busy": {"epoch_ms": "50", "setup_ms": "40", "how": "wall"},
    "burning": {"epoch_ms": "50", "setup_ms": "40", "how": "cpu"},
    "judged": {"epoch_ms": "10", "setup_ms": "40", "rank": "256"},  # the judge takes long over it
    "lying": {"setup_ms": "40", "snapshot_ms": "50"},
    "idle": {},
}
ON_CUDA = BackendSpec("torch_sgd", "cuda", {"rank": "64", "batch": "4096"})


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the verdict; `off` is the difference where both are times."""

    what: str
    expected: str
    found: str
    off: str
    ok: bool


def records(hear: Callable[[str], None]) -> dict[str, Record]:
    """Every run in a worker process of its own, by name; `hear` is told which one starts."""
    specs = {name: BackendSpec(NAME, settings=settings) for name, settings in RUNS.items()}
    grid = Grid(
        datasets=["synthetic"], backends=list(specs.values()), repeats=1, epochs=EPOCHS,
        budget_s=60.0, timeout_s=120.0, threads=[1], shared={"rank": "4"},
    )  # fmt: skip
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, job in zip(specs, plan.jobs(grid, {NAME: known.known})):
            hear(name)
            found[name] = process.execute(job, Path(folder) / "log", "mfbench doctor --clock")
    return found


def checks(found: Mapping[str, Record]) -> Iterator[Check]:
    """Measured against known. Of runs that failed, only that they failed."""
    failed = {name: record for name, record in found.items() if not record.succeeded}
    for name, record in failed.items():
        yield Check(f"{name} backend", "a record", f"{record.status}: {record.reason}", "", False)
    if failed:
        return
    asleep, busy, judged = found["asleep"], found["busy"], found["judged"]
    eval_s = median(point.eval_s for point in judged.points)
    yield timed("epoch of sleep", EPOCH_S, quickest(asleep))
    yield timed("epoch of work", EPOCH_S, quickest(busy))
    yield timed(f"epoch beside {seconds(eval_s)} of judging", SHORT_EPOCH_S, quickest(judged))
    yield timed("epoch of nothing", 0.0, quickest(found["idle"]))
    yield timed(
        "set-up", SETUP_S, min(found[n].setup_s for n, k in RUNS.items() if "setup_ms" in k)
    )
    yield timed("snapshot", SNAPSHOT_S, min(point.snapshot_s for point in asleep.points))
    yield timed("CPU time of an epoch of sleep", 0.0, cpu_s(asleep))
    yield timed("CPU time of an epoch of work", EPOCH_S, cpu_s(found["burning"]))
    yield flagged("snapshot that does the epoch's work", found["lying"], "its snapshot takes", True)
    for name in ("asleep", "busy", "judged"):
        yield flagged(f"parts of the {name} run against the whole", found[name], "suspect", False)


def cuda_check(hear: Callable[[str], None]) -> Check:
    """A backend on CUDA: k epochs synchronised one by one against one synchronisation for all."""
    what = "epochs on CUDA, synchronised each and once"
    if environment.missing_device("cuda"):
        return Check(what, "as long", "not measured", "no CUDA device", True)
    hear("cuda")
    grid = Grid(
        datasets=["synthetic[size=m]"], backends=[ON_CUDA], repeats=1, epochs=EPOCHS,
        budget_s=60.0, timeout_s=300.0, threads=[1], shared={},
    )  # fmt: skip
    loaded = {ON_CUDA.name: registry.declared(ON_CUDA.name)}
    with tempfile.TemporaryDirectory() as folder:
        (job,) = plan.jobs(grid, loaded)
        record = process.execute(job, Path(folder) / "log", "mfbench doctor --clock")
    return audited(what, record)


def audited(what: str, record: Record) -> Check:
    """What the device audit of a record said."""
    said = [note for note in record.notes if note.startswith("device audit")]
    suspects = [flag for flag in record.flags if flag.startswith("suspect")]
    found = suspects or said or [f"{record.status}: {record.reason}"]
    return Check(what, "as long", found[0], "", bool(said) and not suspects)


def timed(what: str, known_s: float, measured_s: float) -> Check:
    """Within TOLERANCE of the known time and SLACK_S."""
    off = measured_s - known_s
    ok = abs(off) <= TOLERANCE * known_s + SLACK_S
    return Check(what, seconds(known_s), seconds(measured_s), f"{1e3 * off:+.3f} ms", ok)


def flagged(what: str, record: Record, words: str, expected: bool) -> Check:
    """Whether a guard spoke up as it should."""
    found = any(words in flag for flag in record.flags)
    answer = {True: "flagged", False: "no flag"}
    return Check(what, answer[expected], answer[found], "", found == expected)


def quickest(record: Record) -> float:
    """Training seconds of the quickest epoch."""
    return min(b.train_s - a.train_s for a, b in pairwise(record.points))


def cpu_s(record: Record) -> float:
    """CPU seconds of the mean epoch."""
    return record.effective_cores * record.train_s / record.epochs


def harness(found: Mapping[str, Record]) -> Iterator[Check]:
    """What the harness itself takes: inside the timed line, around it, and for a process."""
    nothing = overhead.nothing(overhead.EPOCHS)
    inside, around = overhead.timed_epoch_s(nothing), nothing.whole_s / overhead.EPOCHS
    for what, cost in (("counted in an epoch", inside), ("around an epoch, not counted", around)):
        share = cost / EPOCH_S
        goal = f"under {seconds(GOAL * EPOCH_S)}"
        yield Check(what, goal, seconds(cost), f"{share:.3%} of {seconds(EPOCH_S)}", share < GOAL)
    yield Check("per case, not counted", "", seconds(case_s(found["idle"])), "", True)


def case_s(record: Record) -> float:
    """Seconds of a case that are none of its parts: process, imports, bookkeeping."""
    points = sum(point.snapshot_s + point.eval_s for point in record.points)
    parts = record.import_s + record.warmup_s + record.setup_s + record.train_s + points
    return record.wall_s - parts
