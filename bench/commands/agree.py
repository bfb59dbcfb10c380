"""`mfbench agree`: is each backend right? By family, by conformance, at its end, in its records."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.families import Study, Walker
    from bench.standings import Standing
    from bench.verdicts import Agreement, Independence
    from mfimpls.contract import Caps

SPEC = "NAME[@DEVICE][k=v,...]"
DATA = "NAME|FILE[k=v,...]"
PATH = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("-b", "--backend", "backends", multiple=True, metavar=SPEC, help="What to judge.")
@click.option("-d", "--dataset", "datasets", multiple=True, metavar=DATA, help="Threads on these.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
@click.option("-o", "--output", type=PATH, default="results/local", help="Results directory.")
def agree(backends: Sequence[str], datasets: Sequence[str], as_json: bool, output: Path) -> None:
    """Check that backends compute what they should; exit code 1 where one does not.

    Without -b, every backend at hand that walks a common path is judged on the CPU. NAME may be a
    file: backend.py:NAME. With -d, each data set is also walked for one epoch with 1, 2 and 4
    threads. Records in the results directory are judged too.
    """
    from bench.environment import allow_threads

    allow_threads(4)
    from rich.console import Console
    from rich.text import Text

    from bench import agree_tables
    from bench.verdicts import plain

    console = Console(stderr=True)
    with console.status("Loading") as status:
        walkers, broken = _walkers(backends, output)
        standings = tuple(_standings(backends, datasets, output))
        found = _judge(walkers, datasets, standings, lambda what: status.update(Text(what)))
    _keep(found, output)
    if as_json:
        click.echo(json.dumps(plain(found), indent=1))
    else:
        width = None if sys.stdout.isatty() else agree_tables.WIDTH
        Console(width=width).print(agree_tables.show(found))
    sys.exit(1 if found.off or broken else 0)


def _keep(found: Agreement, output: Path) -> None:
    # Rankings of these results show the verdict, as long as the source is the same.
    from bench.results import store_agreement
    from bench.specs import parse_backend
    from bench.verdicts import gate
    from mfimpls.registry import code_sha256

    if not output.is_dir():
        return
    labels = [conduct.walker for conduct in found.conducts]
    sources = {label: code_sha256(parse_backend(label).name) for label in labels}
    store_agreement(
        output, {label: gate(found, label) | {"code_sha256": sources[label]} for label in labels}
    )


def _judge(
    walkers: Sequence[Walker],
    datasets: Sequence[str],
    standings: tuple[Standing, ...],
    say: Callable[[str], None],
) -> Agreement:
    from bench.agree import memberships
    from bench.families import definitions
    from bench.verdicts import Agreement

    studies = _studies(walkers, say)
    traced = [trace for study in studies for trace in study.traces]
    return Agreement(
        memberships=tuple(memberships([*traced, *definitions(walkers)])),
        conducts=tuple(study.conduct for study in studies),
        destinations=tuple(study.destination for study in studies if study.destination),
        independences=tuple(_independences(walkers, datasets, say)),
        standings=standings,
    )


def _studies(walkers: Sequence[Walker], say: Callable[[str], None]) -> list[Study]:
    # Each backend in a process of its own, as many at once as there are cores.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from bench.environment import available_cores
    from bench.families import study

    specs = [walker.spec for walker in walkers]
    if len(specs) < 2:
        return [study(spec) for spec in specs]
    found = []
    most = min(available_cores(), len(specs))
    with ProcessPoolExecutor(most, mp_context=get_context("spawn")) as pool:
        for number, result in enumerate(pool.map(study, specs), start=1):
            say(f"{number} of {len(specs)} backends judged")
            found.append(result)
    return found


def _walkers(backends: Sequence[str], output: Path) -> tuple[list[Walker], bool]:
    # Who can be judged, and whether anyone's source raised.
    from bench import request
    from bench.families import Walker
    from bench.specs import SpecError, parse_backend
    from mfimpls import registry
    from mfimpls.conformance import refuses_ratings

    specs = [parse_backend(text) for text in backends or registry.names()]
    here = request.declared(specs, named=bool(backends))
    walkers, broken = [], False
    for spec in (spec for spec in specs if spec.name in here):
        if why := _beyond_judging(here[spec.name].caps):
            click.secho(f"{spec.label}: {why}", fg="yellow", err=True)
            if not backends:
                continue
        try:
            backend = request.imported(spec.name, output)
        except request.LoadError as error:
            broken = True
            click.secho(str(error), fg="red", err=True)
            continue
        if sentence := refuses_ratings(backend, spec.device):
            if backends:
                raise SpecError(sentence)
            click.secho(f"Skipped {spec.label}: {sentence}", fg="yellow", err=True)
            continue
        walkers.append(Walker(spec, backend))
    return walkers, broken


def _beyond_judging(caps: Caps) -> str:
    # What can't be asked of a backend, given what it declares; empty where all can.
    limits = []
    if caps.predicts:
        limits.append(f"it only predicts ({caps.objective}), so there is no J to hold it to")
    elif not caps.minimises_J:
        limits.append(f"it minimises {caps.objective}, not J, and need not end at a minimum of J")
    if not caps.takes_init and not caps.predicts:
        limits.append("it starts where it likes, so it walks no common path")
    return "; ".join(limits) + ("; the rest is judged where -b names it" if limits else "")


def _independences(
    walkers: Sequence[Walker], datasets: Sequence[str], say: Callable[[str], None]
) -> Iterator[Independence]:
    from bench.families import independence
    from bench.problems import canonical, load_problem

    for name in map(canonical, datasets):
        problem = load_problem(name)
        for walker in walkers:
            say(f"{walker.label} on {name}: one epoch with 1, 2 and 4 threads")
            yield independence(walker, name, problem)


def _standings(
    backends: Sequence[str], datasets: Sequence[str], output: Path
) -> Iterator[Standing]:
    # What the user did not ask for is not judged.
    from bench.problems import canonical
    from bench.records import load
    from bench.specs import parse_backend
    from bench.standings import standings

    labels = {parse_backend(text).label for text in backends}
    names = {canonical(name) for name in datasets}
    for row in standings(load(output)):
        if row.walker in (labels or {row.walker}) and row.dataset in (names or {row.dataset}):
            yield row
