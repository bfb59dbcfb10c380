"""`mfbench list`: the backends at hand and what each declares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfimpls.contract import Backend


@click.command("list")
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def list_(names: Sequence[str], as_json: bool) -> None:
    """Show backends, their devices, optimisers, orders and options: those named, or all at hand."""
    from mfimpls import registry

    backends = list(_declared(names or registry.names()))
    if as_json:
        facts = {
            backend.name: {"summary": backend.summary, "missing": backend.missing}
            | asdict(backend.caps)
            for backend in backends
        }
        click.echo(json.dumps(facts))
        return
    for backend in backends:
        click.secho("\n".join(_lines(backend)), fg="yellow" if backend.missing else None)


def _declared(names: Sequence[str]) -> Iterator[Backend]:
    # What is broken costs its own lines, not the others'.
    from mfimpls import registry

    for name in names:
        try:
            yield registry.declared(name)
        except registry.UnknownBackend:
            raise
        except Exception as error:
            line = f"{name} raised {type(error).__name__} when it was imported: {error}"
            click.secho(line, fg="red", err=True)


def _lines(backend: Backend) -> Iterator[str]:
    from bench.venvs import pip_line

    caps = backend.caps
    yield backend.name
    yield f"    {backend.summary}"
    declared = {"path": (caps.path,), "devices": caps.devices}
    declared |= {"optimizers": caps.optimizers} if "optimizer" in caps.uses else {}
    declared |= {"orders": caps.orders} if "order" in caps.uses else {}
    yield "    " + "; ".join(f"{name}: {', '.join(values)}" for name, values in declared.items())
    if backend.missing:
        yield f"    not installed: {pip_line(backend, backend.missing)}"
    if caps.predicts:
        yield f"    only predicts ({caps.objective}): its test predictions are judged, J is absent"
    elif not caps.minimises_J:
        yield f"    minimises {caps.objective}, not J: its J is shown, and not held against it"
    if caps.refits:
        yield "    can't be stepped: trains from scratch for each point of its curve"
    if not caps.takes_init:
        yield "    starts where it likes, so it is compared by its results, not by its path"
    if not caps.shuffles:
        yield "    visits the ratings in one order in every epoch and never shuffles them"
    if not caps.takes_biases:
        yield "    has no biases: -s biases=false"
    for option in caps.options:
        yield f"    {option.name}={str(option.default).lower()}: {option.help}"
