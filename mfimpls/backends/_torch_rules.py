"""The optimisers of docs/objective.md for PyTorch: its own where it has one."""

from __future__ import annotations

import torch


class RowwiseAdagrad(torch.optim.Optimizer):
    """One step size per row, as docs/objective.md defines it; PyTorch has no such optimiser."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for x in group["params"]:
                A = self.state[x].setdefault("A", torch.ones_like(x[:, :1]))
                rows, g = slice(None), x.grad
                if g.is_sparse:
                    g = g.coalesce()
                    rows, g = g.indices()[0], g.values()
                x[rows] -= group["lr"] * g / A[rows].sqrt()
                A[rows] += g.square().mean(1, keepdim=True)


RULES = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rowwise_adagrad": RowwiseAdagrad,
    "adam": torch.optim.SparseAdam,
}


def set_lr(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr
