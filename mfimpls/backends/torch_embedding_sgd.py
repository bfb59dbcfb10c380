"""Mini-batch SGD as one writes it in PyTorch: embeddings, a loss, backward(), an optimiser's step.

The plain formulation, for comparison with torch_sgd. Ratings live on the device, an epoch is index,
slice and step, with no DataLoader.
"""

from __future__ import annotations

import torch
from torch import nn

from mfimpls.backends._torch_device import on_device, wait
from mfimpls.contract import OPTIMIZERS, Factors, Option, Unsupported, backend
from mfimpls.masks import kept
from mfimpls.orders import epoch_orders

# nn.Embedding's gradients are valid by construction; PyTorch warns unless one opts out in words.
torch.sparse.check_sparse_tensor_invariants.disable()


class MatrixFactorization(nn.Module):
    """rhat = mean + b_u + c_i + p_u . q_i, and half a batch's summands of J."""

    def __init__(self, problem, hyper, init):
        super().__init__()
        names = ("P", "Q", "b", "c") if hyper.biases else ("P", "Q")
        sparse = hyper.options["sparse"]
        for name in names:
            table = torch.tensor(getattr(init, name).reshape(len(getattr(init, name)), -1))
            self.add_module(name, nn.Embedding.from_pretrained(table, freeze=False, sparse=sparse))
        self.hyper = hyper

    def forward(self, users, items, targets, keep):
        hyper = self.hyper
        p, q = self.P(users), self.Q(items)
        interaction = p * q if keep is None else p * q * keep
        errors = targets - interaction.sum(1)
        penalty = hyper.reg * (p.square().sum() + q.square().sum())
        if hyper.biases:
            b, c = self.b(users), self.c(items)
            errors = errors - (b + c).squeeze(1)
            penalty = penalty + hyper.reg_bias * (b.square().sum() + c.square().sum())
        return 0.5 * (errors.square().sum() + penalty)

    def factors(self):
        P, Q = self.P.weight, self.Q.weight
        b, c = (self.b.weight, self.c.weight) if self.hyper.biases else (P[:, 0] * 0, Q[:, 0] * 0)
        return Factors(*(x.detach().cpu().numpy() for x in (P, Q, b.flatten(), c.flatten()))).copy()


@backend(
    "torch_embedding_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order", "dropout"),
    devices=("cpu", "cuda"),
    optimizers=OPTIMIZERS,
    orders=("shuffle", "blocks"),
    options=(Option("sparse", True, "gradients over a batch's rows alone, not over whole tables"),),
    requires=("torch",),
)
def torch_embedding_sgd(problem, hyper, init):
    """Mini-batch SGD by PyTorch autograd on nn.Embedding tables."""
    if hyper.optimizer == "adam" and not hyper.options["sparse"]:
        sentence = "torch_embedding_sgd: adam moves touched rows only, which needs sparse=true."
        raise Unsupported(sentence)
    device = torch.device(hyper.device)
    model = MatrixFactorization(problem, hyper, init).to(device, getattr(torch, hyper.dtype))
    optimizer = RULES[hyper.optimizer](model.parameters(), lr=hyper.lr)
    users, items = (torch.tensor(ids, device=device).long() for ids in problem.train.columns[:2])
    targets = problem.train.ratings.astype(hyper.dtype) - problem.mean
    targets = torch.tensor(targets, device=device)
    wait(device)

    yield model.factors
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        for group in optimizer.param_groups:
            group["lr"] = hyper.lr * hyper.decay**epoch
        for batch in on_device(order, device).split(hyper.batch):
            keep = dropout_mask(hyper, epoch, batch)
            optimizer.zero_grad()
            model(users[batch], items[batch], targets[batch], keep).backward()
            optimizer.step()
        wait(device)
        yield model.factors


def dropout_mask(hyper, epoch, batch):
    """Mask (B, rank) of a batch's places in the training part, 0 where dropped and else
    1 / (1 - dropout); None for no dropout.
    """
    if not hyper.dropout:
        return None
    components = torch.arange(hyper.rank, device=batch.device)
    mask = kept(hyper, epoch, batch[:, None], components)
    return mask.to(getattr(torch, hyper.dtype)) / (1 - hyper.dropout)


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
