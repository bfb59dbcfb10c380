"""Alternating least squares by a few conjugate gradient steps a row, compiled by Numba.

A row starts at its present value and takes a few steps towards the minimum of J over it, the bias
eliminated (docs/objective.md). A step costs one pass over the rows of its ratings, O(n rank),
where the exact solution takes O(n rank^2 + rank^3): Takacs, Pilaszy, Tikk 2011,
doi:10.1145/2043932.2043987.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from mfimpls.backends._atomics import fetch_add
from mfimpls.backends._lanes import total
from mfimpls.backends._numba_rows import both_ways
from mfimpls.backends._vector import LANES, load, padded, prefetch, store, zeros
from mfimpls.contract import Factors, Option, backend

AHEAD = 4  # ratings between the prefetch of a row and its use


class Ridge(NamedTuple):
    """The penalties, and the number of steps."""

    reg: Any
    reg_bias: Any
    biases: bool
    steps: int


class Scratch(NamedTuple):
    """One thread's vectors (1, width): the residual r, the direction d, A d, and s = sum x."""

    r: Any
    d: Any
    Ad: Any
    s: Any


@backend(
    "numba_als_cg",
    path="als_cg",
    monotone=True,
    deterministic=True,
    options=(Option("steps", 3, "conjugate gradient steps per row and half-sweep"),),
)
def numba_als_cg(problem, hyper, init):
    """ALS by conjugate gradients in Numba: rows in parallel, warm-started, no factorisation."""
    P, Q = padded(init.P, hyper.dtype), padded(init.Q, hyper.dtype)
    b, c = init.b.astype(hyper.dtype), init.c.astype(hyper.dtype)
    of_user, of_item = both_ways(problem, hyper.dtype)
    number = np.dtype(hyper.dtype).type
    steps = max(0, hyper.options["steps"])
    ridge = Ridge(number(hyper.reg), number(hyper.reg_bias), hyper.biases, steps)

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
        np.empty((1, width), P.dtype),
        np.empty((1, width), P.dtype),
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
    """Move row u by conjugate gradients; its bias to the minimum for the new p_u."""
    r, d, Ad, s = scratch.r, scratch.d, scratch.Ad, scratch.s
    n = P.dtype.type(rows.starts[u + 1] - rows.starts[u])
    one_over = ridge.biases / (n + n * ridge.reg_bias)
    sum_t, sum_e = _residual(rows, u, P, Q, c, scratch)
    for k in range(0, P.shape[1], LANES):
        out = load(r, 0, k) - sum_e * one_over * load(s, 0, k) - n * ridge.reg * load(P, u, k)
        store(r, 0, k, out)
        store(d, 0, k, out)
    rr = _dot(r, 0, r, 0)
    for _ in range(ridge.steps):
        sd = _product(rows, u, Q, d, Ad)
        for k in range(0, P.shape[1], LANES):
            ridged = load(Ad, 0, k) + n * ridge.reg * load(d, 0, k)
            store(Ad, 0, k, ridged - sd * one_over * load(s, 0, k))
        dAd = _dot(d, 0, Ad, 0)
        if not dAd > 0:  # at the minimum, or in a direction that the data leave free
            break
        step = rr / dAd
        for k in range(0, P.shape[1], LANES):
            store(P, u, k, load(P, u, k) + step * load(d, 0, k))
            store(r, 0, k, load(r, 0, k) - step * load(Ad, 0, k))
        before, rr = rr, _dot(r, 0, r, 0)
        for k in range(0, P.shape[1], LANES):
            store(d, 0, k, load(r, 0, k) + rr / before * load(d, 0, k))
    if ridge.biases:
        b[u] = (sum_t - _dot(P, u, s, 0)) * one_over


@njit(_nrt=False, forceinline=True, error_model="numpy")
def _dot(X, i, Y, j):
    sums = zeros(X)
    for k in range(0, X.shape[1], LANES):
        sums = sums + load(X, i, k) * load(Y, j, k)
    return total(sums)


@njit(_nrt=False, error_model="numpy")
def _residual(rows, u, P, Q, c, scratch):
    # r = sum e x and s = sum x over the row's ratings, e = t - x'p; returns sum t and sum e.
    r, s = scratch.r, scratch.s
    sum_t = sum_e = P.dtype.type(0)
    r[:], s[:] = 0, 0
    stop = rows.starts[u + 1]
    for t in range(rows.starts[u], stop):
        i = rows.others[t]
        _prefetch_row(Q, rows.others[min(t + AHEAD, stop - 1)])
        target = rows.targets[t] - c[i]
        e = target - _dot(Q, i, P, u)
        sum_t, sum_e = sum_t + target, sum_e + e
        for k in range(0, Q.shape[1], LANES):
            x = load(Q, i, k)
            store(r, 0, k, load(r, 0, k) + e * x)
            store(s, 0, k, load(s, 0, k) + x)
    return sum_t, sum_e


@njit(_nrt=False, error_model="numpy")
def _product(rows, u, Q, d, Ad):
    # Ad = sum x x'd over the row's ratings, four at a time; returns sum x'd.
    start, stop = rows.starts[u], rows.starts[u + 1]
    Ad[:] = 0
    sd = Q.dtype.type(0)
    fours = start + (stop - start) // 4 * 4
    for t in range(start, fours, 4):
        i, j, l, m = rows.others[t], rows.others[t + 1], rows.others[t + 2], rows.others[t + 3]
        wi = wj = wl = wm = zeros(Q)
        for k in range(0, Q.shape[1], LANES):
            y = load(d, 0, k)
            wi, wj = wi + load(Q, i, k) * y, wj + load(Q, j, k) * y
            wl, wm = wl + load(Q, l, k) * y, wm + load(Q, m, k) * y
        a, b, c, e = total(wi), total(wj), total(wl), total(wm)
        sd += a + b + c + e
        for k in range(0, Q.shape[1], LANES):
            one = a * load(Q, i, k) + b * load(Q, j, k)
            two = c * load(Q, l, k) + e * load(Q, m, k)
            store(Ad, 0, k, load(Ad, 0, k) + (one + two))
    for t in range(fours, stop):
        i = rows.others[t]
        a = _dot(Q, i, d, 0)
        sd += a
        for k in range(0, Q.shape[1], LANES):
            store(Ad, 0, k, load(Ad, 0, k) + a * load(Q, i, k))
    return sd


@njit(_nrt=False, forceinline=True, error_model="numpy")
def _prefetch_row(Q, i):
    for k in range(0, Q.shape[1], LANES):
        prefetch(Q, i, k)
