"""my_backend: mini-batch SGD by PyTorch autograd, to be made your own."""

import torch
from torch.nn.functional import embedding

from mfimpls import Factors, backend
from mfimpls.orders import epoch_orders


# Declare what the backend honours: everything else is refused with a sentence, never ignored.
# Backends of path "sgd" must walk the steps of docs/objective.md number by number.
@backend(
    "my_backend",
    path="sgd",
    uses=("lr", "decay", "batch", "order"),
    devices=("cpu", "cuda"),
    requires=("torch",),
)
def my_backend(problem, hyper, init):
    """Mini-batch SGD by PyTorch autograd."""
    # Set-up, timed as setup_s. The start is handed in and read-only: work on copies.
    device = torch.device(hyper.device)
    tables = [torch.tensor(a, device=device) for a in init.copy(hyper.dtype).arrays]
    P, Q, b, c = tables  # (n_users, rank), (n_items, rank), (n_users,), (n_items,)
    learned = tables if hyper.biases else tables[:2]
    for x in learned:
        x.requires_grad_()
    optimizer = torch.optim.SGD(learned, lr=hyper.lr)  # never weight_decay: see below
    users, items = (torch.tensor(ids, device=device).long() for ids in problem.train.columns[:2])
    targets = torch.tensor(
        problem.train.ratings.astype(hyper.dtype) - problem.mean, device=device, dtype=P.dtype
    )

    def snapshot():  # called off the clock; must not share memory with the live tables
        return Factors(*(x.detach().cpu().numpy() for x in tables)).copy()

    yield snapshot  # ready, nothing trained
    # The caller decides when to stop, so the epochs never end.
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        for group in optimizer.param_groups:
            group["lr"] = hyper.lr * hyper.decay**epoch
        for batch in torch.tensor(order, device=device).split(hyper.batch):
            u, i = users[batch], items[batch]
            p, q = embedding(u, P), embedding(i, Q)  # quicker to differentiate than P[u]
            b_u, c_i = embedding(u, b[:, None])[:, 0], embedding(i, c[:, None])[:, 0]
            e = targets[batch] - b_u - c_i - (p * q).sum(1)
            # Half the batch's summands of J. The penalty is on the gathered rows, once per rating:
            # weight_decay would also shrink rows that the batch never touched.
            penalty = hyper.reg * (p.square().sum() + q.square().sum())
            penalty = penalty + hyper.reg_bias * (b_u.square().sum() + c_i.square().sum())
            optimizer.zero_grad()
            (0.5 * (e.square().sum() + penalty)).backward()
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()  # the clock stops at the yield: the work must be done
        yield snapshot  # exactly one pass over the training ratings is done
