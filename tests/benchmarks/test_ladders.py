"""Ladders: one epoch of a million ratings from the way one first writes it to the house's own.

pytest tests/benchmarks/test_ladders.py --benchmark-only            # ratios at the end
pytest tests/benchmarks/test_ladders.py --benchmark-only -k test_torch

A slow rung walks a share of the ratings; `epoch_s`, which the ratios are of, is for all of them.
Rungs follow one another: on a busy machine compare them with `mfbench run`, which interleaves.
"""

from dataclasses import dataclass, replace

import pytest

from mfimpls import registry
from mfimpls.conformance.seeds import limited
from mfimpls.contract import Hyper, Ratings
from mfimpls.orders import initial_factors

ROUNDS = 5


@dataclass(frozen=True)
class Rung:
    """A backend and its batch, and one of how many ratings it walks."""

    backend: str
    batch: int
    one_of: int = 1

    @property
    def label(self):
        return f"{self.backend}, batch {self.batch:,}"


TORCH = (
    Rung("torch_embedding_sgd", 1, one_of=300),  # the blog's loop: backward() and step() a rating
    Rung("a DataLoader", 1024, one_of=10),
    Rung("torch_embedding_sgd", 65_536),
    Rung("torch_manual_sgd", 65_536),
    Rung("torch_sgd", 65_536),
)
NUMPY = (Rung("numpy_sgd", 1, one_of=100), Rung("numpy_sgd", 4096))
ALS = (Rung("torch_als", 1), Rung("numba_als", 1))


@pytest.fixture(scope="module")
def million():
    """synthetic[size=m], 900,188 training ratings."""
    from bench.problems import load_problem

    return load_problem("synthetic[size=m]")


def walk(rung, problem, hyper):
    """The generator of a rung, after its first yield and a first pass."""
    if rung.backend == "a DataLoader":
        steps = with_data_loader(problem, hyper)
    else:
        fit = registry.load(rung.backend).fit
        steps = fit(problem, hyper, initial_factors(problem, hyper))
        next(steps)
    next(steps)
    return steps


def with_data_loader(problem, hyper):
    """torch_embedding_sgd's model, fed as PyTorch's tutorials feed one."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from mfimpls.backends.torch_embedding_sgd import MatrixFactorization

    hyper = replace(hyper, options={"sparse": True})
    model = MatrixFactorization(problem, hyper, initial_factors(problem, hyper))
    optimizer = torch.optim.SGD(model.parameters(), lr=hyper.lr)
    users, items, ratings = (torch.tensor(column) for column in problem.train.columns)
    data = TensorDataset(users.long(), items.long(), ratings - problem.mean)
    loader = DataLoader(data, hyper.batch, shuffle=True)
    while True:
        for batch in loader:
            optimizer.zero_grad()
            model(*batch, None).backward()
            optimizer.step()
        yield


def climb(benchmark, ladders, group, rung, problem, hyper):
    train = Ratings.of(*(column[:: rung.one_of] for column in problem.train.columns))
    steps = walk(rung, replace(problem, train=train), hyper)
    benchmark.group = group
    benchmark.pedantic(lambda: next(steps), rounds=ROUNDS)
    if benchmark.enabled:
        epoch_s = benchmark.stats.stats.median * rung.one_of
        benchmark.extra_info["epoch_s"] = epoch_s
        ladders.setdefault(group, {})[rung.label] = epoch_s


@pytest.mark.parametrize("rung", TORCH, ids=lambda rung: rung.label)
@pytest.mark.parametrize("threads", [1, 2])
def test_torch(benchmark, ladders, million, threads, rung):
    pytest.importorskip("torch")
    hyper = Hyper(rank=64, reg=0.05, reg_bias=0.02, lr=1e-4, batch=rung.batch)
    with limited(threads):
        climb(benchmark, ladders, f"torch, rank 64, threads {threads}", rung, million, hyper)


@pytest.mark.parametrize("rung", NUMPY, ids=lambda rung: rung.label)
@pytest.mark.parametrize("rank", [16, 64])
def test_numpy(benchmark, ladders, million, rank, rung):
    hyper = Hyper(rank=rank, reg=0.05, reg_bias=0.02, lr=1e-4, batch=rung.batch)
    climb(benchmark, ladders, f"numpy, rank {rank}, threads 1", rung, million, hyper)


@pytest.mark.parametrize("rung", ALS, ids=lambda rung: rung.backend)
@pytest.mark.parametrize("rank", [16, 32, 64, 128])
@pytest.mark.parametrize("threads", [1, 2])
def test_als(benchmark, ladders, million, threads, rank, rung):
    hyper = Hyper(rank=rank, reg=0.05, reg_bias=0.02)
    with limited(threads):
        climb(benchmark, ladders, f"ALS, rank {rank}, threads {threads}", rung, million, hyper)
