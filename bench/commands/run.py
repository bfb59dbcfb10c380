"""`mfbench run`: race backends, resume where the last run stopped, end with table and figures."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.presets import preset
from bench.records import ensure_writable, load
from bench.specs import BackendSpec, SpecError, parse_backend, parse_settings

if TYPE_CHECKING:
    from bench.plan import Grid
    from mfimpls.contract import Backend

UNITS = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """Seconds from text such as 30s, 500ms, 2m or 1.5."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(ms|s|min|m|h)?", str(value).strip())
        if not match or float(match[1]) <= 0:
            self.fail(f"{value!r} is no time above zero; write 30s, 500ms or 2m.", param, ctx)
        return float(match[1]) * UNITS[match[2] or ""]


class Counts(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1, separated by commas."""

    name = "counts"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", str(value)):
            self.fail(f"{value!r} is no number of threads; write 2, or 1,2 for each.", param, ctx)
        return tuple(dict.fromkeys(map(int, str(value).split(","))))


SPEC = "NAME[@DEVICE][k=v,...]"
DATA = "NAME|FILE[k=v,...]"
PATH = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("-p", "--preset", "preset_name", default="quick", help="Grid to start from.")
@click.option("-b", "--backend", "backends", multiple=True, metavar=SPEC, help="What to run.")
@click.option("-d", "--dataset", "datasets", multiple=True, metavar=DATA, help="On which ratings.")
@click.option("-r", "--repeats", type=click.IntRange(1), help="Runs per backend and data set.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training ratings.")
@click.option("--budget", "budget_s", type=Duration(), help="Training seconds per run: 30s, 2m.")
@click.option("--timeout", "timeout_s", type=Duration(), default="10m", help="Kill a run by then.")
@click.option("--threads", type=Counts(), help="Per run, or several: 1,2; default: all cores.")
@click.option("--seed", type=click.IntRange(0), help="Of start, order and dropout.")
@click.option("-s", "--set", "settings", multiple=True, metavar="K=V", help="For all that use K.")
@click.option("--duplicates", type=click.Choice(["error", "last", "mean"]), help="In a file.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would run and why; run nothing.")
@click.option("-f", "--force", is_flag=True, help="Run again what is already there.")
@click.option("-o", "--output", type=PATH, default="results/local", help="Results directory.")
def run(output: Path, dry_run: bool, force: bool, **options: Any) -> None:
    """Race backends on data sets; the same command again runs only what is missing.

    -b, -d and -s may be repeated. Without them the preset says what runs: quick (default, about a
    minute), default or full.
    """
    from bench import plan, progress, runner

    grid = _grid(**options)
    loaded = _load(grid.backends, named=bool(options["backends"]))
    jobs = plan.jobs(grid, loaded)
    stored = {record.case.key: record for record in load(output)}
    reasons = {job.case.key: plan.why_run(job, {} if force else stored) for job in jobs}
    waiting = [job for job in jobs if reasons[job.case.key]]
    progress.announce(waiting, reasons, len(jobs))
    if dry_run:
        progress.show_plan(waiting, reasons, runner.pilots(waiting, stored.values()))
        return
    ensure_writable(output)
    complete = runner.carry_out(waiting, output, shlex.join(["mfbench", *sys.argv[1:]]))
    sys.exit(runner.conclude({job.case.key for job in jobs}, output, complete))


def _grid(
    preset_name: str,
    backends: Sequence[str],
    datasets: Sequence[str],
    settings: Sequence[str],
    **rest: Any,
) -> Grid:
    # The preset's grid, changed by what the user gave.
    from bench.environment import available_cores
    from bench.plan import Grid

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
    # --duplicates speaks to files alone; a bracket's own word goes first.
    from bench.problems.catalog import NAMES
    from bench.problems.specs import join, parse

    name, options = parse(dataset)
    return dataset if name in NAMES else join(name, {"duplicates": policy} | options)


def _load(specs: Sequence[BackendSpec], named: bool) -> dict[str, Backend]:
    # Backends by name. What is missing is skipped, unless the user named it.
    from bench.environment import missing_device
    from mfimpls import registry

    found = {}
    for spec in specs:
        backend = registry.declared(spec.name)
        lacking = " ".join(backend.missing)
        why = f"it needs {lacking}: pip install {lacking}" if lacking else ""
        why = why or missing_device(spec.device) or ""
        if why and named:
            raise SpecError(f"{spec.label} can't run here: {why}")
        if why:
            click.secho(f"Skipped {spec.label}: {why}", fg="yellow", err=True)
        else:
            found[spec.name] = backend
    return found
