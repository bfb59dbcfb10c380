"""`mfbench compare A B`: what changed between two runs, and whether it is more than noise."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.records import ResultsError

if TYPE_CHECKING:
    from bench.gate import Limits
    from bench.records import Record

FAIL_ON = "Exit with 1 where B is worse by more: time, epoch, rmse, j, memory."


class Worsening(click.ParamType[Mapping[str, float]]):
    """Limits such as time:10%,rmse:0.5% as fractions by metric."""

    name = "limits"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Limits:
        from bench.metrics import METRICS
        from mfimpls.contract import unknown

        limits: dict[str, float] = {}
        for part in str(value).split(","):
            match = re.fullmatch(r"\s*(\w+)\s*:\s*(\d+\.?\d*|\.\d+)\s*%\s*", part)
            if not match:
                self.fail(f"{part!r} is no limit; write time:10% or rmse:0.5%.", param, ctx)
            name = match[1].lower()
            if name not in (known := [metric.name for metric in METRICS]):
                self.fail(unknown("measure", name, known), param, ctx)
            if name in limits:
                self.fail(f"{name} is limited twice; limit it once.", param, ctx)
            limits[name] = float(match[2]) / 100
        return limits


@click.command()
@click.argument("before", metavar="A[@COMMIT]")
@click.argument("after", metavar="B[@COMMIT]")
@click.option("--target", metavar="SCORE", help="To time to: 0.93 (test RMSE), J=0.75, or J.")
@click.option("--fail-on", "limits", type=Worsening(), metavar="time:10%,rmse:0.5%", help=FAIL_ON)
@click.option("--force", is_flag=True, help="Compare runs of other machines, data or settings.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def compare(
    before: str,
    after: str,
    target: str | None,
    limits: Limits | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare results directory B with A: what got faster, slower, better or worse.

    A directory that holds the runs of several commits is told apart by DIRECTORY@COMMIT.

    + better, - worse, ~ can't be told apart, x failed, ! disagrees or tripped a guard.
    """
    from rich.console import Console

    from bench import compare_tables, gate, machines
    from bench.compare import compare as compared

    old, new = machines.apart(_records(before, target), _records(after, target))
    found = compared(old, new, force)
    worse = gate.failures(found.rows, limits) if limits else []
    undecided = gate.undecided(found.rows, limits) if limits else []
    if as_json:
        verdict = {"worse": worse, "undecided": undecided}
        click.echo(json.dumps(compare_tables.plain(found) | verdict, indent=1))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=compare_tables.WIDTH)
        console.print(compare_tables.show(found))
    for line in worse + undecided:
        click.secho(line, fg="red", err=True)
    sys.exit(1 if worse else 2 if undecided else 0)


def _records(place: str, target: str | None) -> list[Record]:
    from bench.results import read

    name, at, commit = place.rpartition("@")
    if Path(place).exists() or not at:
        name, commit = place, ""
    records = read(Path(name), target, commit)
    if not records:
        which = f"results of commit {commit}" if commit else "results"
        raise ResultsError(f"{name} holds no {which}; mfbench run -o {name} makes some.")
    return records
