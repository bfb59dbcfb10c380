"""Cases as jobs of a Slurm cluster, by submitit; the results directory must lie where all nodes see
it.
"""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Generator, Mapping
from typing import Any

import submitit
from submitit.helpers import as_completed

from bench.executors import Choice, Executor, Work
from bench.executors.orders import carry_out, failed, order_of, record_of
from bench.plan import Job
from bench.records import Record
from bench.specs import SpecError, parse_settings

SHARED = ("timeout_min", "mem_gb", "cpus_per_task", "gpus_per_node")  # of all of submitit's engines
POLL_S = {"slurm": 10.0}
AROUND_S = 300.0  # a job's start, its data, its warm-up


def executor(choice: Choice) -> Executor:
    settings = parse_settings(choice.slurm)

    def each(work: Work) -> Generator[Record, None, None]:
        if not work.jobs:
            return
        queue = _queue(work, settings)
        with queue.batch():
            orders = [order_of(job, work.command) for job in work.jobs]
            submitted = [queue.submit(carry_out, order) for order in orders]
        yield from _records(dict(zip(submitted, work.jobs)), work, POLL_S.get(queue.cluster, 0.2))

    return each


def _queue(work: Work, settings: Mapping[str, str]) -> submitit.AutoExecutor:
    # A node to itself, unless the user says otherwise: neighbours disturb timings.
    cases = [job.case for job in work.jobs]
    cluster = settings.get("cluster", "slurm")
    longest_s = max(case.timeout_s for case in cases) + AROUND_S
    minutes = math.ceil(longest_s * (1 if cluster == "slurm" else len(cases)) / 60)
    given: dict[str, Any] = {
        "name": "mfbench",
        "timeout_min": minutes,
        "cpus_per_task": max(case.threads for case in cases),
        "slurm_exclusive": True,
    }
    for name, value in settings.items():
        if name != "cluster":
            given[name if name in SHARED else f"slurm_{name}"] = _number(value)
    try:
        folder = work.logs.parent / "submitit" / "%j"
        queue = submitit.AutoExecutor(folder=folder, cluster=cluster)
        queue.update_parameters(**given)
    except (RuntimeError, ValueError, NameError, TypeError, AssertionError) as error:
        raise SpecError(f"--executor slurm: {str(error).splitlines()[0]}") from None
    return queue


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


Jobs = dict[submitit.Job[Any], Job]


def _records(waiting: Jobs, work: Work, poll_s: float) -> Generator[Record, None, None]:
    try:
        for submitted in as_completed(list(waiting), poll_frequency=poll_s):
            job = waiting.pop(submitted)
            try:
                record = record_of(submitted.result(), work.logs / f"{job.case.key}.log")
            except Exception as error:
                why = (str(error) or type(error).__name__).strip().splitlines()[0]
                record = failed(
                    job, f"its job came to nothing: {why} (see {submitted.paths.folder})"
                )
            else:
                shutil.rmtree(submitted.paths.folder, ignore_errors=True)
            yield record
    finally:
        for submitted in waiting:
            with contextlib.suppress(Exception):  # gone already
                submitted.cancel(check=False)
