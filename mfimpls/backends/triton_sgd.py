"""Mini-batch SGD on a GPU in one fused Triton kernel: gather, error, atomically scattered update.

A program takes some of a batch's ratings, reads their rows from one copy of the tables and adds the
increments to another, so all are taken at the batch's first parameters, whatever runs first. The
first copy then follows the second. Nothing as long as the batch is ever stored. Atomic additions
come in any order, so float rounding differs from run to run.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import torch
import triton
import triton.language as tl

from mfimpls.backends._torch_device import on_device, wait
from mfimpls.contract import Factors, backend
from mfimpls.orders import epoch_orders

TILE = 2048  # numbers of P that a program holds: ratings x rank, padded to a power of two
ALIGNED = 16  # numbers; Triton compiles again for pointers that are aligned otherwise


@backend(
    "triton_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "order"),
    devices=("cuda",),
    orders=("shuffle", "blocks"),
    deterministic=False,
    requires=("torch", "triton"),
)
def triton_sgd(problem, hyper, init):
    """Mini-batch SGD in one fused Triton kernel, with atomic additions."""
    device = torch.device(hyper.device)
    new, new_tables = one_buffer(init.copy(hyper.dtype).arrays, device)
    old, old_tables = one_buffer(new_tables, device)
    users, items = (torch.tensor(ids, device=device) for ids in problem.train.columns[:2])
    targets = problem.train.ratings.astype(hyper.dtype) - problem.mean
    data = users, items, torch.tensor(targets, device=device)
    numbers = torch.tensor([hyper.lr, hyper.reg, hyper.reg_bias], dtype=new.dtype, device=device)
    orders = epoch_orders(problem, hyper)
    order = on_device(next(orders), device)
    wait(device)

    def snapshot():
        return Factors(*(x.cpu().numpy() for x in new_tables)).copy()

    yield snapshot
    for epoch in count():
        numbers[0] = hyper.lr * hyper.decay**epoch
        for start in range(0, len(order), hyper.batch):
            stop = min(start + hyper.batch, len(order))
            add_increments(order, start, stop, *data, *old_tables, *new_tables, numbers, hyper)
            old.copy_(new)
        order = on_device(next(orders), device)  # drawn while the device works
        wait(device)
        yield snapshot


def one_buffer(arrays, device):
    """Copies of arrays in one tensor, so that one call copies all, and views of each."""
    tensors = [torch.as_tensor(a) for a in arrays]
    sizes = [-(-x.numel() // ALIGNED) * ALIGNED for x in tensors]
    buffer = torch.zeros(sum(sizes), dtype=tensors[0].dtype, device=device)
    views = [part[: x.numel()].view(x.shape) for part, x in zip(buffer.split(sizes), tensors)]
    for view, x in zip(views, tensors):
        view.copy_(x)
    return buffer, views


def add_increments(order, start, stop, *arguments):
    """One step of the ratings order[start:stop]: new tables += increments at the old ones'
    parameters.
    """
    *tensors, hyper = arguments
    width = triton.next_power_of_2(hyper.rank)
    ratings = max(1, TILE // width)
    step[(triton.cdiv(stop - start, ratings),)](
        order, start, stop, *tensors,
        RANK=hyper.rank, BIASES=hyper.biases, RATINGS=ratings, WIDTH=width,
    )  # fmt: skip


@triton.jit(do_not_specialize=["start", "stop"])
def step(
    order, start, stop, users, items, targets, P, Q, b, c, P_new, Q_new, b_new, c_new, numbers,
    RANK: tl.constexpr, BIASES: tl.constexpr, RATINGS: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """p += lr (e q - reg p) and its like for RATINGS of the ratings order[start:stop]."""
    # A Python float would come as float32, whatever the tables are.
    lr, reg, reg_bias = tl.load(numbers), tl.load(numbers + 1), tl.load(numbers + 2)
    at = start + tl.program_id(0) * RATINGS + tl.arange(0, RATINGS)
    real = at < stop
    place = tl.load(order + at, mask=real, other=0)
    u = tl.load(users + place, mask=real, other=0).to(tl.int64)
    i = tl.load(items + place, mask=real, other=0).to(tl.int64)
    e = tl.load(targets + place, mask=real, other=0.0)

    columns = tl.arange(0, WIDTH)[None, :]
    inside = real[:, None] & (columns < RANK)
    of_user, of_item = u[:, None] * RANK + columns, i[:, None] * RANK + columns
    p = tl.load(P + of_user, mask=inside, other=0.0)
    q = tl.load(Q + of_item, mask=inside, other=0.0)
    e -= tl.sum(p * q, 1)
    if BIASES:
        b_u = tl.load(b + u, mask=real, other=0.0)
        c_i = tl.load(c + i, mask=real, other=0.0)
        e -= b_u + c_i
        tl.atomic_add(b_new + u, lr * (e - reg_bias * b_u), mask=real, sem="relaxed")
        tl.atomic_add(c_new + i, lr * (e - reg_bias * c_i), mask=real, sem="relaxed")
    tl.atomic_add(P_new + of_user, lr * (e[:, None] * q - reg * p), mask=inside, sem="relaxed")
    tl.atomic_add(Q_new + of_item, lr * (e[:, None] * p - reg * q), mask=inside, sem="relaxed")


if not isinstance(step, triton.runtime.JITFunction):  # TRITON_INTERPRET=1: programs run in Python
    triton_sgd = replace(triton_sgd, caps=replace(triton_sgd.caps, devices=("cuda", "cpu")))
