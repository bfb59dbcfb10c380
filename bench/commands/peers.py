"""`mfbench peers`: environments of their own for libraries that don't fit into this one."""

from __future__ import annotations

import click


@click.group()
def peers() -> None:
    """List and install the environments that other people's libraries run in."""


@peers.command()
@click.argument("name")
@click.option("--python", metavar="PYTHON", help="To make it with, such as python3.12.")
def install(name: str, python: str | None) -> None:
    """Make an environment with the library that backend NAME needs; `mfbench run` then uses it."""
    import sys

    from bench import venvs

    folder = venvs.install(name, python or sys.executable)
    click.echo(f"{folder}\nmfbench run uses it for {name}; --env {name}=PYTHON names another.")


@peers.command("list")
def list_() -> None:
    """Show the backends that need a library of their own, and where each would run."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("backend", "library", "runs with"):
        table.add_column(heading)
    for name, library, place in _places():
        table.add_row(name, library, Text(place, overflow="fold"))
    Console(highlight=False).print(table)


def _places() -> list[tuple[str, str, str]]:
    from bench import venvs
    from mfimpls import registry

    found = []
    for name in registry.names():
        backend = registry.declared(name)
        if not backend.caps.requires:
            continue
        here = "" if backend.missing else "this interpreter"
        offer = f"nothing yet: mfbench peers install {name}" if venvs.extra_of(name) else "nothing"
        place = venvs.installed(name) or here or offer
        found.append((name, " ".join(backend.caps.requires), place))
    return found
