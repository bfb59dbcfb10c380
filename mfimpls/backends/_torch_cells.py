"""A batch of ratings as a sparse matrix S in both orders, and the two products that SGD needs.

Products of rows are taken at the rated cells alone, and sums of rows weighted by what stands in the
cells: no array of batch x rank values is written and read again. Shared by torch_sgd and
torch_manual_sgd. Nothing here waits for the device: all shapes are known beforehand.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch.nn import functional as F

with warnings.catch_warnings():  # PyTorch says once per process that CSR is in beta
    warnings.simplefilter("ignore")
    torch.eye(1).to_sparse_csr()


class Rows(NamedTuple):
    """The s users, or items, that may occur in a batch of n ratings, one slot each in rising order.

    Slots left over stand for the row behind a table's last; no rating refers to them. An epoch's
    Rows have a leading axis of batches, but for `slots`, which are one after another.
    """

    ids: torch.Tensor  # (s,) int64
    counts: torch.Tensor  # (s,), ratings per slot, in the dtype of the targets
    starts: torch.Tensor  # (s + 1,) int32; sorted by slot, ratings starts[k] to starts[k + 1]
    slots: torch.Tensor  # (n,) int32, the slot of each rating


class Batch(NamedTuple):
    """n ratings sorted by user, then item."""

    users: Rows
    items: Rows
    by_item: torch.Tensor  # (n,) int32, their order by item, then user
    targets: torch.Tensor  # (n,), ratings less their mean


class Cells:
    """The training ratings on a device, sorted once by user and once by item, to be cut into
    batches by one stable sort each.
    """

    def __init__(self, problem, hyper, device):
        ids = problem.train.columns[:2]
        self.users, self.items = (torch.tensor(column, device=device) for column in ids)
        targets = problem.train.ratings.astype(hyper.dtype) - problem.mean
        self.targets = torch.tensor(targets, device=device)
        users, items = self.users.long(), self.items.long()
        self.by_user = torch.argsort(users * problem.n_items + items, stable=True)
        self.by_item = torch.argsort(items * problem.n_users + users, stable=True)
        self.shape, self.size = (problem.n_users, problem.n_items), min(hyper.batch, len(targets))
        places = torch.arange(len(targets), device=device)
        self.place, self.number = (places % self.size).int(), places // self.size
        self.batches_in_epoch = -(-len(targets) // self.size)
        self.small_number = self.number.to(smallest_dtype(self.batches_in_epoch))

    def batches(self, order):
        """The batches of an epoch that visits the ratings in `order` (n,) int64."""
        batch_of = torch.empty_like(self.small_number).scatter_(0, order, self.small_number)
        by_user, by_item = (
            by.index_select(0, batch_of.index_select(0, by).sort(stable=True).indices)
            for by in (self.by_user, self.by_item)
        )
        place = torch.empty_like(self.place).scatter_(0, by_user, self.place)
        place = place.index_select(0, by_item)
        users = self.rows(self.users.index_select(0, by_user), self.shape[0])
        items = self.rows(self.items.index_select(0, by_item), self.shape[1])
        at = place + self.number * self.size
        items = items._replace(slots=torch.empty_like(items.slots).scatter_(0, at, items.slots))
        targets = self.targets.index_select(0, by_user)
        for k in range(self.batches_in_epoch):  # views made one by one: a batch may be one rating
            part = slice(k * self.size, (k + 1) * self.size)
            of_users, of_items = (
                Rows(x.ids[k], x.counts[k], x.starts[k], x.slots[part]) for x in (users, items)
            )
            yield Batch(of_users, of_items, place[part], targets[part])

    def rows(self, ids, n_rows):
        """Rows of all batches from their sorted ids (n,) int32; slots are those of the sorted
        ratings.
        """
        new = torch.ones_like(ids)
        torch.ne(ids[1:], ids[:-1], out=new[1:])
        new[:: self.size] = 1
        slots = new.cumsum(0, dtype=torch.int32)
        slots -= slots[:: self.size].index_select(0, self.number)
        s = min(self.size, n_rows)
        at = slots + self.number * s
        found = torch.full((self.batches_in_epoch, s), n_rows, device=ids.device)
        found.view(-1).scatter_(0, at, ids.long())  # ratings of one slot write the same id
        counts = torch.zeros_like(found)
        counts.view(-1).index_add_(0, at, torch.ones_like(at))
        starts = F.pad(counts.cumsum(1), (1, 0)).int()
        return Rows(found, counts.to(self.targets.dtype), starts, slots)


def smallest_dtype(n):
    """The smallest integers that hold 0 to n - 1: a radix sort passes over them fewest times."""
    return next(t for t in (torch.uint8, torch.int16, torch.int32) if n <= torch.iinfo(t).max + 1)


def products(batch, x, y):
    """x_u . y_i (n,) at a batch's ratings, from x (s, k) of its users and y (t, k) of its items."""
    # PyTorch takes no more cells than the matrix has; ratings of one cell may be more.
    missing = -(-len(batch.targets) // len(x)) - len(y)
    if missing > 0:
        y = F.pad(y, (0, 0, 0, missing))
    cells = torch.sparse_csr_tensor(
        batch.users.starts, batch.items.slots, batch.targets, (len(x), len(y)),
        check_invariants=False,
    )  # fmt: skip
    return torch.sparse.sampled_addmm(cells, x, y.T, beta=0.0).values()


def sums_by_user(batch, values, y):
    """S y (s, k) where S holds `values` (n,): per user the sum of its items' rows so weighted."""
    return weighted_sums(batch.items.slots, batch.users.starts, values, y)


def sums_by_item(batch, values, x):
    """S' x (t, k)."""
    slots = batch.users.slots.index_select(0, batch.by_item)
    return weighted_sums(slots, batch.items.starts, values.index_select(0, batch.by_item), x)


def weighted_sums(slots, starts, values, x):
    # The sparse product, one owner per sum; on CPU ahead of the BLAS's, on CUDA without atomics.
    return F.embedding_bag(
        slots, x, starts, mode="sum", per_sample_weights=values, include_last_offset=True
    )
