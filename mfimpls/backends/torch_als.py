"""Exact ALS in PyTorch, one code path for cpu and cuda: batched products and batched Cholesky.

Rows of similar degree are padded to one length and solved together (docs/objective.md).
"""

from __future__ import annotations

import torch

from mfimpls.backends._degree_groups import Group, chunks, groups
from mfimpls.backends._torch_device import wait
from mfimpls.contract import Factors, backend

CHUNK_VALUES = {"cpu": 2**20, "cuda": 2**26}  # gathered factors per batched product


@backend(
    "torch_als",
    path="als",
    devices=("cpu", "cuda"),
    monotone=True,
    requires=("torch",),
)
def torch_als(problem, hyper, init):
    """Exact ALS in PyTorch: rows of similar degree in batched products and batched Cholesky."""
    device = torch.device(hyper.device)
    P, Q, b, c = (torch.tensor(a, device=device) for a in init.copy(hyper.dtype).arrays)
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean
    width = hyper.rank + hyper.biases
    ridge = [hyper.reg] * hyper.rank + [hyper.reg_bias] * hyper.biases
    ridge = torch.tensor(ridge, dtype=P.dtype, device=device)
    sizes = problem.n_users, problem.n_items
    by_user = on_device(groups(users, items, targets, *sizes), width, device)
    by_item = on_device(groups(items, users, targets, *sizes[::-1]), width, device)

    def snapshot():
        return Factors(*(x.cpu().numpy() for x in (P, Q, b, c))).copy()

    wait(device)
    yield snapshot
    while True:
        half_sweep(by_user, P, b, Q, c, ridge)
        half_sweep(by_item, Q, c, P, b, ridge)
        wait(device)
        yield snapshot


def on_device(found, width, device):
    """Groups cut into chunks that fit the memory of a batched product, as tensors."""
    return [
        Group(*(torch.tensor(array[chunk], device=device) for array in group))
        for group in found
        for chunk in chunks(group, width, CHUNK_VALUES[device.type])
    ]


def half_sweep(found, P, b, Q, c, ridge):
    """Minimise J over P and b with Q and c fixed."""
    rank, biases = P.shape[1], len(ridge) > P.shape[1]
    # x_i = [q_i, 1]; the last row of X and of c stands for padding.
    X = torch.nn.functional.pad(Q, (0, 1), value=1.0) if biases else Q
    X = torch.nn.functional.pad(X, (0, 0, 0, 1))
    offsets = torch.nn.functional.pad(c, (0, 1))
    for rows, columns, targets, degrees in found:
        x = X[columns]
        xt = x.mT
        gram = xt @ x
        gram.diagonal(dim1=1, dim2=2).add_(degrees[:, None] * ridge)
        right = xt @ (targets - offsets[columns])[:, :, None]
        L, _ = torch.linalg.cholesky_ex(gram)  # unlike cholesky, it does not wait for the device
        z = torch.cholesky_solve(right, L)[:, :, 0]
        P[rows] = z[:, :rank]
        if biases:
            b[rows] = z[:, rank]
