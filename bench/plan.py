"""From what a user asked for to jobs: which cases, in which order, and why each has to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bench import lines, presets
from bench.problems import canonical, materialise, open_problem
from bench.records import Case, Record
from bench.specs import BackendSpec, hyper_of
from mfimpls import registry
from mfimpls.contract import Backend, Caps

RETRIED = ("error", "timeout", "unavailable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Data sets x threads x backends x repeats, as resolved from preset and options."""

    datasets: Sequence[str]
    backends: Sequence[BackendSpec]
    repeats: int
    epochs: int
    budget_s: float
    timeout_s: float
    threads: Sequence[int]
    shared: Mapping[str, str]  # hyper-parameters for every backend that uses them
    pythons: Mapping[str, str] = field(default_factory=dict)  # backend -> another interpreter


@dataclass(frozen=True, slots=True)
class Job:
    """A case and what its process needs beside it."""

    case: Case
    name: str  # for mfimpls.registry.load
    problem: Path  # folder of mapped arrays
    code_sha256: str
    data_sha256: str
    lines: Mapping[str, int] = field(default_factory=dict)
    capabilities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    python: str = ""  # another interpreter than this one


def jobs(grid: Grid, loaded: Mapping[str, Backend]) -> list[Job]:
    """All jobs of a grid, interleaved; data sets are made here. Raises SpecError or DataError."""
    specs = [spec for spec in grid.backends if spec.name in loaded]
    names = [canonical(dataset) for dataset in grid.datasets]
    cases = [
        (_case(grid, name, threads, spec, loaded[spec.name]), spec)
        for name in names
        for threads in grid.threads
        for spec in specs
    ]
    code = {spec.name: registry.code_sha256(spec.name) for spec in specs}
    length = {spec.name: lines.counted(registry.source_file(spec.name)) for spec in specs}
    folders = {name: materialise(name) for name in names}
    data = {name: open_problem(folder).sha256 for name, folder in folders.items()}
    first = [
        Job(
            case=case,
            name=spec.name,
            problem=folders[case.dataset],
            code_sha256=code[spec.name],
            data_sha256=data[case.dataset],
            lines=length[spec.name],
            capabilities=capabilities(loaded[spec.name].caps),
            python=grid.pythons.get(spec.name, ""),
        )
        for case, spec in cases
    ]
    return list(interleaved(first, grid.repeats))


def _case(grid: Grid, dataset: str, threads: int, spec: BackendSpec, backend: Backend) -> Case:
    hyper = hyper_of(spec, backend, grid.shared, presets.tuned_of(spec, dataset, backend))
    return Case(
        backend=spec.label,
        dataset=dataset,
        hyper=asdict(hyper),
        epochs=grid.epochs,
        budget_s=grid.budget_s,
        timeout_s=grid.timeout_s,
        threads=threads,
    )


def capabilities(caps: Caps) -> dict[str, Sequence[str]]:
    """What a backend declares that it can do, by kind: what its lines of code buy."""
    return {
        "biases": ["biases"] * caps.takes_biases,
        "optimizer": list(caps.optimizers) if "optimizer" in caps.uses else [],
        "dropout": ["dropout"] * ("dropout" in caps.uses),
        "order": list(caps.orders) if "order" in caps.uses else [],
        "device": list(caps.devices),
    }


def interleaved(first: Sequence[Job], repeats: int) -> Iterator[Job]:
    """Round after round over all jobs, each starting one later, so that drift hits all alike."""
    for repeat in range(repeats):
        shift = repeat % max(1, len(first))
        for job in (*first[shift:], *first[:shift]):
            yield replace(job, case=replace(job.case, repeat=repeat))


def why_run(job: Job, stored: Mapping[str, Record]) -> str | None:
    """Why a job has to run, in a few words; None where a stored record stands for it."""
    record = stored.get(job.case.key)
    if record is None:
        return "new"
    if record.status in RETRIED:
        return f"ended in {record.status}"
    if record.code_sha256 != job.code_sha256:
        return "its source changed"
    if record.problem.get("sha256") != job.data_sha256:
        return "its data changed"
    if record.env and record.env.interpreter != job.python:
        return "its interpreter changed"
    return None
