"""Mini-batch SGD in PyTorch with the gradient by hand: torch_sgd without autograd.

The same batches, kernels and optimisers; what autograd costs is the difference in time.
"""

from __future__ import annotations

from itertools import count

import torch

from mfimpls.backends._torch_cells import Cells, products, sums_by_item, sums_by_user
from mfimpls.backends._torch_device import on_device, wait
from mfimpls.backends._torch_rules import Tables
from mfimpls.contract import OPTIMIZERS, backend
from mfimpls.orders import epoch_orders


@backend(
    "torch_manual_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order"),
    devices=("cpu", "cuda"),
    optimizers=OPTIMIZERS,
    orders=("shuffle", "blocks"),
    requires=("torch",),
)
def torch_manual_sgd(problem, hyper, init):
    """Mini-batch SGD in PyTorch with the gradient by hand: what autograd costs beside torch_sgd."""
    device = torch.device(hyper.device)
    tables, cells = Tables(init, hyper, device), Cells(problem, hyper, device)
    orders = epoch_orders(problem, hyper)
    order = on_device(next(orders), device)
    wait(device)

    yield tables.factors
    for epoch in count():
        lr = hyper.lr * hyper.decay**epoch
        with torch.no_grad():
            for batch in cells.batches(order):
                rows = tables.rows_of(batch)
                tables.move(batch, rows, gradients(batch, rows, tables), lr)
        order = on_device(next(orders), device)  # drawn while the device works
        wait(device)
        yield tables.factors


def gradients(batch, rows, tables):
    """Those of docs/objective.md, summed per row of the batch's users and of its items."""
    users, items = tables.with_ones(*rows)
    errors = batch.targets - products(batch, users, items)
    width = len(tables.ridge)
    towards = (
        sums_by_user(batch, errors, items)[:, :width],
        sums_by_item(batch, errors, users)[:, -width:],
    )
    ridges = tables.ridge, tables.ridge.flip(0)
    sides = batch.users, batch.items
    return [
        side.counts[:, None] * ridge * x - sums
        for side, ridge, x, sums in zip(sides, ridges, rows, towards)
    ]
