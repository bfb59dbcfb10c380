"""Data sets by name: a spec such as `ml-100k[official=u1]` to a Problem on disk."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.problems.cache import open_problem
    from bench.problems.catalog import canonical, load_problem, materialise
    from bench.problems.errors import DataError
    from bench.problems.facts import Facts, describe

__all__ = [
    "DataError",
    "Facts",
    "canonical",
    "describe",
    "load_problem",
    "materialise",
    "open_problem",
]

_HOMES = {
    "DataError": "errors",
    "Facts": "facts",
    "canonical": "catalog",
    "describe": "facts",
    "load_problem": "catalog",
    "materialise": "catalog",
    "open_problem": "cache",
}


def __getattr__(name: str) -> Any:
    # A case's process, which opens a problem, loads no parser and no network.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
