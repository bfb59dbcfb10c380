"""The settings that ship with the suite: grids by name, models and tuned values by data set."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bench.specs import BackendSpec, SpecError
from mfimpls import registry
from mfimpls.contract import Backend, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A grid: data sets x backends x repeats, each to `epochs` or `budget_s` training seconds."""

    datasets: list[str]
    backends: list[str]
    repeats: int
    epochs: int
    budget_s: float


@cache
def _tables() -> Mapping[str, Any]:
    shipped = files("bench")
    tables = tomllib.loads(shipped.joinpath("presets.toml").read_text(encoding="utf-8"))
    winners = shipped.joinpath("tuned.json")
    found = json.loads(winners.read_text(encoding="utf-8")) if winners.is_file() else {}
    return with_winners(tables, found)


def with_winners(tables: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The tables with what `mfbench tune` found in the place of what was set by hand: the model of
    a data set, the target of its J, and the walk of each backend that was tuned.
    """
    model = {dataset: entry["model"] for dataset, entry in found.items()}
    walks = {
        dataset: {name: walk["settings"] for name, walk in entry["walks"].items()}
        for dataset, entry in found.items()
    }
    by_hand = tables["tuned"]
    return {
        **tables,
        "model": tables["model"] | model,
        "tuned": by_hand | {name: by_hand.get(name, {}) | walks[name] for name in walks},
        "target": _with_targets(tables["target"], found),
    }


def _with_targets(targets: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    # A J of another model is no target: the tuned model's goes in its place, for the split that it
    # was found on, and none for other splits.
    settled = {}
    for dataset, scores in targets.items():
        entry = next((found[key] for key in _keys(dataset) if key in found), None)
        rest = {metric: value for metric, value in scores.items() if metric != "J" or entry is None}
        same = entry is not None and entry["provenance"]["dataset"] == dataset
        settled[dataset] = rest | (entry["target"] if entry and same else {})
    return settled


def preset_names() -> list[str]:
    return list(_tables()["preset"])


def preset(name: str) -> Preset:
    """One grid by its name. Raises SpecError."""
    grids = _tables()["preset"]
    if name not in grids:
        raise SpecError(unknown("preset", name, grids))
    return Preset(**grids[name])


def targets() -> dict[str, dict[str, Any]]:
    """Stored targets: data set -> metric -> metric, value and origin."""
    return {
        dataset: {
            metric: {"metric": metric, "value": value, "origin": "stored with the suite"}
            for metric, value in scores.items()
        }
        for dataset, scores in _tables()["target"].items()
    }


def tuned(dataset: str, backend: Backend) -> dict[str, Any]:
    """Hyper-parameters of a backend on a data set: the model's, and how the backend walks.

    The data set's own entry goes before the default one, a backend's before its path's.
    """
    walks = (
        entry[who]
        for entry in _entries("tuned", dataset)
        for who in (backend.name, backend.caps.path)
        if who in entry
    )
    return dict(model(dataset)) | dict(next(walks, {}))


def model(dataset: str) -> Mapping[str, Any]:
    """What defines J on a data set."""
    return next(_entries("model", dataset))


def tuned_of(spec: BackendSpec, dataset: str, backend: Backend) -> dict[str, Any]:
    """What `tuned` gives for a spec's backend, or for the one whose settings it is to take. Raises
    UnknownBackend.
    """
    return tuned(dataset, registry.declared(spec.walks_as) if spec.walks_as else backend)


def _entries(table: str, dataset: str) -> Iterator[Mapping[str, Any]]:
    for key in (*_keys(dataset), "default"):
        if key in _tables()[table]:
            yield _tables()[table][key]


def _keys(dataset: str) -> tuple[str, str]:
    return dataset, dataset.partition("[")[0]
