"""Alternating least squares, exact over the observed ratings, compiled by Numba.

Every row solves its own (rank + 1) system, so rows run in parallel and the bits don't depend on the
number of threads. The bias is eliminated by hand: with s = sum x, v = sum t x over a row's n
ratings and alpha = n (1 + reg_bias),

    (sum x x' - s s' / alpha + n reg I) p = v - s sum(t) / alpha,        b = (sum(t) - s'p) / alpha

(Zhou et al. 2008, doi:10.1007/978-3-540-68880-8_32.)
"""

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from mfimpls.backends._atomics import fetch_add
from mfimpls.backends._cholesky import add_gram, back_substitute, factor
from mfimpls.backends._lanes import total
from mfimpls.backends._numba_rows import both_ways
from mfimpls.backends._vector import LANES, load, padded, store, zeros
from mfimpls.contract import Factors, backend

CHUNK = 64  # ratings gathered at a time: their rows stay in the first-level cache


class Ridge(NamedTuple):
    """The penalties, and how many of the padded columns are factors."""

    rank: int
    reg: Any
    reg_bias: Any
    biases: bool
    eps: Any


class Scratch(NamedTuple):
    """One thread's: gathered rows X (CHUNK, stride) and targets (CHUNK,), the system S (width,
    width), sums s and v (1, width).
    """

    X: Any
    targets: Any
    S: Any
    s: Any
    v: Any


@backend("numba_als", path="als", monotone=True, deterministic=True)
def numba_als(problem, hyper, init):
    """Exact ALS in Numba: rows in parallel, Gram and Cholesky in registers."""
    P, Q = padded(init.P, hyper.dtype), padded(init.Q, hyper.dtype)
    b, c = init.b.astype(hyper.dtype), init.c.astype(hyper.dtype)
    of_user, of_item = both_ways(problem, hyper.dtype)
    number = np.dtype(hyper.dtype).type
    eps = np.finfo(hyper.dtype).eps
    ridge = Ridge(hyper.rank, number(hyper.reg), number(hyper.reg_bias), hyper.biases, eps)

    def snapshot():
        return Factors(P[:, : hyper.rank].copy(), Q[:, : hyper.rank].copy(), b.copy(), c.copy())

    yield snapshot
    while True:
        _half_sweep(of_user, P, b, Q, c, ridge, get_num_threads())
        _half_sweep(of_item, Q, c, P, b, ridge, get_num_threads())
        yield snapshot


@njit(cache=True, parallel=True, nogil=True)
def _half_sweep(rows, P, b, Q, c, ridge, threads):
    taken = np.zeros(1, np.int64)
    for _ in prange(threads):
        _solve_rows(rows, P, b, Q, c, ridge, taken)


@njit
def _solve_rows(rows, P, b, Q, c, ridge, taken):
    # Threads take rows as they get free, heaviest first: one at a time, then many light ones.
    width = P.shape[1]
    scratch = Scratch(
        np.empty((CHUNK, width + LANES), P.dtype),
        np.empty(CHUNK, P.dtype),
        np.empty((width, width), P.dtype),
        np.empty((1, width), P.dtype),
        np.empty((1, width), P.dtype),
    )
    batches = len(rows.batches) - 1
    while True:
        batch = fetch_add(taken, 0, 1)
        if batch >= batches:
            return
        for j in range(rows.batches[batch], rows.batches[batch + 1]):
            _solve_row(rows, rows.by_degree[j], P, b, Q, c, ridge, scratch)


@njit(_nrt=False, error_model="numpy")
def _solve_row(rows, u, P, b, Q, c, ridge, scratch):
    """Put row u at the minimum of J over p_u and b_u."""
    one = P.dtype.type(1)
    X, S, s, v = scratch.X, scratch.S, scratch.s, scratch.v
    S[:], s[:], v[:] = 0, 0, 0
    first, stop = rows.starts[u], rows.starts[u + 1]
    sum_t = P.dtype.type(0)
    for start in range(first, stop, CHUNK):
        n = min(CHUNK, stop - start)
        sum_t += _gather(rows, start, n, Q, c, scratch)
        add_gram(S, X, (0, n), one, 0)
        _add_sums(X, scratch.targets, n, s, v)
    n = P.dtype.type(stop - first)
    alpha = n + n * ridge.reg_bias
    if ridge.biases:
        add_gram(S, s, (0, 1), -one / alpha, 0)
        for k in range(0, S.shape[1], LANES):
            store(v, 0, k, load(v, 0, k) - sum_t / alpha * load(s, 0, k))
    largest = P.dtype.type(0)
    for k in range(S.shape[1]):
        S[k, k] += n * ridge.reg if k < ridge.rank else 1
        largest = max(largest, S[k, k])
    factor(S, v, largest * S.shape[1] * ridge.eps)
    back_substitute(S, v)
    dot = zeros(P)
    for k in range(0, S.shape[1], LANES):
        store(P, u, k, load(v, 0, k))
        dot = dot + load(s, 0, k) * load(v, 0, k)
    if ridge.biases:
        b[u] = (sum_t - total(dot)) / alpha


@njit(_nrt=False, forceinline=True, error_model="numpy")
def _gather(rows, start, n, Q, c, scratch):
    # Copy the rows of n ratings into X, and what their biases leave of the targets; return the sum.
    sum_t = Q.dtype.type(0)
    for t in range(n):
        i = rows.others[start + t]
        target = rows.targets[start + t] - c[i]
        scratch.targets[t] = target
        sum_t += target
        for k in range(0, Q.shape[1], LANES):
            store(scratch.X, t, k, load(Q, i, k))
    return sum_t


@njit(_nrt=False, forceinline=True, error_model="numpy")
def _add_sums(X, targets, n, s, v):
    # s += sum x, v += sum t x, each in two registers so that none waits for its last addition.
    for k in range(0, s.shape[1], LANES):
        s_even, v_even, s_odd, v_odd = load(s, 0, k), load(v, 0, k), zeros(s), zeros(v)
        for t in range(0, n - 1, 2):
            x, y = load(X, t, k), load(X, t + 1, k)
            s_even, v_even = s_even + x, v_even + targets[t] * x
            s_odd, v_odd = s_odd + y, v_odd + targets[t + 1] * y
        if n % 2:
            x = load(X, n - 1, k)
            s_even, v_even = s_even + x, v_even + targets[n - 1] * x
        store(s, 0, k, s_even + s_odd)
        store(v, 0, k, v_even + v_odd)
