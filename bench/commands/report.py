"""`mfbench report`: the ranking, the failures, the figures and one HTML file, from records."""

from __future__ import annotations

from pathlib import Path

import click

from bench.records import ResultsError

DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("directory", type=DIRECTORY, default="results/local")
@click.option("-o", "--output", type=DIRECTORY, help="Where to write; default: DIRECTORY.")
@click.option("--target", metavar="SCORE", help="To time to: 0.93 (test RMSE), J=0.75, or J.")
@click.option("--baseline", metavar="BACKEND", help="Ratios to this one; default: the first.")
def report(directory: Path, output: Path | None, target: str | None, baseline: str | None) -> None:
    """Rank the backends of a results DIRECTORY, draw the figures and write report.html.

    Nothing runs again. DIRECTORY is results/local unless given.
    """
    from bench import leaderboard, plots
    from bench import report as html
    from bench.limits.attach import with_rates
    from bench.problems import cache
    from bench.results import read

    records = with_rates(read(directory, target), directory, cache.root())
    if not records:
        raise ResultsError(f"{directory} holds no results; mfbench run -o {directory} makes some.")
    rows = leaderboard.rows(records, baseline=baseline)
    known = sorted({row.backend for row in rows})
    if baseline is not None and baseline not in known:
        from mfimpls.contract import unknown

        raise click.UsageError(unknown("baseline", baseline, known))
    leaderboard.show(rows)
    place = output or directory
    for path in plots.save_all(records, place / "figures"):
        click.echo(path)
    click.echo(html.write(records, place / "report.html", baseline=baseline))
