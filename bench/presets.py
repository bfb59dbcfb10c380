"""The settings that ship with the suite: grids by name, models and tuned values by data set."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bench.specs import SpecError
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
    return tomllib.loads(files("bench").joinpath("presets.toml").read_text(encoding="utf-8"))


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
    model = next(_entries("model", dataset))
    walks = (
        entry[who]
        for entry in _entries("tuned", dataset)
        for who in (backend.name, backend.caps.path)
        if who in entry
    )
    return dict(model) | dict(next(walks, {}))


def _entries(table: str, dataset: str) -> Iterator[Mapping[str, Any]]:
    for key in (dataset, dataset.partition("[")[0], "default"):
        if key in _tables()[table]:
            yield _tables()[table][key]
