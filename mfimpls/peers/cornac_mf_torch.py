"""Cornac's MF on its PyTorch backend: the same class as `cornac_mf`, another objective.

It minimises squared errors with PyTorch's `weight_decay`, which shrinks every row at every step,
also those that the batch never touched: the penalty of a row depends on the number of batches, not
on its ratings, and rows without ratings shrink too. Errors are summed over a batch without a half,
so a step of lr goes twice as far as in docs/objective.md. Its loop asks the data set for batches
once an epoch, and there it is stepped.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from cornac.data import Dataset
from cornac.models.mf.backend_pt import MF, learn

from mfimpls.callback import Stopped, each_epoch
from mfimpls.contract import Factors, Option, backend


@backend(
    "cornac_mf_torch",
    path="cornac-torch",
    uses=("lr", "batch"),
    dtypes=("float32",),
    requires=("cornac", "torch"),
    objective="squared errors with weight_decay of every row at every step",
    options=(
        Option("solver", "sgd", "PyTorch's optimizer", ("sgd", "adam", "adagrad", "rmsprop")),
    ),
)
def cornac_mf_torch(problem, hyper, init):
    """Mini-batch autograd by Cornac in PyTorch: weight_decay on every row, another objective."""
    P, Q, b, c = init.copy("float32").arrays
    mean = np.float32(problem.mean if hyper.biases else 0.0)  # without biases it has no mean either
    model = MF(P, Q, b[:, None], c[:, None], hyper.biases, mean, dropout=0.0)
    ratings = problem.train.ratings - np.float32(problem.mean - mean)

    def train(show):
        learn(
            model,
            Epochs(problem, ratings, hyper.seed, lambda: show(snapshot)),
            n_epochs=2**31,
            batch_size=hyper.batch,
            learning_rate=hyper.lr,
            reg=hyper.reg,
            verbose=False,
            optimizer=hyper.options["solver"],
            device=torch.device(hyper.device),
        )

    snapshot = functools.partial(collected, model, init)
    yield init.copy
    yield from each_epoch(train)


class Epochs(Dataset):
    """The training ratings, which tell when all batches of an epoch were taken."""

    def __init__(self, problem, ratings, seed, told):
        users, items, _ = problem.train.columns
        known = ({k: k for k in range(n)} for n in (problem.n_users, problem.n_items))
        columns = (users.astype(np.int64), items.astype(np.int64), ratings)
        super().__init__(problem.n_users, problem.n_items, *known, columns, seed=seed)
        self.told = told

    def uir_iter(self, *args, **kwargs):
        yield from super().uir_iter(*args, **kwargs)
        if self.told():
            raise Stopped


def collected(model, init):
    """Copies of the live embeddings, biases where there are any."""
    names = ("u_factors", "i_factors", "u_biases", "i_biases")
    tables = [
        getattr(model, name).weight.detach().cpu().numpy().reshape(start.shape).copy()
        if hasattr(model, name)
        else start.copy()
        for name, start in zip(names, init.copy("float32").arrays)
    ]
    return Factors(*tables)
