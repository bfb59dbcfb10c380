"""A rating table before it is split: what every source of data returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST_IDS = 2**31 - 1  # what the contract's int32 ids can number
Say = Callable[[str], None]
"""Shows the user one line, such as a licence, while a table is being made."""


@dataclass(frozen=True, slots=True)
class Table:
    """All ratings of a data set in their file's order, with ids numbered from 0.

    users, items (n,) int32; ratings (n,) float32; times (n,), any sortable dtype, where known.
    `expected(users, items)` is the best possible prediction, float32, where the truth is planted.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float32]
    n_users: int
    n_items: int
    times: Array | None = None
    expected: Callable[[Array, Array], Array] | None = None

    def __len__(self) -> int:
        return len(self.ratings)


class Source(Protocol):
    """Where a table comes from; a frozen dataclass whose fields are the options of a spec."""

    def load(self, needs_times: bool, say: Say) -> Table:
        """Make the table. Raises DataError."""
        ...

    def fingerprint(self) -> str:
        """What identifies the table beside its spec, such as a file's hash. Raises DataError."""
        ...
