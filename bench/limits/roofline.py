"""How near one backend comes to what the machine can do, and what holds it back. Pure.

The models of work, the limits and the rules are written down in docs/limits.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bench.limits.readings import MachineLimits
from bench.limits.work import ITEM_BYTES, SGD, Work

CALLS_PER_RATING = 5.0
NEAR_THE_LIMIT = 0.5
UNDER_THE_ROOF = 3.0

COMPUTE, MEMORY, INTERPRETER, OVERHEAD = "compute", "memory", "interpreter", "overhead"


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
