"""`mfbench check`: is one backend right? Every check a line, in half a minute."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.agree import Gap, Membership
    from bench.families import Walker
    from mfimpls.conformance import Verdict

PATH = click.Path(path_type=Path, file_okay=False)
MARKS = {"passed": ("pass", "green"), "failed": ("FAIL", "red"), "not applicable": ("n/a ", "blue")}
RULES = ("learning", "paths", "steps")  # checks of docs/objective.md; the others hold the contract


@click.command()
@click.argument("backend", metavar="NAME|FILE")
@click.option("-o", "--output", type=PATH, default="results/local", help="Results directory.")
def check(backend: str, output: Path) -> None:
    """Hold one backend to the contract and to its family, on problems of 300 ratings.

    NAME|FILE is what `mfbench run -b` takes: a name, backend.py, backend.py:NAME, module:NAME.
    Exit code 1 where a check fails, 2 where the name leads nowhere or ratings are refused.
    """
    from bench.environment import allow_threads

    allow_threads(4)
    from bench import request
    from bench.specs import SpecError
    from mfimpls.conformance import refuses_ratings

    began = time.perf_counter()
    try:
        walker = _walker(backend, output)
    except request.LoadError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)
    if sentence := refuses_ratings(walker.backend, walker.spec.device):
        raise SpecError(sentence)
    caps = walker.backend.caps
    click.echo(f"{walker.backend.name} from {walker.spec.name}, path {caps.path}")
    statuses = []
    with warnings.catch_warnings(action="ignore"):  # a wrong backend overflows, and is told so
        for verdict in _verdicts(walker):
            statuses.append(verdict.status)
            _show(verdict)
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in MARKS)
    failed = "failed" in statuses
    click.secho(
        f"{counts}, in {time.perf_counter() - began:.0f} s.", fg="red" if failed else "green"
    )
    sys.exit(1 if failed else 0)


def _walker(text: str, output: Path) -> Walker:
    from bench import request
    from bench.families import Walker
    from bench.specs import parse_backend, preset_options

    spec = parse_backend(text)
    request.declared([spec], named=True)
    return Walker(spec, preset_options(spec, request.imported(spec.name, output)))


def _verdicts(walker: Walker) -> Iterator[Verdict]:
    # The contract, then the families.
    import numpy as np

    from bench.agree import memberships
    from bench.families import definitions, traces
    from mfimpls.conformance import verdicts
    from mfimpls.conformance.seeds import limited

    with np.errstate(all="ignore"), limited(1):
        yield from verdicts(walker.backend, walker.spec.device)
    with np.errstate(all="ignore"):
        yield from map(_family, memberships([*traces(walker), *definitions([walker])]))


def _family(row: Membership) -> Verdict:
    from bench.agree import TOLERANCE
    from mfimpls.conformance import Verdict

    found = f"in float64 {_gap(row.gap)}"
    if row.float32:
        found += f", in float32 {_gap(row.float32)}"
    if len(row.threads) > 1:
        bits = "the same" if row.same_bits else "different"
        found += f", {bits} bits with {', '.join(map(str, row.threads))} threads"
    bounds = " and ".join(f"{bound:.0e} in {dtype}" for dtype, bound in TOLERANCE.items())
    return Verdict(
        f"walks as {row.family.label}",
        "passed" if row.agrees else "failed",
        found if row.agrees else f"it {row.verdict}: {found}",
        f"J and factors within {bounds} of {row.against} over 5 epochs",
        "mfimpls.conformance.reference",
    )


def _gap(gap: Gap) -> str:
    return f"J is off by {gap.J:.0e} and factors by {gap.factors:.0e}"


def _show(verdict: Verdict) -> None:
    mark, color = MARKS[verdict.status]
    click.secho(f"  {mark} ", fg=color, nl=False)
    if verdict.status != "failed":
        click.echo(verdict.check + (f": {verdict.message}" if verdict.message else ""))
        return
    rules = verdict.where.endswith(RULES) or "reference" in verdict.where
    click.echo(verdict.check)
    click.echo(f"         expected: {verdict.expected}")
    click.echo(f"         came: {verdict.message}")
    click.echo(f"         look at: {verdict.where}, docs/{'objective' if rules else 'contract'}.md")
