"""What a user asked for, on the command line or in Python, as a grid and the backends it names."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench import interpreters, venvs
from bench.environment import available_cores, missing_device
from bench.plan import Grid
from bench.presets import preset
from bench.problems.catalog import NAMES
from bench.problems.specs import join, parse
from bench.runner import LOGS
from bench.specs import BackendSpec, SpecError, parse_backend, parse_settings
from mfimpls import registry
from mfimpls.contract import Backend, Caps, Factors, Hyper, Problem, Snapshot


def grid(
    preset_name: str,
    backends: Sequence[str],
    datasets: Sequence[str],
    settings: Sequence[str],
    **rest: Any,
) -> Grid:
    """The preset's grid, changed by what the user gave; None stands for not given. Raises
    SpecError.
    """
    base = preset(preset_name)
    seed, duplicates = rest.pop("seed"), rest.pop("duplicates")
    names = list(datasets) or base.datasets
    if duplicates:
        names = [_with_duplicates(name, duplicates) for name in names]
    limits: dict[str, Any] = {
        "repeats": base.repeats,
        "epochs": base.epochs,
        "budget_s": base.budget_s,
        "threads": (available_cores(),),
    }
    specs = [parse_backend(text) for text in (list(backends) or base.backends)]
    return Grid(
        datasets=list(dict.fromkeys(names)),
        backends=list({spec.label: spec for spec in specs}.values()),
        shared=parse_settings(settings) | ({} if seed is None else {"seed": str(seed)}),
        **limits | {name: value for name, value in rest.items() if value is not None},
    )


def _with_duplicates(dataset: str, policy: str) -> str:
    # The policy speaks to files alone; a bracket's own word goes first.
    name, options = parse(dataset)
    return dataset if name in NAMES else join(name, {"duplicates": policy} | options)


def housed(
    grid: Grid, envs: Sequence[str], named: bool, here: bool = True
) -> tuple[Grid, dict[str, Backend]]:
    """The grid with the interpreter of each backend that doesn't run with this one, which is said,
    and what each declares; see `declared`. `envs` are NAME=PYTHON. What is missing on other
    machines (not `here`) is left to their records. Raises SpecError.
    """
    pythons = venvs.chosen(envs, [spec.name for spec in grid.backends])
    for name, python in pythons.items():
        click.echo(f"{name} runs with {python}; --env {name}=PYTHON names another.", err=True)

    def lacks(spec: BackendSpec, backend: Backend) -> str:
        return missing(spec, backend, pythons.get(spec.name, "")) if here else ""

    return replace(grid, pythons=pythons), declared(grid.backends, named, lacks)


def on_spark(
    grid: Grid, loaded: Mapping[str, Backend], master: str | None, parquet: str | None
) -> Grid:
    """The grid with its Spark backends, those with an option `master`, sent to a cluster. Raises
    SpecError where there are none, or where a cluster has no place for the ratings.
    """
    if not master and not parquet:
        return grid
    if not master or not parquet:
        raise SpecError(
            "--spark-master and --spark-parquet go together: a cluster reads the ratings from a "
            "folder that all its workers can see."
        )
    given = {"master": master, "parquet": os.path.abspath(parquet)}
    found = {
        name
        for name, backend in loaded.items()
        if {"master", "parquet"} <= {option.name for option in backend.caps.options}
    }
    if not found:
        raise SpecError("--spark-master: no backend of this run uses Spark; add -b spark_als.")
    specs = [
        replace(spec, settings={**spec.settings, **given}) if spec.name in found else spec
        for spec in grid.backends
    ]
    return replace(grid, backends=specs)


def declared(
    specs: Sequence[BackendSpec],
    named: bool,
    lacks: Callable[[BackendSpec, Backend], str] | None = None,
) -> dict[str, Backend]:
    """What each spec's source declares, by the spec's name. What is missing where it would run
    (`lacks`; here, by default) is skipped with a yellow line, or raises SpecError where the user
    named it.
    """
    found: dict[str, Backend] = {}
    for spec in specs:
        backend = _declared(spec.name)
        why = (lacks or missing)(spec, backend)
        if why and named:
            raise SpecError(f"{spec.label} can't run here: {why}")
        if why:
            click.secho(f"Skipped {spec.label}: {why}", fg="yellow", err=True)
        else:
            found[spec.name] = backend
    refuse_namesakes(found)
    return found


def missing(spec: BackendSpec, backend: Backend, python: str = "") -> str:
    """Which library or device is not here, or for another interpreter `python`, and what to do;
    empty where all is.
    """
    absent = interpreters.lacking(python, backend.caps.requires) if python else backend.missing
    lacking = " ".join(absent)
    if lacking and not spec.settings.keys() & set(backend.caps.instead):
        return f"it needs {lacking}: {venvs.pip_line(backend, absent, python)}"
    return ("" if python else missing_device(spec.device)) or ""


def _declared(name: str) -> Backend:
    # A source that has to be imported to be read, and raises, still gets its case: the child's
    # process raises the same, and keeps the traceback.
    try:
        return registry.declared(name)
    except registry.UnknownBackend:
        raise
    except Exception:
        return Backend(name, Caps(path="unknown"), _unread)


def _unread(problem: Problem, hyper: Hyper, init: Factors) -> Iterator[Snapshot]:
    raise NotImplementedError("the source of this backend could not be imported")


def refuse_namesakes(found: Mapping[str, Backend]) -> None:
    """Raise SpecError, naming both, where two sources declare one name."""
    sources: dict[str, str] = {}
    for source, backend in found.items():
        other = sources.setdefault(backend.name, source)
        if other != source:
            raise SpecError(
                f"Two backends are called {backend.name}: {other} and {source}; rename one."
            )


class LoadError(Exception):
    """A backend's source raised when it was imported; the message is one sentence."""


def imported(name: str, output: Path) -> Backend:
    """One backend, imported. Raises LoadError, with the traceback in a log under `output`, where
    its source raises; UnknownBackend where the name leads nowhere.
    """
    try:
        return registry.load(name)
    except registry.UnknownBackend:
        raise
    except (Exception, SystemExit) as error:
        log = output / LOGS / f"{re.sub(r'[^A-Za-z0-9_]+', '-', name).strip('-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        raise LoadError(
            f"{name} raised {type(error).__name__} when it was imported: {error} (see {log})"
        ) from None
