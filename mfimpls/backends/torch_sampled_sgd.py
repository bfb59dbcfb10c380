"""Mini-batch SGD by PyTorch autograd through a sampled matrix product instead of gathered rows.

A batch is a sparse matrix S. P Q' is computed at its cells alone (torch.sparse.sampled_addmm), and
autograd knows the gradient: two products of S with a table. No row is gathered once per rating, so
no array of batch x rank values is written and read again, where nn.Embedding spends its time. The
price is dense gradients, so batches should be large against the tables.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch import nn

from mfimpls.backends._torch_device import wait
from mfimpls.backends._torch_rules import RULES, set_lr
from mfimpls.contract import Factors, backend
from mfimpls.orders import epoch_orders

with warnings.catch_warnings():  # PyTorch says once per process that CSR is in beta
    warnings.simplefilter("ignore")
    torch.eye(1).to_sparse_csr()


class Cells(NamedTuple):
    """Ratings sorted by user, then item, so that any part of them in this order is a CSR matrix."""

    users: torch.Tensor  # (n,) int64
    items: torch.Tensor  # (n,) int64
    targets: torch.Tensor  # (n,), ratings less their mean
    places: torch.Tensor  # (n,) int64, in problem.train


class SampledFactorization(nn.Module):
    """Half a batch's summands of J."""

    def __init__(self, init, hyper, device):
        super().__init__()
        P, Q, b, c = (torch.tensor(a, device=device) for a in init.copy(hyper.dtype).arrays)
        self.P, self.Q = nn.Parameter(P), nn.Parameter(Q)
        self.b = nn.Parameter(b[:, None], requires_grad=hyper.biases)
        self.c = nn.Parameter(c[:, None], requires_grad=hyper.biases)
        self.hyper = hyper

    def forward(self, users, items, targets):
        P, Q, b, c = self.P, self.Q, self.b, self.c
        n_u = torch.bincount(users, minlength=len(P))
        n_i = torch.bincount(items, minlength=len(Q)).to(P.dtype)
        starts = nn.functional.pad(n_u.cumsum(0), (1, 0))
        n_u = n_u.to(P.dtype)
        cells = torch.sparse_csr_tensor(
            starts, items, torch.zeros_like(targets), (len(P), len(Q)), check_invariants=False
        )
        errors = targets - torch.sparse.sampled_addmm(cells, P, Q.T, beta=0.0).values()
        penalty = self.hyper.reg * (n_u @ P.square().sum(1) + n_i @ Q.square().sum(1))
        if self.hyper.biases:
            errors = errors - (b[users] + c[items]).squeeze(1)
            penalty = penalty + self.hyper.reg_bias * (n_u @ b.square() + n_i @ c.square()).sum()
        return 0.5 * (errors.square().sum() + penalty)

    def factors(self):
        arrays = (x.detach().cpu().numpy() for x in (self.P, self.Q, self.b, self.c))
        P, Q, b, c = arrays
        return Factors(P, Q, b[:, 0], c[:, 0]).copy()


@backend(
    "torch_sampled_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order"),
    devices=("cpu", "cuda"),
    optimizers=("sgd", "adagrad", "rowwise_adagrad"),
    orders=("shuffle", "blocks"),
    requires=("torch",),
)
def torch_sampled_sgd(problem, hyper, init):
    """Mini-batch SGD by PyTorch autograd through products at the rated cells alone."""
    device = torch.device(hyper.device)
    model = SampledFactorization(init, hyper, device)
    trained = [x for x in model.parameters() if x.requires_grad]
    optimizer = RULES[hyper.optimizer](trained, lr=hyper.lr)
    cells = sorted_cells(problem, hyper, device)
    wait(device)

    yield model.factors
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        set_lr(optimizer, hyper.lr * hyper.decay**epoch)
        for batch in batches(cells, torch.from_numpy(order).to(device), hyper.batch):
            optimizer.zero_grad()
            model(*batch).backward()
            optimizer.step()
        wait(device)
        yield model.factors


def sorted_cells(problem, hyper, device):
    users, items = (torch.tensor(ids, device=device).long() for ids in problem.train.columns[:2])
    targets = problem.train.ratings.astype(hyper.dtype) - problem.mean
    places = torch.argsort(users * problem.n_items + items)
    targets = torch.tensor(targets, device=device)
    return Cells(users[places], items[places], targets[places], places)


def batches(cells, order, size):
    """The batches of an epoch that visits the ratings in `order`, each sorted as Cells are."""
    batch_of = torch.empty_like(order)
    batch_of[order] = torch.arange(len(order), device=order.device) // size
    by_batch = torch.argsort(batch_of[cells.places], stable=True)
    parts = (column[by_batch].split(size) for column in cells[:3])
    return zip(*parts, strict=True)
