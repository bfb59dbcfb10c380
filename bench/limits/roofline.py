"""How near one backend comes to what the machine can do, and what holds it back. Pure.

The models of work, the limits and the rules are written down in docs/limits.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bench.limits.readings import MachineLimits
from bench.records import Record
from bench.units import NOTHING, count, digits

SGD, ALS = "sgd", "als"  # the paths with a model of their work
ITEM_BYTES = {"float32": 4, "float64": 8}
RATING_BYTES = 12  # two ids and a rating

CALLS_PER_RATING = 5.0
NEAR_THE_LIMIT = 0.5
UNDER_THE_ROOF = 3.0

COMPUTE, MEMORY, INTERPRETER, OVERHEAD = "compute", "memory", "interpreter", "overhead"
HEADINGS = ("ratings/s", "GB/s", "GFLOP/s", "of limit")


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

    @classmethod
    def of(cls, record: Record, path: str, epoch_s: float) -> Work:
        """What a record's backend of `path` did in `epoch_s` seconds."""
        hyper, problem = record.case.hyper, record.problem
        sizes = {name: problem[name] for name in ("n_train", "n_users", "n_items")}
        model = {"path": path, "rank": hyper["rank"], "dtype": hyper["dtype"]}
        return cls(**model, **sizes, epoch_s=epoch_s, threads=record.case.threads)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of P or Q."""
        return self.rank * ITEM_BYTES[self.dtype]

    @property
    def table_bytes(self) -> int:
        """Bytes of P and Q."""
        return (self.n_users + self.n_items) * self.row_bytes

    @property
    def flops(self) -> float:
        """Floating-point operations that the algorithm needs; NaN for a path without a model."""
        n, k, rows = self.n_train, self.rank, self.n_users + self.n_items
        if self.path == SGD:
            return n * (8.0 * k + 12)
        return 2.0 * n * k * (k + 1) + rows * k**3 / 3 if self.path == ALS else math.nan

    @property
    def bytes_moved(self) -> float:
        """Bytes that the algorithm reads and writes; NaN for a path without a model."""
        n, rows = self.n_train, self.n_users + self.n_items
        if self.path == SGD:
            return n * (4.0 * self.row_bytes + 4 * ITEM_BYTES[self.dtype] + RATING_BYTES)
        one_half = n * (self.row_bytes + ITEM_BYTES[self.dtype] + RATING_BYTES)
        return 2.0 * one_half + rows * self.row_bytes if self.path == ALS else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one backend does per second, NaN where it has no model or no limit was measured.

    `of_limit` is a share of the machine's limit, `bound` the word that explains it, such as memory
    for memory-bound.
    """

    ratings_hz: float
    bytes_hz: float
    flops_hz: float
    of_limit: float = math.nan
    bound: str = ""


def rate(work: Work, limits: MachineLimits | None) -> Rate:
    """Place one epoch under the roof of its machine; None for limits that were not measured."""
    seconds = work.epoch_s if work.epoch_s > 0 else math.nan
    plain = Rate(
        ratings_hz=work.n_train / seconds,
        bytes_hz=work.bytes_moved / seconds,
        flops_hz=work.flops / seconds,
    )
    of_limit = least_s(work, limits) / seconds if limits else math.nan
    if limits is None or not math.isfinite(of_limit):
        return plain
    return replace(plain, of_limit=of_limit, bound=_bound(work, plain, of_limit, limits))


def least_s(work: Work, limits: MachineLimits) -> float:
    """Seconds that the same epoch takes at the machine's limit; NaN where there is none."""
    if work.path != SGD:
        return work.flops / peak_flops_hz(work, limits)
    widest = max((reading.row_bytes for reading in limits.of("sgd")), default=work.row_bytes)
    rating_hz = limits.rate("sgd", threads=work.threads, row_bytes=work.row_bytes)
    # Rows wider than any measured take as much longer as they are wider.
    return work.n_train / rating_hz * max(1.0, work.row_bytes / widest)


def peak_flops_hz(work: Work, limits: MachineLimits) -> float:
    """The more of multiply-adds in registers and the BLAS's matrix product; half in float64."""
    peak = max(limits.rate(kind, threads=work.threads) for kind in ("fma", "blas"))
    return peak * ITEM_BYTES["float32"] / ITEM_BYTES[work.dtype]


def _bound(work: Work, plain: Rate, of_limit: float, limits: MachineLimits) -> str:
    if work.path == SGD and limits.rate("call") > CALLS_PER_RATING * plain.ratings_hz:
        return INTERPRETER
    if of_limit >= NEAR_THE_LIMIT:
        return COMPUTE
    rows_hz = limits.rate(
        "update" if work.path == SGD else "gather",
        threads=work.threads,
        row_bytes=work.row_bytes,
        table_bytes=work.table_bytes,
    )
    core_s, memory_s = least_s(work, limits), work.bytes_moved / rows_hz
    if work.epoch_s > UNDER_THE_ROOF * max(core_s, memory_s):
        return OVERHEAD
    return MEMORY if memory_s > core_s else COMPUTE


def cells(rate: Rate) -> tuple[str, str, str, str]:
    """The texts under HEADINGS: 22.1 M, 5.66, 2.83, 12% overhead; dashes for what is not known."""
    if math.isfinite(rate.of_limit):
        share = f"{digits(100 * rate.of_limit, 2)}% {rate.bound}"
    else:
        share = NOTHING
    return (
        count(rate.ratings_hz),
        digits(rate.bytes_hz / 1e9),
        digits(rate.flops_hz / 1e9),
        share,
    )
