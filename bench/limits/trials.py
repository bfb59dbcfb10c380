"""What is measured on a machine: a list of trials.

Memory is read as a factorization reads it: rows of P or Q at random places of tables that fit the
innermost cache, and of tables that fit none. Loads Numba.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import ThreadpoolController

from bench.limits import kernels
from bench.limits.timing import Run, in_threads
from mfimpls.backends._vector import LANES
from mfimpls.contract import Array

SGD_TABLE_BYTES = 2**15  # P and Q of one block, in the innermost cache
VISITS = 2**18
FMA_ROUNDS = 20_000
MATRIX = 1024
CALLS = 1_000

Prepared = tuple[Run, float]  # a run, and the work of one pass in the unit of its kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far to go: threads, ranks of the rows, bytes of the tables; each ascending."""

    threads: tuple[int, ...]
    ranks: tuple[int, ...] = (16, 32, 64, 128)
    table_bytes: tuple[int, ...] = tuple(2**k for k in (18, 20, 22, 24, 26, 28))


@dataclass(frozen=True, slots=True)
class Trial:
    """What a reading will say, and how to get it."""

    kind: str
    threads: int
    prepare: Callable[[], Prepared]
    row_bytes: int = 0
    table_bytes: int = 0


def trials(extent: Extent) -> Iterator[Trial]:
    """Every trial of an extent."""
    memory = kernels.table(extent.table_bytes[-1] // 4)
    memory[:] = 1  # touched, so that it is there
    yield Trial("call", 1, _call)
    for n in extent.threads:
        yield Trial("stream", n, partial(_stream, memory, n))
        yield Trial("fma", n, partial(_fma, n))
        for rank in extent.ranks:
            yield Trial("sgd", n, partial(_sgd, rank, n), 4 * rank, SGD_TABLE_BYTES)
            for size in extent.table_bytes:
                rows = memory[: size // 4].reshape(-1, rank)
                yield Trial("gather", n, partial(_gather, rows, n), 4 * rank, size)
                yield Trial("update", n, partial(_update, rows, n), 4 * rank, size)
    for n in extent.threads:  # last, since the threads of a BLAS stay busy for a while when done
        yield Trial("blas", n, partial(_blas, n))


def _gather(rows: Array, threads: int) -> Prepared:
    kernel, parts = kernels.gather(rows.shape[1]), _visits(rows, threads)
    return in_threads(kernel, parts), threads * VISITS * 4 * rows.shape[1]


def _update(rows: Array, threads: int) -> Prepared:
    kernel, parts = kernels.update(rows.shape[1]), _visits(rows, threads)
    one = np.float32(1)  # changes nothing, which the compiler can't know
    run = in_threads(kernel, [(*part, one) for part in parts])
    return run, threads * VISITS * 8 * rows.shape[1]


def _visits(rows: Array, threads: int) -> list[tuple[Array, Array]]:
    # Each thread's part of the rows, and which of them it visits.
    n = len(rows) // threads
    ids = np.random.default_rng(0).integers(0, n, VISITS, dtype=np.uint32)
    return [(rows[k * n : (k + 1) * n], ids) for k in range(threads)]


def _sgd(rank: int, threads: int) -> Prepared:
    rng = np.random.default_rng(0)
    n = SGD_TABLE_BYTES // 2 // (4 * rank)
    users, items = rng.integers(0, n, (2, VISITS), dtype=np.uint32)
    data = users, items, rng.normal(0, 1, VISITS).astype(np.float32)
    tables = kernels.table(threads, 2, n, rank)
    tables[:] = 0.1
    # Factors that stay as they are: trained for long on noise, they would decay to denormals.
    step, keep = np.float32(0), np.float32(1)
    parts = [(P, Q, data, step, keep) for P, Q in tables]
    return in_threads(kernels.sgd(rank), parts), threads * VISITS


def _stream(memory: Array, threads: int) -> Prepared:
    n = len(memory) // 3 // threads
    thirds = memory[: 3 * n * threads].reshape(3, threads, n)
    return in_threads(kernels.triad, list(zip(*thirds))), 3 * 4 * n * threads


def _fma(threads: int) -> Prepared:
    x = kernels.table(kernels.CHAINS + 2, LANES)
    x[:] = np.linspace(0.1, 0.9, len(x))[:, None]  # different chains, whose values stay finite
    run = in_threads(kernels.multiply_add, [(x, FMA_ROUNDS)] * threads)
    return run, threads * FMA_ROUNDS * kernels.FMA_FLOPS


def _blas(threads: int) -> Prepared:
    A = np.random.default_rng(0).normal(0, 1, (MATRIX, MATRIX)).astype(np.float32)
    pools, out = ThreadpoolController(), np.empty_like(A)

    def run(passes: int) -> None:
        with pools.limit(limits=threads, user_api="blas"):
            for _ in range(passes):
                np.matmul(A, A, out=out)

    return run, 2.0 * MATRIX**3


def _call() -> Prepared:
    p = np.ones(16, np.float32)

    def run(passes: int) -> None:
        for _ in range(passes * CALLS):
            np.dot(p, p)

    return run, CALLS
