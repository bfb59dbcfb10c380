"""Small positive definite systems inside Numba kernels: Gram matrices, Cholesky, triangular solves.

A BLAS call per row costs more than a small system's arithmetic. Here S (width, width) is worked in
tiles of HEIGHT x LANES, each row of one in registers, and only its upper triangle is ever read.
Width is a multiple of LANES.
"""

import math

from numba import njit

from mfimpls.backends._lanes import total
from mfimpls.backends._tile import HEIGHT, add_tile
from mfimpls.backends._vector import LANES, load, store, zeros


@njit(_nrt=False, error_model="numpy")
def add_gram(S, X, rows, scale, start):
    """Upper tiles of S from row `start` on += scale * X[rows]' X[rows]."""
    for i in range(start, S.shape[1], HEIGHT):
        for j in range(i // LANES * LANES, S.shape[1], LANES):
            add_tile(S, i, j, X, rows[0], rows[1], scale)


@njit(_nrt=False, error_model="numpy")
def factor(S, v, floor):
    """S = U'U in place, by block rows, and v becomes y of U'y = v; U's diagonal is kept inverted.

    v is (1, width). A pivot at or below `floor` belongs to a direction that the data leave free:
    its unknown becomes 0, which still minimises.
    """
    width, one, zero = S.shape[0], S.dtype.type(1), S.dtype.type(0)
    for k in range(0, width, LANES):
        for j in range(k, k + LANES):
            inverse = one / math.sqrt(S[j, j]) if S[j, j] > floor else zero
            for l in range(k, width, LANES):
                store(S, j, l, load(S, j, l) * inverse)
            v[0, j] *= inverse
            for i in range(j + 1, k + LANES):
                share = S[j, i]
                for l in range(k, width, LANES):
                    store(S, i, l, load(S, i, l) - share * load(S, j, l))
                v[0, i] -= share * v[0, j]
            S[j, j] = inverse
        for l in range(k + LANES, width, LANES):
            left = load(v, 0, l)
            for j in range(k, k + LANES):
                left = left - v[0, j] * load(S, j, l)
            store(v, 0, l, left)
        add_gram(S, S, (k, k + LANES), -1, k + LANES)


@njit(_nrt=False, error_model="numpy")
def back_substitute(S, v):
    """v becomes z of U z = v, with U as `factor` leaves it."""
    width = S.shape[1]
    for k in range(width - LANES, -1, -LANES):
        for j in range(k, k + LANES):
            dot = zeros(S)
            for l in range(k + LANES, width, LANES):
                dot = dot + load(S, j, l) * load(v, 0, l)
            v[0, j] -= total(dot)
        for j in range(k + LANES - 1, k - 1, -1):
            z = v[0, j]
            for l in range(j + 1, k + LANES):
                z -= S[j, l] * v[0, l]
            v[0, j] = z * S[j, j]
