"""The PyTorch module of the post, trained as the post trains it: one rating per step."""

from contextlib import contextmanager

import torch
from torch import nn

from mfimpls.contract import Factors, Option, backend
from mfimpls.orders import epoch_orders


@backend(
    "printed_module",
    path="printed-module",
    uses=("lr",),
    dtypes=("float32",),
    options=(
        Option("weight_decay", 0.0, "of torch.optim.SGD"),
        Option("zero_grad", True, "false keeps all gradients so far, as first printed"),
    ),
    requires=("torch",),
    takes_biases=False,
)
def printed_module(problem, hyper, init):
    """Two sparse embeddings and their product by autograd, each rating a step of its own.

    The loss is (r - p_u . q_i)^2, without the half of ours, so `lr` counts twice; no mean is taken
    off and nothing is penalised. The post was printed in 2017 without zero_grad, and has had it
    since 2020.
    """
    users, items = (_embedding(table) for table in (init.P, init.Q))
    settings = {"lr": hyper.lr, "weight_decay": hyper.options["weight_decay"]}
    optimizer = torch.optim.SGD([users.weight, items.weight], **settings)
    columns = [torch.tensor(column) for column in problem.train.columns]

    def snapshot():
        return Factors(_array(users), _array(items), init.b.copy(), init.c.copy())

    yield snapshot
    for order in epoch_orders(problem, hyper):
        with _one_thread():
            for n in order.tolist():
                u, i, r = (column[n : n + 1] for column in columns)
                if hyper.options["zero_grad"]:
                    optimizer.zero_grad()
                loss = nn.functional.mse_loss((users(u) * items(i)).sum(1), r)
                loss.backward()
                optimizer.step()
        yield snapshot


@contextmanager
def _one_thread():
    # A step of one rating is over before a second thread wakes up.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _embedding(table):
    return nn.Embedding.from_pretrained(torch.tensor(table), freeze=False, sparse=True)


def _array(embedding):
    return embedding.weight.detach().numpy().copy()
