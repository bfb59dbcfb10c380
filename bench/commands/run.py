"""`mfbench run`: race backends, resume where the last run stopped, end with table and figures."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench.records import ensure_writable, load

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
EXECUTORS = click.Choice(["local", "dask", "slurm"])


@click.command()
@click.option("-p", "--preset", "preset_name", default="quick", help="Grid to start from.")
@click.option("-b", "--backend", "backends", multiple=True, metavar=SPEC, help="What to run.")
@click.option("-d", "--dataset", "datasets", multiple=True, metavar=DATA, help="On which ratings.")
@click.option("-r", "--repeats", type=click.IntRange(1), help="Runs per backend and data set.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training ratings.")
@click.option("--budget", "budget_s", type=Duration(), help="Training seconds per run: 30s, 2m.")
@click.option("--timeout", "timeout_s", type=Duration(), default="10m", help="Kill a run by then.")
@click.option("--target", metavar="SCORE", help="To time to: 0.93 (test RMSE), J=0.75, or J.")
@click.option("--threads", type=Counts(), help="Per run, or several: 1,2; default: all cores.")
@click.option("--seed", type=click.IntRange(0), help="Of start, order and dropout.")
@click.option("-s", "--set", "settings", multiple=True, metavar="K=V", help="For all that use K.")
@click.option("--duplicates", type=click.Choice(["error", "last", "mean"]), help="In a file.")
@click.option("--env", "envs", multiple=True, metavar="NAME=PYTHON", help="Run NAME's cases with.")
@click.option("--executor", type=EXECUTORS, default="local", help="Who runs the cases.")
@click.option("--dask-scheduler", metavar="tcp://HOST:PORT", help="Else one is started here.")
@click.option("--slurm", multiple=True, metavar="K=V", help="Of sbatch: partition=long, mem_gb=64.")
@click.option("--spark-master", metavar="spark://HOST:PORT", help="A cluster for Spark's backends.")
@click.option("--spark-parquet", metavar="PATH", help="For their ratings; all its workers see it.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would run and why; run nothing.")
@click.option("-f", "--force", is_flag=True, help="Run again what is already there.")
@click.option("-o", "--output", type=PATH, default="results/local", help="Results directory.")
def run(
    output: Path,
    target: str | None,
    dry_run: bool,
    force: bool,
    envs: Sequence[str],
    executor: str,
    dask_scheduler: str | None,
    slurm: Sequence[str],
    spark_master: str | None,
    spark_parquet: str | None,
    **options: Any,
) -> None:
    """Race backends on data sets; the same command again runs only what is missing.

    -b, -d and -s may be repeated. Without them the preset says what runs: quick (default, about a
    minute), default or full.
    """
    from bench import executors, plan, progress, request, runner
    from bench.results import asked_target

    asked_target(target)
    choice = executors.Choice(executor, dask_scheduler, slurm)
    run_all = executors.chosen(choice)
    grid = request.grid(**options)
    named = bool(options["backends"])
    grid, loaded = request.housed(grid, envs, named, here=choice.is_local)
    grid = request.on_spark(grid, loaded, spark_master, spark_parquet)
    jobs = plan.jobs(grid, loaded)
    stored = {record.case.key: record for record in load(output)}
    reasons = {job.case.key: plan.why_run(job, {} if force else stored) for job in jobs}
    waiting = [job for job in jobs if reasons[job.case.key]]
    progress.announce(waiting, reasons, len(jobs))
    if dry_run:
        pilots = runner.pilots if choice.is_local else runner.estimated
        progress.show_plan(waiting, reasons, pilots(waiting, stored.values()))
        return
    ensure_writable(output)
    command = shlex.join(["mfbench", *sys.argv[1:]])
    complete = runner.carry_out(waiting, output, command, run_all)
    sys.exit(runner.conclude({job.case.key for job in jobs}, output, complete, target))
