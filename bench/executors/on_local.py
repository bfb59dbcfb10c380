"""Cases one after another on this machine: the default."""

from __future__ import annotations

from collections.abc import Generator

from bench.executors import Choice, Executor, Work
from bench.process import execute
from bench.records import Record


def executor(choice: Choice) -> Executor:
    return _each


def _each(work: Work) -> Generator[Record, None, None]:
    for job in work.jobs:
        log = work.logs / f"{job.case.key}.log"
        yield execute(job, log, work.command, work.reporter.begin(job))
