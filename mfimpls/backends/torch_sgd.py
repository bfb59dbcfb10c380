"""Mini-batch SGD by PyTorch autograd, on a batch's rows and through products at the rated cells.

The loss is written in PyTorch and autograd derives its gradient. One operation brings a gradient of
its own: PyTorch has the product at given cells (torch.sparse.sampled_addmm), but its derivative
sorts the transposed cells anew in every step, where a batch in both orders needs two sparse
products. One code path for cpu and cuda, and nothing waits for the device before an epoch's end.
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
    "torch_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order"),
    devices=("cpu", "cuda"),
    optimizers=OPTIMIZERS,
    orders=("shuffle", "blocks"),
    requires=("torch",),
)
def torch_sgd(problem, hyper, init):
    """Mini-batch SGD by PyTorch autograd: a batch's rows as parameters, products at its cells."""
    device = torch.device(hyper.device)
    tables, cells = Tables(init, hyper, device), Cells(problem, hyper, device)
    orders = epoch_orders(problem, hyper)
    order = on_device(next(orders), device)
    wait(device)

    yield tables.factors
    for epoch in count():
        lr = hyper.lr * hyper.decay**epoch
        for batch in cells.batches(order):
            rows = [x.requires_grad_() for x in tables.rows_of(batch)]
            gradients = torch.autograd.grad(loss(batch, rows, tables), rows)
            with torch.no_grad():
                tables.move(batch, rows, gradients, lr)
        order = on_device(next(orders), device)  # drawn while the device works
        wait(device)
        yield tables.factors


class Products(torch.autograd.Function):
    """x_u . y_i (n,) at a batch's ratings, and what autograd needs to go back through it."""

    @staticmethod
    def forward(ctx, batch, x, y):
        ctx.batch = batch
        ctx.save_for_backward(x, y)
        return products(batch, x, y)

    @staticmethod
    def backward(ctx, values):
        x, y = ctx.saved_tensors
        return None, sums_by_user(ctx.batch, values, y), sums_by_item(ctx.batch, values, x)


def loss(batch, rows, tables):
    """Half a batch's summands of J."""
    errors = batch.targets - Products.apply(batch, *tables.with_ones(*rows))
    of_users, of_items = (
        side.counts @ x.square() for side, x in zip((batch.users, batch.items), rows)
    )
    penalty = of_users @ tables.ridge + of_items @ tables.ridge.flip(0)
    return 0.5 * (errors.square().sum() + penalty)
