"""What a tuning found, as data with its provenance: bench/tuned.json, which the presets read."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

import bench
from bench.records import unwritable
from bench.target import SLACK
from bench.tune.campaign import LOSS, target_of
from bench.tune.plan import SOLVER, Plan, key_of
from bench.tune.trials import MISS, Sensitivity, Trial, sensitivities

FILE = Path(bench.__file__).parent / "tuned.json"
ENV = ("commit", "dirty", "python", "packages")


def entry(plan: Plan, trials: Sequence[Trial]) -> dict[str, Any]:
    """What is stored for one data set: the model, the target of J that goes with it, each plain
    backend's walk and scores, and how they were found.
    """
    target = target_of(trials)
    model = next(t for t in trials if t.stage == LOSS)
    found = sensitivities(trials, target)
    walks = {one.backend: _walk(one, target) for one in found if not one.failed}
    plain = {spec.label for spec, _ in plan.entrants if spec.label == spec.name}
    return {
        "model": {"rank": plan.rank, **model.settings},
        "target": {"J": float(f"{SLACK * (model.rmse or 0):.4g}")},
        "walks": {name: walk for name, walk in sorted(walks.items()) if name in plain},
        "provenance": provenance(plan, trials) | {"validation_target": round(target, 5)},
    }


def provenance(plan: Plan, trials: Sequence[Trial]) -> dict[str, Any]:
    """How the winners were found: request, data, machine, versions."""
    env = next((t.env for t in trials if t.env), {})
    return {
        **plan.header,
        "command": plan.command,
        "trials": plan.trials,
        "model_solver": SOLVER,
        **{name: env[name] for name in ENV if name in env},
        "load_average": round(psutil.getloadavg()[2], 2),  # 15 minutes: was the machine quiet?
        "optuna": importlib.metadata.version("optuna"),
    }


def _walk(found: Sensitivity, target: float) -> dict[str, Any]:
    scores = {"best": found.winner, "median": found.middle, "worst": found.ranked[-1]}
    return {
        "settings": dict(found.winner.settings),
        "trials": len(found.ranked),
        "hits": found.hits,
        "epochs": _rounded(found.winner.epochs),
        "winner_s": _rounded(found.winner_s),
        **{f"{name}_s": _rounded(trial.score(target)) for name, trial in scores.items()},
    }


def _rounded(value: float | None) -> float | None:
    # Seconds or epochs in three digits; None for a miss.
    return None if value is None or not value < MISS else float(f"{value:.3g}")


def read(path: Path = FILE) -> dict[str, Any]:
    """Data set -> entry; empty where nothing is stored."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def store(plan: Plan, found: Mapping[str, Any], path: Path = FILE) -> None:
    """Put one data set's entry in the place of the one that is there. Raises ResultsError."""
    whole = read(path) | {key_of(plan.dataset): found}
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        making.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        making.replace(path)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise unwritable(path, error) from None
