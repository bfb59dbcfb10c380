"""What a run leaves behind: immutable, typed, versioned records as JSON lines, which refuse to be
mixed.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SCHEMA = 1
FILE_NAME = "records.jsonl"
STATUSES = {
    "ok": "ran all its epochs",
    "budget": "ended by the budget of training seconds",
    "diverged": "the loss left the finite numbers; points up to the last finite epoch are kept",
    "unsupported": "the backend declares that it can't do what was asked",
    "unavailable": "a library or a device that it needs is not here",
    "timeout": "killed at the time limit",
    "error": "raised, crashed or was killed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell of a grid: all that must be equal for a stored result to stand for a new one."""

    backend: str  # as the user wrote it: name[@device][k=v,...]; labels rows and curves
    dataset: str  # canonical data set spec, such as ml-100k[official=u1]
    hyper: Mapping[str, Any]  # every field of mfimpls.contract.Hyper
    epochs: int
    budget_s: float  # of training time
    timeout_s: float  # of the whole process
    threads: int
    repeat: int = 0

    @property
    def contest(self) -> str:
        """What cases must share to be ranked together: the data set, and the threads granted."""
        return f"{self.dataset}, {self.threads} thread{'s' * (self.threads > 1)}"

    @property
    def key(self) -> str:
        """Identity in a results directory."""
        canonical = json.dumps(asdict(self), sort_keys=True, default=dict)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The factors after `epoch` passes, as the judge sees them; `train_s` is cumulative and
    training alone. Scores are NaN where absent: J of what only predicts, test scores without test
    ratings.
    """

    epoch: int
    train_s: float
    J: float
    train_rmse: float
    test_rmse: float
    test_mae: float
    snapshot_s: float
    eval_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """The machine, the versions and the commit that made a record."""

    machine: str  # processor, cores, memory, system in one line: runs compare within one machine
    threads: Mapping[str, int]  # as each library reports them, after it loaded
    packages: Mapping[str, str]
    python: str
    gpu: str | None
    commit: str | None
    dirty: bool | None
    command: str
    host: str = ""  # its name, where an executor chose it
    interpreter: str = ""  # path, where another was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One case run once. Seconds are wall-clock; `reason` is a sentence for all but ok."""

    case: Case
    status: str
    reason: str = ""
    started: str = ""  # ISO 8601, UTC
    env: Env | None = None
    problem: Mapping[str, Any] = field(default_factory=dict)
    # sha256, n_users, n_items, n_train, n_test, mean_rmse (test RMSE of the mean predictor),
    # noise_floor
    init_sha256: str = ""
    order_sha256: str = ""
    code_sha256: str = ""  # of the backend's source files
    path: str = ""  # update-rule family, as the backend declares it
    refits: bool = False  # each point is a training run of its own, from scratch
    objective: str = "J"  # or what it minimises instead, as the backend declares it
    predicts: bool = False  # as it declares: shows predictions alone, so J is absent
    lines: Mapping[str, int] = field(default_factory=dict)  # of its source: bench.lines
    # what it declares that it can do, by kind: bench.plan.capabilities
    capabilities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    import_s: float = math.nan
    warmup_s: float = math.nan
    setup_s: float = math.nan
    wall_s: float = math.nan  # of the whole process, as the parent saw it
    stationarity: float = math.nan  # at the last point
    effective_cores: float = math.nan  # CPU time / wall time over the training lines
    peak_mb: float = math.nan  # of the process in set-up and training, mapped ratings included
    device_peak_mb: float = math.nan  # allocated on the CUDA device
    flags: tuple[str, ...] = ()  # one sentence per guard that the run tripped
    notes: tuple[str, ...] = ()  # what a reader should know, and no fault
    points: tuple[Point, ...] = ()
    rate: Mapping[str, Any] = field(default_factory=dict)  # bench.limits.roofline.Rate
    gate: Mapping[str, Any] = field(default_factory=dict)  # what mfbench agree said of its source
    place: str = ""  # the machine, where records of several are read together: bench.machines
    schema: int = SCHEMA

    @property
    def contest(self) -> str:
        """What is ranked together: the contest of the case, on one machine."""
        return ", ".join(filter(None, (self.case.contest, self.place)))

    @property
    def train_s(self) -> float:
        return self.points[-1].train_s if self.points else math.nan

    @property
    def epochs(self) -> int:
        return self.points[-1].epoch if self.points else 0

    @property
    def own_mb(self) -> float:
        """Peak memory apart from the data: what the backend and its libraries took."""
        return self.peak_mb - float(self.problem.get("data_mb", 0.0))

    @property
    def succeeded(self) -> bool:
        return self.status in ("ok", "budget")


class ResultsError(Exception):
    """A results directory that can't be read, written or mixed; the message is one sentence."""


def to_json(record: Record) -> str:
    """One line; NaN and infinity become null, since JSON has neither."""
    return json.dumps(_plain(asdict(record)), allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def from_json(line: str) -> Record:
    """The inverse of to_json. Raises ValueError for another schema or a line that is no record."""
    raw = json.loads(line)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        got = raw.get("schema") if isinstance(raw, dict) else None
        raise ValueError(f"schema {got} where this version reads schema {SCHEMA}")
    try:
        env = Env(**raw.pop("env")) if raw.get("env") else raw.pop("env", None)
        case = Case(**raw.pop("case"))
        points = tuple(_typed(Point, p) for p in raw.pop("points"))
        said = {name: tuple(raw.pop(name, ())) for name in ("flags", "notes")}
        record: Record = _typed(Record, raw | {"env": env, "case": case, "points": points} | said)
        return record
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a record ({error})") from None


def _typed(kind: type[Any], raw: Mapping[str, Any]) -> Any:
    # null stands for NaN in the float fields.
    floats = {f.name for f in dataclasses.fields(kind) if f.type == "float"}
    return kind(**{k: math.nan if v is None and k in floats else v for k, v in raw.items()})


def ensure_writable(directory: Path) -> None:
    """Make a results directory and try to open its file. Raises ResultsError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / FILE_NAME).open("ab"):
            pass
    except OSError as error:
        raise unwritable(directory, error) from None


def unwritable(path: Path, error: OSError) -> ResultsError:
    """The sentence for a place that can't be written."""
    return ResultsError(
        f"Cannot write {path}: {error.strerror}; make room or choose another directory with -o."
    )


def append(directory: Path, record: Record) -> None:
    """Add one record, all of it or nothing: a failed write is cut off. Raises ResultsError."""
    path = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _append_line(file.fileno(), to_json(record).encode() + b"\n")
    except OSError as error:
        raise unwritable(path, error) from None


def _append_line(descriptor: int, line: bytes) -> None:
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # seal a torn last line, so that it spoils only itself
    try:
        written = 0
        while written < len(line):
            written += os.write(descriptor, line[written:])
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def load(directory: Path, commit: str = "") -> list[Record]:
    """The records of a directory, the newest of each case, in the order written. With `commit`, a
    prefix, those made at it. Unreadable lines are warned of and dropped. Raises ResultsError.
    """
    newest: dict[str, Record] = {}
    for record in _lines(directory / FILE_NAME):
        if commit and not (record.env and (record.env.commit or "").startswith(commit)):
            continue
        newest.pop(record.case.key, None)
        newest[record.case.key] = record
    return list(newest.values())


def _lines(path: Path) -> Iterator[Record]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ResultsError(f"Cannot read {path}: {error.strerror}.") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield from_json(line)
            except ValueError as error:
                warnings.warn(f"{path}:{number} was left out: {error}.", stacklevel=3)


COMPARED = ("rank", "reg", "reg_bias", "biases")


def refuse_to_mix(records: Iterable[Record]) -> None:
    """Raise ResultsError, naming the field, where records of one data set differ in what makes them
    comparable.
    """
    seen: dict[tuple[str, str], tuple[Any, Record]] = {}
    for record in records:
        for name, value in _identity(record):
            first, other = seen.setdefault((record.contest, name), (value, record))
            if first != value:
                raise ResultsError(
                    f"{other.case.backend} and {record.case.backend} on {record.case.dataset} "
                    f"differ in {name} ({first} and {value}), so they can't share a plot; "
                    f"use another directory with -o."
                )


def _identity(record: Record) -> Iterator[tuple[str, Any]]:
    yield from ((name, record.case.hyper.get(name)) for name in COMPARED)
    if record.env:
        yield "machine", record.env.machine
    if "sha256" in record.problem:  # a case that failed at its start has seen no data
        yield "data sha256", record.problem["sha256"]
