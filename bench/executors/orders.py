"""A case carried out on another machine: an order goes there as plain data, an answer comes back.

The worker makes the problem itself, by name, and refuses data or code that are not those of the
plan. Cases that reach one machine at once wait for each other, since timings side by side disturb
each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench import environment
from bench.plan import Job
from bench.problems import DataError, materialise, open_problem
from bench.problems.catalog import NAMES
from bench.problems.specs import join, parse
from bench.process import Stop, execute
from bench.records import Case, Env, Record, from_json, to_json
from mfimpls import registry

TOLD = ("name", "code_sha256", "data_sha256", "lines", "capabilities", "python")
Order = dict[str, Any]
Answer = dict[str, str]


def order_of(job: Job, command: str) -> Order:
    """What a worker has to know of a job; files go by their full path."""
    return {
        "case": asdict(job.case) | {"hyper": dict(job.case.hyper)},
        "dataset": _located(job.case.dataset),
        "name": _absolute(job.name),
        "code_sha256": job.code_sha256,
        "data_sha256": job.data_sha256,
        "lines": dict(job.lines),
        "capabilities": dict(job.capabilities),
        "python": job.python,
        "command": command,
    }


def _located(dataset: str) -> str:
    name, options = parse(dataset)
    return dataset if name in NAMES else join(os.path.abspath(name), options)


def _absolute(name: str) -> str:
    place, colon, attribute = name.partition(":")
    return f"{os.path.abspath(place)}{colon}{attribute}" if place.endswith(".py") else name


def carry_out(order: Order, on_start: Callable[[Stop], None] = lambda stop: None) -> Answer:
    """Run one case on this machine; the answer holds its record and its log. Never raises but for
    an interrupt.
    """
    with _alone(), tempfile.TemporaryDirectory() as scratch:
        job, log = _job(order), Path(scratch) / "log"
        try:
            job = replace(job, problem=_planned(job, order["dataset"]))
            record = execute(job, log, order["command"], on_start=on_start)
        except (DataError, registry.UnknownBackend, OSError) as error:
            record = failed(job, str(error), environment.describe(order["command"]))
        text = log.read_text(errors="replace") if log.exists() else ""
        env = replace(record.env, host=socket.gethostname()) if record.env else None
        return {"record": to_json(replace(record, env=env)), "log": text, "log_path": str(log)}


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    place = Path(tempfile.gettempdir()) / f"mfbench-{os.getuid()}.lock"
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _job(order: Order) -> Job:
    told = {name: order[name] for name in TOLD}
    return Job(case=Case(**order["case"]), problem=Path(), **told)


def _planned(job: Job, dataset: str) -> Path:
    # The folder of the problem, if data and code here are those of the plan.
    folder = materialise(dataset)
    here = socket.gethostname()
    for what, planned, found in (
        (f"data of {dataset}", job.data_sha256, open_problem(folder).sha256),
        (f"source of {job.name}", job.code_sha256, registry.code_sha256(job.name)),
    ):
        if planned != found:
            raise DataError(
                f"The {what} on {here} is not the planned one (sha256 {found[:12]}, planned "
                f"{planned[:12]}); bring both machines to one version."
            )
    return folder


def failed(job: Job, reason: str, env: Env | None = None) -> Record:
    """The record of a case that never ran."""
    return Record(
        case=job.case,
        status="error",
        reason=reason,
        env=env,
        code_sha256=job.code_sha256,
        lines=job.lines,
        capabilities=job.capabilities,
    )


def record_of(answer: Answer, log: Path) -> Record:
    """The record in an answer; the log of a failed case is written to `log` here."""
    record = from_json(answer["record"])
    if not answer["log"]:
        return record
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(answer["log"], encoding="utf-8")
    return replace(record, reason=record.reason.replace(answer["log_path"], str(log)))
