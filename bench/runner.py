"""Have jobs carried out, keep each record as soon as it exists, and sum up."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click

from bench import executors, presets, records, results
from bench.estimate import Estimate, Kind, estimates, kind
from bench.executors import Executor
from bench.limits.attach import keep_limits, with_rates
from bench.plan import Job
from bench.process import execute
from bench.progress import Reporter, title
from bench.records import Record

LOGS = "logs"


def carry_out(
    jobs: Sequence[Job], directory: Path, command: str, executor: Executor | None = None
) -> bool:
    """Run all jobs, here unless another executor is given; False if the user interrupted. Raises
    ResultsError for a full disk, SpecError for an executor that can't start.
    """
    run_all = executor or executors.chosen(executors.Choice())
    with Reporter(jobs, records.load(directory)) as reporter, termination_as_interrupt():
        work = executors.Work(jobs, directory / LOGS, command, reporter)
        try:
            with contextlib.closing(run_all(work)) as done:
                for record in done:
                    records.append(directory, record)
                    reporter.end(record)
        except KeyboardInterrupt:
            return False
    return True


@contextlib.contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """SIGTERM, from a scheduler or `timeout`, must not leave the child of a case behind either."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # which alone may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def estimated(jobs: Sequence[Job], stored: Iterable[Record]) -> dict[Kind, Estimate]:
    """What cases will take on other machines: from stored records alone."""
    return estimates(stored)


def pilots(jobs: Sequence[Job], stored: Iterable[Record]) -> dict[Kind, Estimate]:
    """What cases will take: from stored records, else from one epoch run now and not kept."""
    known = estimates(stored)
    with tempfile.TemporaryDirectory() as scratch:
        for job in jobs:
            if kind(job.case) not in known:
                click.echo(f"pilot epoch: {title(job.case)}", err=True)
                pilot = replace(job, case=replace(job.case, epochs=1))
                known |= estimates([execute(pilot, Path(scratch) / "log", "pilot")])
    return known


def conclude(
    keys: Collection[str], directory: Path, complete: bool, target: str | None = None
) -> int:
    """Settle targets; print ranking, failures and the paths of report and figures, for the cases
    with these keys and the `target` of results.read; returns the exit code.
    """
    results.settle_targets(directory, records.load(directory), presets.targets())
    done = [r for r in results.read(directory, target) if r.case.key in keys]
    keep_limits(done, directory)
    done = with_rates(done, directory)
    if done:
        from bench import leaderboard, plots, report

        leaderboard.show(leaderboard.rows(done))
        for path in plots.save_all(done, directory / "figures"):
            if path.suffix == ".png":
                click.echo(str(path))
        click.echo(report.write(done, directory / "report.html"))
    failed = [record for record in done if not record.succeeded]
    for record in failed:
        case = record.case
        line = f"{case.backend} on {case.dataset}, repeat {case.repeat + 1}: {record.status}"
        click.secho(f"{line}, {record.reason}", fg="red", err=True)
    if not complete:
        click.echo("Interrupted; what is done is kept, and the same command goes on.", err=True)
        return 130
    sys.stdout.flush()
    return 1 if failed else 0
