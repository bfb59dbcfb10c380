"""Data sets by name: a spec such as `ml-100k[official=u1]` to a Problem on disk."""

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
