"""`mfbench reproduce`: numbers that others published, run here and held against theirs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.reproduce.experiment import Experiment

PATH = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("names", nargs=-1, metavar="[GROUP|EXPERIMENT]...")
@click.option("--list", "list_only", is_flag=True, help="Show the experiments and their data.")
@click.option("--data", "path", metavar="FILE[k=v,...]", help="Ratings to take instead.")
@click.option("--time", is_flag=True, help="Time what has a speed to show; wants a quiet machine.")
@click.option("-o", "--output", type=PATH, help="Store results, page and figures there.")
def reproduce(
    names: Sequence[str], list_only: bool, path: str | None, time: bool, output: Path | None
) -> None:
    """Run published experiments and say whether their numbers come out; without a name, list them.

    A name is one of --list: a group, an experiment of it, or all. What lacks its data is skipped.
    Exit code 1 where a number is missed, 2 where an experiment named by itself lacks its data.
    """
    from bench.environment import allow_threads, available_cores

    allow_threads(available_cores())
    from bench.reproduce import catalog, report, table
    from bench.reproduce.outcome import MISSED
    from bench.reproduce.problems import at_hand
    from bench.reproduce.session import Session, Wish

    experiments = catalog.chosen(names)
    if list_only or not experiments:
        table.show_experiments(experiments or catalog.EXPERIMENTS, at_hand)
        click.echo("What is not at hand is downloaded when it is run, or given by --data.")
        return
    _one_data_set(experiments, path)
    if output:
        report.ensure_writable(output)
    command = shlex.join(["mfbench", *sys.argv[1:]])
    session = Session(Wish(frozenset(names), path, time, output, command))
    session.run(experiments)
    table.show(session.outcomes)
    if output:
        report.publish(output, catalog.EXPERIMENTS)
        click.echo(f"Stored in {output}.")
    sys.exit(any(outcome.verdict == MISSED for outcome in session.outcomes))


def _one_data_set(experiments: Sequence[Experiment], path: str | None) -> None:
    datasets = sorted({experiment.dataset for experiment in experiments})
    if path and len(datasets) > 1:
        raise click.UsageError(
            f"--data names one file, and {' and '.join(datasets)} are asked for; name one "
            f"experiment, such as {experiments[-1].name}."
        )
