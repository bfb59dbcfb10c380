"""How much work an epoch is: operations and bytes that the algorithm needs. Pure.

The models are written down in docs/limits.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.records import Record

SGD, ALS, ALS_CG = "sgd", "als", "als_cg"  # the paths with a model of their work
ITEM_BYTES = {"float32": 4, "float64": 8}
RATING_BYTES = 12  # two ids and a rating
CG_STEPS = 3  # of the written definition, unless a backend was given another number


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One steady epoch or sweep, `epoch_s` seconds on `threads` threads of a CPU."""

    path: str  # as the backend declares it
    rank: int
    dtype: str
    n_train: int
    n_users: int
    n_items: int
    epoch_s: float
    threads: int
    cg_steps: int = CG_STEPS

    @classmethod
    def of(cls, record: Record, path: str, epoch_s: float) -> Work:
        """What a record's backend of `path` did in `epoch_s` seconds."""
        hyper, problem = record.case.hyper, record.problem
        sizes = {name: problem[name] for name in ("n_train", "n_users", "n_items")}
        model = {"path": path, "rank": hyper["rank"], "dtype": hyper["dtype"]}
        steps = hyper.get("options", {}).get("steps", CG_STEPS)
        threads = record.case.threads
        return cls(**model, **sizes, epoch_s=epoch_s, threads=threads, cg_steps=steps)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of P or Q."""
        return self.rank * ITEM_BYTES[self.dtype]

    @property
    def table_bytes(self) -> int:
        """Bytes of P and Q."""
        return self.rows * self.row_bytes

    @property
    def rows(self) -> int:
        """Users and items together."""
        return self.n_users + self.n_items

    @property
    def flops(self) -> float:
        """Floating-point operations that the algorithm needs; NaN for a path without a model."""
        n, k = self.n_train, self.rank
        if self.path == SGD:
            return n * (8.0 * k + 12)
        if self.path == ALS:
            return 2.0 * n * k * (k + 1) + self.rows * k**3 / 3
        if self.path == ALS_CG:
            return 2.0 * n * 4 * k * (self.cg_steps + 1) + self.rows * 10 * k * self.cg_steps
        return math.nan

    @property
    def bytes_moved(self) -> float:
        """Bytes that the algorithm reads and writes; NaN for a path without a model."""
        n, row, number = self.n_train, self.row_bytes, ITEM_BYTES[self.dtype]
        if self.path == SGD:
            return n * (4.0 * row + 4 * number + RATING_BYTES)
        passes = {ALS: 1, ALS_CG: self.cg_steps + 1}.get(self.path, math.nan)
        return 2.0 * n * passes * (row + number + RATING_BYTES) + self.rows * row
