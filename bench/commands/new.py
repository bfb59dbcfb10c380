"""`mfbench new`: one commented file that runs and agrees as it stands."""

from __future__ import annotations

import importlib.util
import keyword
import shlex
from importlib.resources import files
from pathlib import Path

import click

from bench.records import ResultsError

STAND_IN = "my_backend"
STARTS = {  # starting point -> the best in-tree backend to race it against, and settings for it
    "numpy_sgd": ("numba_sgd", "[batch=256,lr=0.05]"),
    "torch_sgd": ("numba_sgd", "[batch=1024,lr=0.05]"),
    "als": ("numba_als", ""),
    "library": ("numba_als", ""),
}


@click.command()
@click.argument("name")
@click.option("--from", "start", type=click.Choice(list(STARTS)), default="numpy_sgd")
def new(name: str, start: str) -> None:
    """Write NAME.py, a backend to make your own, and say what to do next.

    It starts as mini-batch SGD by hand (numpy_sgd), by autograd (torch_sgd), as exact least squares
    (als), or as a wrapper of something that only has fit(n_epochs) (library).
    """
    path = Path(f"{name}.py")
    if why := refusal(name, path):
        raise click.UsageError(why)
    template = files("bench.scaffold").joinpath(f"{start}.py").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template.replace(STAND_IN, name))
    except OSError as error:
        raise ResultsError(f"Cannot write {path}: {error.strerror}; change directory.") from None
    rival, settings = STARTS[start]
    spec = shlex.quote(f"{path}{settings}")
    click.echo(f"Wrote {path}. Next:")
    click.echo(f"    mfbench check {path}")
    click.echo(f"    mfbench run -b {spec} -b {rival}")
    click.echo(f"    mfbench report --baseline {rival}")


def refusal(name: str, path: Path) -> str | None:
    """Why a backend can't have this name here, as one sentence; None if it can."""
    from mfimpls import registry

    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        return (
            f"{name!r} can't be the name of a backend: "
            f"use letters, digits and underscores, such as {_suggested(name)}."
        )
    if path.exists():
        return f"{path} is here already and is not overwritten; choose another name, or move it."
    if name in registry.names():
        return f"There is a backend {name} already; choose another name."
    if importlib.util.find_spec(name) is not None:
        return f"{name} is the name of a Python module, which {path} would hide; choose another."
    return None


def _suggested(name: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).strip("_")
    return f"my_{plain}" if plain else STAND_IN
