"""`mfbench list`: the backends at hand and what each declares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfimpls.contract import Backend


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
def list_(as_json: bool) -> None:
    """Show backends, their devices, optimisers, orders and options."""
    from mfimpls import registry

    found, missing = {}, {}
    for name in registry.names():
        try:
            found[name] = registry.load(name)
        except ImportError as error:
            missing[name] = str(error)
    if as_json:
        rows = {n: {"summary": b.summary} | asdict(b.caps) for n, b in found.items()}
        click.echo(json.dumps(rows | {n: {"unavailable": why} for n, why in missing.items()}))
        return
    for backend in found.values():
        click.echo("\n".join(_lines(backend)))
    for name, why in missing.items():
        click.secho(f"{name}\n    not available: {why}", fg="yellow")


def _lines(backend: Backend) -> Iterator[str]:
    caps = backend.caps
    yield backend.name
    yield f"    {backend.summary}"
    declared = {"path": (caps.path,), "devices": caps.devices}
    declared |= {"optimizers": caps.optimizers} if "optimizer" in caps.uses else {}
    declared |= {"orders": caps.orders} if "order" in caps.uses else {}
    yield "    " + "; ".join(f"{name}: {', '.join(values)}" for name, values in declared.items())
    for option in caps.options:
        yield f"    {option.name}={str(option.default).lower()}: {option.help}"
