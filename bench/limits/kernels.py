"""The loops whose speed is a limit, compiled for one row width each and releasing the GIL.

Every kernel repeats its work `passes` times, so that a run outlasts the start of its threads. The
vectors are those of mfimpls.backends._vector; a width known when it compiles unrolls the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from mfimpls.backends._lanes import total
from mfimpls.backends._vector import LANES, aligned_zeros, load, store, zeros
from mfimpls.contract import Array

Kernel = Callable[..., Any]

CHAINS = 12  # independent multiply-adds: enough to hide their latency, few enough for 16 registers
FMA_FLOPS = 2 * CHAINS * LANES  # in one round of `multiply_add`
GATHERED_AT_ONCE = 8
LONG_ROW = 32  # from here on one chain of multiply-adds is what a dot product waits for


def table(*shape: int) -> Array:
    """Zeros in float32 that start on a cache line."""
    return aligned_zeros(shape, np.float32)


@njit(nogil=True)
def triad(a: Array, b: Array, c: Array, passes: int) -> None:
    """a = b + 3 c over arrays (n,), as in STREAM (McCalpin 1995)."""
    for _ in range(passes):
        for j in range(len(a)):
            a[j] = b[j] + a.dtype.type(3) * c[j]


@njit(nogil=True)
def multiply_add(x: Array, rounds: int, passes: int) -> float:
    """CHAINS chains of a = a s + y that never leave the registers, from x (CHAINS + 2, LANES)."""
    s, y = load(x, CHAINS, 0), load(x, CHAINS + 1, 0)
    a, b, c, d = load(x, 0, 0), load(x, 1, 0), load(x, 2, 0), load(x, 3, 0)
    e, f, g, h = load(x, 4, 0), load(x, 5, 0), load(x, 6, 0), load(x, 7, 0)
    k, l, m, n = load(x, 8, 0), load(x, 9, 0), load(x, 10, 0), load(x, 11, 0)
    for _ in range(passes * rounds):
        a, b, c, d = a * s + y, b * s + y, c * s + y, d * s + y
        e, f, g, h = e * s + y, f * s + y, g * s + y, h * s + y
        k, l, m, n = k * s + y, l * s + y, m * s + y, n * s + y
    return total(a + b + c + d + e + f + g + h + k + l + m + n)


@cache
def gather(width: int) -> Kernel:
    """Sum of the rows `ids` of X (n, width), GATHERED_AT_ONCE in flight."""

    @njit(nogil=True)
    def run(X: Array, ids: Array, passes: int) -> float:
        sums = zeros(X)
        for _ in range(passes):
            for t in range(0, len(ids), GATHERED_AT_ONCE):
                for k in range(0, width, LANES):
                    one = load(X, ids[t], k) + load(X, ids[t + 1], k)
                    two = load(X, ids[t + 2], k) + load(X, ids[t + 3], k)
                    three = load(X, ids[t + 4], k) + load(X, ids[t + 5], k)
                    four = load(X, ids[t + 6], k) + load(X, ids[t + 7], k)
                    sums = sums + ((one + two) + (three + four))
        return total(sums)

    return run


@cache
def update(width: int) -> Kernel:
    """x *= factor for the rows `ids` of X (n, width)."""

    @njit(nogil=True)
    def run(X: Array, ids: Array, factor: float, passes: int) -> None:
        for _ in range(passes):
            for t in range(len(ids)):
                for k in range(0, width, LANES):
                    store(X, ids[t], k, factor * load(X, ids[t], k))

    return run


@cache
def sgd(width: int) -> Kernel:
    """Plain SGD on P and Q (n, width) without biases: the least that one rating costs."""
    dot = _dot(width)

    @njit(nogil=True)
    def run(P: Array, Q: Array, data: Any, step: float, keep: float, passes: int) -> None:
        users, items, ratings = data
        for _ in range(passes):
            for t in range(len(ratings)):
                u, i = users[t], items[t]
                e = step * (ratings[t] - total(dot(P, u, Q, i)))
                for k in range(0, width, LANES):
                    p, q = load(P, u, k), load(Q, i, k)
                    store(P, u, k, keep * p + e * q)
                    store(Q, i, k, keep * q + e * p)

    return run


def _dot(width: int) -> Kernel:
    @njit(forceinline=True)
    def one_chain(P: Array, u: int, Q: Array, i: int) -> Any:
        a = load(P, u, 0) * load(Q, i, 0)
        for k in range(LANES, width, LANES):
            a = a + load(P, u, k) * load(Q, i, k)
        return a

    @njit(forceinline=True)
    def four_chains(P: Array, u: int, Q: Array, i: int) -> Any:
        a = b = c = d = zeros(P)
        for k in range(0, width, LANES):
            a, b, c, d = b, c, d, a + load(P, u, k) * load(Q, i, k)
        return (a + b) + (c + d)

    return one_chain if width < LONG_ROW else four_chains
