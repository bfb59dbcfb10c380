"""The harness, and its Python API: `from bench import run, load, ranking, plot`.

    records = run(["numpy_als", "numba_als"], ["synthetic"], epochs=5, repeats=2)
    ranking(records)                # a pandas DataFrame
    plot(records)                   # a matplotlib Figure

Nothing is imported before it is asked for, so that the command line starts fast.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api import load, plot, ranking, run

__all__ = ["load", "plot", "ranking", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench import api

    return getattr(api, name)
