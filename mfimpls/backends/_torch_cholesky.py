"""Many small symmetric positive definite systems at once, by a Cholesky factorisation in blocks.

LAPACK factorises one matrix after another, in one thread and far below its speed on large ones.
Here only diagonal blocks are left to it; all else is batched products over matrices that fit a
cache together. For torch_als.
"""

from __future__ import annotations

from itertools import pairwise

import torch

BLOCK = 16
CHUNK_VALUES = {"cpu": 2**20, "cuda": 2**26}


def solve(systems):
    """z (m, k) with A z = r from systems (m, k, k + 1) = [A, r]; A's strict lower triangle is not
    read. It does not wait for the device, so a matrix that is not positive definite gives no error.
    """
    k = systems.shape[1]
    step = max(1, CHUNK_VALUES[systems.device.type] // (k * k))
    way = solve_whole if k < 2 * BLOCK else solve_by_blocks
    return torch.cat([way(chunk) for chunk in systems.split(step)])


def solve_whole(systems):
    L, _ = torch.linalg.cholesky_ex(systems[:, :, :-1].mT)
    return torch.cholesky_solve(systems[:, :, -1:], L)[:, :, 0]


def solve_by_blocks(systems):
    """A = R'R block row by block row, [R, y] from [A, r]; then R z = y from the last block up."""
    k = systems.shape[1]
    cuts = [k * i // (k // BLOCK) for i in range(k // BLOCK + 1)]
    R, inverses = torch.empty_like(systems), []
    for lo, hi in pairwise(cuts):
        rest = systems[:, lo:hi, lo:]
        if lo:
            rest = torch.baddbmm(rest, R[:, :lo, lo:hi].mT, R[:, :lo, lo:], alpha=-1)
        L, _ = torch.linalg.cholesky_ex(rest[:, :, : hi - lo].mT)
        identity = torch.eye(hi - lo, dtype=L.dtype, device=L.device)
        inverses.append(torch.linalg.solve_triangular(L, identity, upper=False))
        R[:, lo:hi, hi:] = inverses[-1] @ rest[:, :, hi - lo :]
    z = systems.new_empty(len(systems), k, 1)
    for lo, hi, inverse in zip(cuts[-2::-1], cuts[:0:-1], inverses[::-1]):
        y = R[:, lo:hi, k:]
        if hi < k:
            y = torch.baddbmm(y, R[:, lo:hi, hi:k], z[:, hi:], alpha=-1)
        z[:, lo:hi] = inverse.mT @ y
    return z[:, :, 0]
