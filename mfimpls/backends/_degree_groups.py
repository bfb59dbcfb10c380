"""Rows of similar degree as rectangles, so that least squares over ragged rows becomes batched.

Shared by numpy_als and torch_als.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

GROWTH = 1.25  # degrees in a group differ by no more, so padding adds less than a quarter


class Group(NamedTuple):
    """m rows of at most d ratings each, padded to d."""

    rows: np.ndarray  # (m,) int64
    columns: np.ndarray  # (m, d) int64; n_columns where padded: the caller has zeros there
    targets: np.ndarray  # (m, d); 0 where padded
    degrees: np.ndarray  # (m,) int64, the ratings of each row


def groups(rows, columns, targets, n_rows, n_columns):
    """The rows that have ratings, as Groups of rising degree."""
    by_row = np.argsort(rows, kind="stable")
    columns, targets = columns[by_row], targets[by_row]
    degrees = np.bincount(rows, minlength=n_rows)
    first = np.cumsum(degrees) - degrees
    rated = np.flatnonzero(degrees)
    size_class = np.ceil(np.log(degrees[rated]) / np.log(GROWTH)).astype(int)
    return [
        _padded(rated[size_class == k], first, degrees, columns, targets, n_columns)
        for k in np.unique(size_class)
    ]


def _padded(rows, first, degrees, columns, targets, n_columns):
    degree = degrees[rows]
    place = np.arange(degree.max())
    inside = place < degree[:, None]
    at = np.where(inside, first[rows, None] + place, 0)
    columns = np.where(inside, columns[at], n_columns).astype(np.int64)
    return Group(rows, columns, targets[at] * inside, degree)


def chunks(group, width, values):
    """Slices of a group's rows whose gathered factors, `width` per rating, are about `values`."""
    step = max(1, values // (group.columns.shape[1] * width))
    return [slice(k, k + step) for k in range(0, len(group.rows), step)]
