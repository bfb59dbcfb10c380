"""Who carries out the cases of a run: this process one by one, or an engine that spans machines.

Cases are independent, one process each, and come back as the same records whoever ran them.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.plan import Job
from bench.progress import Reporter
from bench.records import Record
from bench.specs import SpecError

KINDS = ("local", "dask", "slurm")
NEEDS = {"dask": "distributed", "slurm": "submitit"}


@dataclass(frozen=True, slots=True)
class Work:
    """What an executor is handed: jobs, where their logs go, and the command that asked."""

    jobs: Sequence[Job]
    logs: Path
    command: str
    reporter: Reporter


class Executor(Protocol):
    """Yields the record of each job as it ends; closing it cancels what has not ended."""

    def __call__(self, work: Work) -> Generator[Record, None, None]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What a user said about executors on the command line."""

    kind: str = "local"
    dask_scheduler: str | None = None
    slurm: Sequence[str] = ()

    @property
    def is_local(self) -> bool:
        return self.kind == "local"


def chosen(choice: Choice) -> Executor:
    """The executor that a user asked for. Raises SpecError where its library is not here, or for
    settings of another one.
    """
    for option, kind, value in (
        ("--dask-scheduler", "dask", choice.dask_scheduler),
        ("--slurm", "slurm", choice.slurm),
    ):
        if value and choice.kind != kind:
            raise SpecError(f"{option} goes with --executor {kind}, not {choice.kind}.")
    return _imported(choice.kind)(choice)


def _imported(kind: str) -> _Maker:
    try:
        found: _Maker = importlib.import_module(f"bench.executors.on_{kind}").executor
    except ModuleNotFoundError as error:
        if error.name != NEEDS.get(kind):
            raise
        raise SpecError(
            f"--executor {kind} needs {NEEDS[kind]}: pip install 'mfbench[{kind}]'"
        ) from None
    return found


class _Maker(Protocol):
    def __call__(self, choice: Choice) -> Executor: ...
