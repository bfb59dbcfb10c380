"""What a tuning is asked to do, and what must be equal for a stored one to be gone on with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import presets
from bench.problems.catalog import SPLITS
from bench.problems.specs import join, parse
from bench.records import ResultsError, unwritable
from bench.specs import BackendSpec
from bench.tune import space
from mfimpls.contract import Backend, Hyper

HEADER = "tuning.json"
SOLVER = "numba_als"  # of the model stage: exact, and nothing to tune in its walk
SWEEPS = 15  # of a model trial, scored at its end: the minimum counts, not a lucky stop
SOLVER_S = 600.0  # never its limit: the model must not hang on the clock
EPOCHS = 50  # of a walk trial at most
FINALISTS, REPEATS = 3, 2  # the best trials of a search are run again so often


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One data set's tuning."""

    dataset: str  # canonical spec
    entrants: Sequence[tuple[BackendSpec, Backend]]
    trials: int  # of the model, and of each backend that has something to search
    budget_s: float  # of training, for each trial
    seed: int
    threads: int
    rank: int
    machine: str
    problem: Path  # the validation problem's folder
    data_sha256: str
    directory: Path
    command: str

    @property
    def header(self) -> dict[str, Any]:
        """What makes trials comparable; more backends or more trials may be added."""
        return {
            "dataset": self.dataset,
            "validation_sha256": self.data_sha256,
            "budget_s": self.budget_s,
            "seed": self.seed,
            "threads": self.threads,
            "rank": self.rank,
            "machine": self.machine,
            "space": space.VERSION,
        }

    def searched(self, backend: Backend) -> int:
        """Trials of a backend's search: one where there is nothing to search."""
        return self.trials if any(True for _ in space.dimensions(backend.caps, {})) else 1


def total(plan: Plan) -> int:
    """How many trials at most, repeats of the best and the target of J included."""
    searched = [plan.searched(backend) for _, backend in plan.entrants]
    return plan.trials + sum(n + min(n, FINALISTS) * REPEATS for n in searched) + 1


def rank_of(dataset: str) -> int:
    """The rank that the presets give a data set: a cost to fix, not a setting to search."""
    return int(presets.model(dataset).get("rank", Hyper().rank))


def key_of(dataset: str) -> str:
    """The name that winners are stored under: the spec without its split, which shares ratings."""
    name, options = parse(dataset)
    return join(name, {k: v for k, v in options.items() if k not in SPLITS})


def settle(plan: Plan) -> None:
    """Write the header, or check that the one in the directory is the same. Raises ResultsError,
    naming the field that differs.
    """
    path = plan.directory / HEADER
    try:
        stored: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _write(path, plan.header)
        return
    except (OSError, ValueError) as error:
        raise ResultsError(f"Cannot read {path}: {error}; -f starts anew.") from None
    for name, value in plan.header.items():
        if stored.get(name) != value:
            raise ResultsError(
                f"The trials in {plan.directory} were made with {name}={stored.get(name)} and not "
                f"{value}; name another directory with -o, or start anew with -f."
            )


def _write(path: Path, header: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(header, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from None
