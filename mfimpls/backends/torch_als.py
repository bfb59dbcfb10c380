"""Exact ALS in PyTorch, one code path for cpu and cuda: Gram matrices by sparse sums, then a
batched Cholesky by blocks.

A row's Gram matrix sum x_i x_i' is a sum of rows of a table that holds x_i x_i' once per item. Its
upper triangle is taken a few rows at a time, so that the table fits a cache: half the additions of
a product, no multiplication but the table's, nothing gathered and nothing padded.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from mfimpls.backends._torch_cholesky import solve
from mfimpls.backends._torch_device import wait
from mfimpls.contract import Factors, backend

GRAM_VALUES = 2**26  # Gram matrices held at a time, in numbers
TABLE_WIDTH = 96  # columns of Gram matrices summed at a time; 64 to 128 are alike


@backend(
    "torch_als",
    path="als",
    devices=("cpu", "cuda"),
    monotone=True,
    requires=("torch",),
)
def torch_als(problem, hyper, init):
    """Exact ALS in PyTorch: Gram matrices by sparse sums, batched Cholesky by blocks."""
    device = torch.device(hyper.device)
    P, Q, b, c = (torch.tensor(a, device=device) for a in init.copy(hyper.dtype).arrays)
    users, items, ratings = problem.train.columns
    targets = torch.tensor(ratings.astype(hyper.dtype) - problem.mean, device=device)
    users, items = (torch.tensor(ids, device=device) for ids in (users, items))
    width = hyper.rank + hyper.biases
    ridge = [hyper.reg] * hyper.rank + [hyper.reg_bias] * hyper.biases
    ridge = torch.tensor(ridge, dtype=P.dtype, device=device)
    by_user, by_item = parts(users, items, targets, width), parts(items, users, targets, width)
    largest = max(len(part.rows) for part in by_user + by_item)
    systems = P.new_empty(largest, width, width + 1)  # made once: new memory costs more than sums

    def snapshot():
        return Factors(*(x.cpu().numpy() for x in (P, Q, b, c))).copy()

    wait(device)
    yield snapshot
    while True:
        half_sweep(by_user, P, b, Q, c, ridge, systems)
        half_sweep(by_item, Q, c, P, b, ridge, systems)
        wait(device)
        yield snapshot


class Part(NamedTuple):
    """m rows and their n ratings, row after row."""

    rows: torch.Tensor  # (m,) int64
    degrees: torch.Tensor  # (m,), ratings of each row
    starts: torch.Tensor  # (m + 1,) int32: row k has ratings starts[k] to starts[k + 1]
    columns: torch.Tensor  # (n,) int32
    targets: torch.Tensor  # (n,)


def parts(rows, columns, targets, width):
    """The rows that have ratings, as Parts whose Gram matrices fit GRAM_VALUES."""
    order = torch.argsort(rows, stable=True)
    rated, degrees = torch.unique_consecutive(rows[order], return_counts=True)
    step, ends = max(1, GRAM_VALUES // (width * (width + 1))), degrees.cumsum(0)
    found = []
    for lo in range(0, len(rated), step):
        of_rows = slice(lo, lo + step)
        first, last = int(ends[lo] - degrees[lo]), int(ends[of_rows][-1])
        starts = F.pad(ends[of_rows] - first, (1, 0)).int()
        at = order[first:last]
        exact = degrees[of_rows].to(targets.dtype)
        found.append(Part(rated[of_rows].long(), exact, starts, columns[at], targets[at]))
    return found


def half_sweep(found, P, b, Q, c, ridge, systems):
    """Minimise J over P and b with Q and c fixed; `systems` is room for a part's [A, r]."""
    rank, biases = P.shape[1], len(ridge) > P.shape[1]
    X = F.pad(Q, (0, 1), value=1.0) if biases else Q  # x_i = [q_i, 1]
    for part in found:
        errors = part.targets - c.index_select(0, part.columns)
        chunk = systems[: len(part.rows)]
        gram(part, X, chunk)
        chunk[:, :, :-1].diagonal(dim1=1, dim2=2).addcmul_(part.degrees[:, None], ridge)
        chunk[:, :, -1] = sums(part, X, errors)
        z = solve(chunk)
        P.index_copy_(0, part.rows, z[:, :rank])
        if biases:
            b.index_copy_(0, part.rows, z[:, rank])


def gram(part, X, out):
    """Write sum x_i x_i' over each row's ratings into the upper triangles of out (m, k, k + 1)."""
    k, lo = X.shape[1], 0
    while lo < k:
        hi = lo + 1  # rows lo to hi - 1 of the triangles, as many as TABLE_WIDTH takes
        while hi < k and (hi + 1 - lo) * (2 * k - lo - hi) // 2 <= TABLE_WIDTH:
            hi += 1
        table = torch.cat([X[:, j:] * X[:, j : j + 1] for j in range(lo, hi)], 1)
        found = sums(part, table).split([k - j for j in range(lo, hi)], 1)
        for j, values in zip(range(lo, hi), found):
            out[:, j, j:k] = values
        lo = hi


def sums(part, table, weights=None):
    """Sums (m, k) of rows of table (n_columns, k) over each row's ratings, weighted if asked."""
    return F.embedding_bag(
        part.columns, table, part.starts, mode="sum",
        per_sample_weights=weights, include_last_offset=True,
    )  # fmt: skip
