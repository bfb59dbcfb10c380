"""`mfbench study`: what penalty, optimisers and dropout add, in lines and in test RMSE."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from bench.commands.run import DATA, PATH


@click.command()
@click.option("-d", "--dataset", default="ml-100k", metavar=DATA, help="On which ratings.")
@click.option("--seeds", type=click.IntRange(1), default=5, help="Final runs of each row.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be tried; try nothing.")
@click.option("-o", "--output", type=PATH, default="results/local/study", help="Its directory.")
def study(dataset: str, seeds: int, dry_run: bool, output: Path) -> None:
    """Add penalty, optimisers and dropout to plain SGD, by hand and by autograd.

    Each addition gets the same grid of step sizes, chosen on a tenth of the training ratings; then
    both backends run the choice on the test split. Lines of code are counted in their sources.
    Rows that are done are kept, and the same command goes on.
    """
    from rich.console import Console
    from rich.progress import Progress

    from bench.plots import study as figure
    from bench.study import campaign, rows

    asked = campaign.Study.of(dataset, seeds)
    if dry_run:
        for addition in asked.additions:
            click.echo(f"{addition.name}: {len(list(addition.grid()))} settings")
        return
    provenance = asked.provenance(shlex.join(["mfbench", *sys.argv[1:]]))
    done, found = rows.load(output), list[rows.Row]()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=campaign.total(asked))
        for row in campaign.rows(asked, done, lambda: bar.advance(task)):
            found.append(row)
            later = [r for r in done if r.identity not in {f.identity for f in found}]
            rows.store(output, provenance, [*found, *later])
    rows.store(output, provenance, found)
    click.echo("\n".join(rows.table(found)))
    for path in figure.save(found, asked.dataset, output / "figures"):
        click.echo(str(path))
