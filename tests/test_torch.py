"""What the PyTorch backends rest on: batches cut in both orders, their products, no waiting."""

from itertools import islice

import numpy as np
import pytest
from made import random_problem

from mfimpls import registry
from mfimpls.contract import Hyper, Problem, Ratings
from mfimpls.orders import epoch_orders, initial_factors

torch = pytest.importorskip("torch")
_torch_cells = pytest.importorskip("mfimpls.backends._torch_cells")
CPU = torch.device("cpu")


def epoch(problem, batch):
    """An epoch's batches, the ratings of each in the order's words, and its cells."""
    hyper = Hyper(batch=batch, dtype="float64")
    order = next(epoch_orders(problem, hyper))
    cells = _torch_cells.Cells(problem, hyper, CPU)
    parts = np.split(order, range(batch, len(order), batch))
    return list(zip(cells.batches(torch.from_numpy(order)), parts, strict=True))


def one_cell(n):
    """n ratings of one user and one item, and one rating of another pair."""
    train = Ratings.of([0] * n + [1], [1] * n + [0], np.arange(n + 1))
    return Problem.of("one-cell", train, Ratings.of([], [], []), (2, 2))


@pytest.mark.parametrize("batch", [1, 7, 64, 10_000])
def test_batches_hold_the_ratings_of_the_order_sorted_by_user_then_item(batch):
    problem = random_problem()
    users, items, ratings = problem.train.columns
    for found, part in epoch(problem, batch):
        part = part[np.lexsort((items[part], users[part]))]
        assert found.users.ids[found.users.slots].tolist() == users[part].tolist()
        assert found.items.ids[found.items.slots].tolist() == items[part].tolist()
        assert np.allclose(found.targets, ratings[part] - problem.mean)
        assert found.items.slots[found.by_item].diff().ge(0).all()
        for rows in (found.users, found.items):
            assert rows.counts.tolist() == rows.starts.diff().tolist()
            assert (
                rows.counts.tolist() == torch.bincount(rows.slots, minlength=len(rows.ids)).tolist()
            )


def test_rows_that_a_batch_does_not_touch_stand_for_nobody():
    problem = random_problem()
    for found, _ in epoch(problem, 7):
        for rows, n_rows in ((found.users, problem.n_users), (found.items, problem.n_items)):
            assert (rows.ids == n_rows).equal(rows.counts == 0)


@pytest.mark.parametrize("problem", [random_problem(), one_cell(9)], ids=["random", "one cell"])
def test_products_and_sums_are_those_of_gathered_rows(problem):
    generator = torch.Generator().manual_seed(0)
    for batch, _ in epoch(problem, 64):
        x, y = (
            torch.randn(len(rows.ids), 3, dtype=torch.float64, generator=generator)
            for rows in (batch.users, batch.items)
        )
        p, q, e = x[batch.users.slots], y[batch.items.slots], batch.targets[:, None]
        torch.testing.assert_close(_torch_cells.products(batch, x, y), (p * q).sum(1))
        by_user = torch.zeros_like(x).index_add_(0, batch.users.slots, e * q)
        by_item = torch.zeros_like(y).index_add_(0, batch.items.slots, e * p)
        torch.testing.assert_close(_torch_cells.sums_by_user(batch, batch.targets, y), by_user)
        torch.testing.assert_close(_torch_cells.sums_by_item(batch, batch.targets, x), by_item)


def test_what_autograd_is_told_of_products_is_their_derivative():
    from mfimpls.backends.torch_sgd import Products

    batch, _ = epoch(random_problem(), 64)[0]
    x, y = (
        torch.randn(len(rows.ids), 2, dtype=torch.float64, requires_grad=True)
        for rows in (batch.users, batch.items)
    )
    torch.autograd.gradcheck(lambda x, y: Products.apply(batch, x, y), (x, y))


WAITING_IS_AN_ERROR = ["torch_sgd", "torch_manual_sgd", "torch_als", "triton_sgd"]


@pytest.mark.cuda
@pytest.mark.parametrize("name", WAITING_IS_AN_ERROR)
def test_nothing_waits_for_cuda_inside_an_epoch(name, monkeypatch):
    """Of all synchronisations only the last, before the yield, may happen; PyTorch raises at any
    other.
    """
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device here")
    if missing := registry.declared(name).missing:
        pytest.skip(f"{name} needs {', '.join(missing)}")
    backend, problem = registry.load(name), random_problem()
    batch = {"batch": 64} if "batch" in backend.caps.uses else {}
    hyper = Hyper(rank=4, device="cuda", **batch)
    steps = backend.fit(problem, hyper, initial_factors(problem, hyper))
    list(islice(steps, 2))  # the first epoch may allocate
    waits, wait = [], torch.cuda.synchronize
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *a: waits.append(a))
    torch.cuda.set_sync_debug_mode("error")
    try:
        list(islice(steps, 3))
    finally:
        torch.cuda.set_sync_debug_mode("default")
        wait()
    assert len(waits) == 3


@pytest.mark.parametrize("k", [1, 17, 31, 32, 65])
def test_systems_are_solved_whole_and_by_blocks(k, monkeypatch):
    from mfimpls.backends import _torch_cholesky

    monkeypatch.setitem(_torch_cholesky.CHUNK_VALUES, "cpu", 3 * k * k)  # three and the rest
    generator = torch.Generator().manual_seed(k)
    X = torch.randn(7, k, k + 5, dtype=torch.float64, generator=generator)
    A, r = X @ X.mT + torch.eye(k), torch.randn(7, k, 1, dtype=torch.float64, generator=generator)
    unread = torch.full_like(A, torch.nan).tril(-1)
    found = _torch_cholesky.solve(torch.cat((A.triu() + unread, r), 2))
    torch.testing.assert_close(found, torch.linalg.solve(A, r)[:, :, 0])


@pytest.mark.parametrize("rank", [1, 5, 20])
def test_gram_matrices_are_sums_of_outer_products_in_one_part_or_many(rank, monkeypatch):
    from mfimpls.backends import torch_als

    problem = random_problem()
    users, items, ratings = (torch.tensor(column) for column in problem.train.columns)
    X = torch.randn(problem.n_items, rank, generator=torch.Generator().manual_seed(0))
    for room in (1, 10_000):
        monkeypatch.setattr(torch_als, "GRAM_VALUES", room)
        seen = 0
        for part in torch_als.parts(users, items, ratings, rank):
            out = X.new_full((len(part.rows), rank, rank + 1), torch.nan)
            torch_als.gram(part, X, out)
            for user, found in zip(part.rows, out):
                x = X[items[users == user]]
                torch.testing.assert_close(found[:, :-1].triu(), (x.T @ x).triu())
            seen += len(part.rows)
        assert seen == len(users.unique())
