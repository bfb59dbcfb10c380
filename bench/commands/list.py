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

    backends = [registry.declared(name) for name in registry.names()]
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


def _lines(backend: Backend) -> Iterator[str]:
    caps = backend.caps
    yield backend.name
    yield f"    {backend.summary}"
    declared = {"path": (caps.path,), "devices": caps.devices}
    declared |= {"optimizers": caps.optimizers} if "optimizer" in caps.uses else {}
    declared |= {"orders": caps.orders} if "order" in caps.uses else {}
    yield "    " + "; ".join(f"{name}: {', '.join(values)}" for name, values in declared.items())
    if backend.missing:
        yield f"    not installed: pip install {' '.join(backend.missing)}"
    for option in caps.options:
        yield f"    {option.name}={str(option.default).lower()}: {option.help}"
