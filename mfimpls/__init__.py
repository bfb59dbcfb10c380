"""Interchangeable matrix factorizations: one interface, one loss."""

from mfimpls.contract import (
    Backend,
    Caps,
    Factors,
    Hyper,
    Option,
    Predictions,
    Problem,
    Ratings,
    Unsupported,
    backend,
)
from mfimpls.registry import UnknownBackend, load, names

__all__ = [
    "Backend",
    "Caps",
    "Factors",
    "Hyper",
    "Option",
    "Predictions",
    "Problem",
    "Ratings",
    "UnknownBackend",
    "Unsupported",
    "backend",
    "load",
    "names",
]
