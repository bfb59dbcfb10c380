"""`mfbench doctor`: what this machine offers, what it can do at most, is the clock right?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.limits.readings import MachineLimits


@click.command()
@click.option("--limits", is_flag=True, help="Measure this machine's limits, or show them again.")
@click.option("--clock", is_flag=True, help="Time backends of known duration; 1 if off.")
@click.option("-f", "--force", is_flag=True, help="Measure limits again; the best stay.")
def doctor(limits: bool, clock: bool, force: bool) -> None:
    """Show processor, BLAS kernel and threads, Numba's threading layer, CUDA and versions.

    With --limits or --clock, those instead.
    """
    if force and not limits:
        raise click.UsageError("--force measures limits again; add --limits.")
    if limits:
        _limits(force)
    if clock and not _clock():
        sys.exit(1)
    if not limits and not clock:
        _facts()


def _facts() -> None:
    from bench.facts import facts

    for name, value in facts():
        click.echo(f"{name:<22} {value}")


def _limits(force: bool) -> None:
    from bench import environment
    from bench.limits import store, table
    from bench.limits.readings import better

    machine = environment.machine()
    limits = store.load(machine)
    if limits is None or force:
        limits = better(_survey(), limits)
        store.save(limits)
    table.show(limits)
    click.echo(f"Stored in {store.path_of(machine)}; --force measures again and keeps the best.")


def _survey() -> MachineLimits:
    from rich.console import Console
    from rich.progress import Progress

    from bench.environment import available_cores
    from bench.limits.survey import survey, thread_counts
    from bench.limits.trials import Extent

    click.echo("Measuring this machine's limits, in under a minute; keep it quiet.", err=True)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("limits", total=None)
        return survey(
            Extent(threads=thread_counts(available_cores())),
            lambda done, total: bar.update(task, completed=done, total=total),
        )


def _clock() -> bool:
    from rich.console import Console

    from bench import selftest, selftest_table

    with Console(stderr=True).status("Backends of known duration") as status:

        def hear(name: str) -> None:
            status.update(f"A backend of known duration: {name}")

        found, on_cuda = selftest.records(hear), selftest.cuda_check(hear)
    checks, costs = [*selftest.checks(found), on_cuda], list(selftest.harness(found))
    selftest_table.show(checks, costs)
    return all(check.ok for check in (*checks, *costs))
