"""Data sets by name: a spec such as `ml-100k[official=u1]` to a Problem on disk."""

from bench.problems.cache import open_problem
from bench.problems.catalog import canonical, load_problem, materialise
from bench.problems.errors import DataError

__all__ = ["DataError", "canonical", "load_problem", "materialise", "open_problem"]
