"""Dropout: one stream of masks for every backend, and gradients by hand under a mask."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made import random_problem

from mfimpls import load, registry
from mfimpls.conformance.setting import last, start
from mfimpls.contract import Factors, Hyper
from mfimpls.masks import BITS, Masks, kept, mix

PROBLEM = random_problem(30, 20, 200)
HYPER = Hyper(rank=5, reg=0.2, reg_bias=0.3, dropout=0.3, lr=1e-3, seed=4, dtype="float64")
PLACES = np.arange(len(PROBLEM.train))
DECLARED = {name: registry.declared(name) for name in registry.names()}
BACKENDS = [n for n, one in DECLARED.items() if "dropout" in one.caps.uses and not one.missing]


def masks(hyper=HYPER, epoch=0, places=PLACES):
    return kept(hyper, epoch, places[:, None], np.arange(hyper.rank))


def test_mix_is_a_bijection_that_stays_in_32_bits():
    x = np.concatenate([np.arange(2**16), BITS - np.arange(2**16)])
    assert len(np.unique(mix(x))) == len(x)
    assert mix(x).min() >= 0
    assert mix(x).max() <= BITS


def test_any_array_library_draws_the_same_bits():
    found = kept(HYPER, 3, torch.from_numpy(PLACES)[:, None], torch.arange(HYPER.rank))
    assert np.array_equal(found.numpy(), masks(epoch=3))


def test_a_mask_belongs_to_the_rating_whatever_the_order_and_the_batch():
    order = np.random.default_rng(0).permutation(len(PLACES))
    assert np.array_equal(masks(places=order), masks()[order])
    one = Masks(HYPER, 0, order)
    assert np.array_equal(np.concatenate([one[:7], one[7:]]), np.stack(list(one)))


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.9])
def test_components_are_dropped_as_often_as_asked(dropout):
    hyper = Hyper(rank=16, dropout=dropout)
    dropped = ~masks(hyper, places=np.arange(20_000))
    assert dropped.mean() == pytest.approx(dropout, abs=0.005)  # 5 standard errors
    assert dropped.mean(axis=0) == pytest.approx(np.full(16, dropout), abs=0.02)


def test_components_epochs_and_seeds_are_independent():
    hyper, places = Hyper(rank=16, dropout=0.5), np.arange(20_000)
    one = masks(hyper, 0, places)
    pairs = np.corrcoef(one.T) - np.eye(16)
    others = [masks(hyper, 1, places), masks(replace(hyper, seed=1), 0, places)]
    between = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for other in others]
    assert np.abs(pairs).max() < 0.03
    assert np.abs(between).max() < 0.01


def test_what_is_kept_is_scaled_so_that_its_expectation_is_one():
    values = np.unique(Masks(HYPER, 0, PLACES)[:])
    assert values == pytest.approx([0, 1 / 0.7])


def test_without_dropout_there_is_no_mask():
    one = Masks(Hyper(), 0, PLACES)
    assert one[:3] is None
    assert list(one) == [None] * len(PLACES)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_step_follows_autograd_under_the_same_mask(name):
    hyper = replace(HYPER, batch=len(PROBLEM.train))
    before = start(PROBLEM, hyper, bias_std=0.1)
    after = last(load(name).fit, PROBLEM, hyper, 1, before)
    tables = [torch.tensor(a, requires_grad=True) for a in before.arrays]
    loss_under_mask(tables, hyper).backward()
    for x, y, table in zip(before.arrays, after.arrays, tables):
        np.testing.assert_allclose((x - y) / hyper.lr, table.grad.numpy(), rtol=1e-9, atol=1e-11)


def test_the_step_by_hand_is_the_slope_of_the_masked_loss():
    hyper, h = replace(HYPER, batch=len(PROBLEM.train)), 1e-5
    before = start(PROBLEM, hyper, bias_std=0.1)
    after = last(load("numpy_sgd").fit, PROBLEM, hyper, 1, before)
    rng = np.random.default_rng(1)
    way = Factors(*(rng.normal(size=a.shape) for a in before.arrays))
    ahead, behind = (
        loss_under_mask(
            [torch.tensor(a + s * d) for a, d in zip(before.arrays, way.arrays)], hyper
        ).item()
        for s in (h, -h)
    )
    by_hand = sum(
        np.vdot((x - y) / hyper.lr, d)
        for x, y, d in zip(before.arrays, after.arrays, way.arrays)
    )  # fmt: skip
    assert (ahead - behind) / (2 * h) == pytest.approx(by_hand, rel=1e-6)


def loss_under_mask(tables, hyper):
    """Half the summands of J with each p_u * q_i under its rating's mask, as it is defined."""
    P, Q, b, c = tables
    keep = torch.from_numpy(masks(hyper)).double() / (1 - hyper.dropout)
    users, items, ratings = (torch.tensor(column).double() for column in PROBLEM.train.columns)
    u, i = users.long(), items.long()
    e = ratings - PROBLEM.mean - b[u] - c[i] - (P[u] * Q[i] * keep).sum(1)
    penalty = hyper.reg * (P[u].square().sum() + Q[i].square().sum())
    penalty = penalty + hyper.reg_bias * (b[u].square().sum() + c[i].square().sum())
    return 0.5 * (e.square().sum() + penalty)


@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("order", ["shuffle", "blocks"])
def test_by_hand_and_by_autograd_walk_one_path_with_dropout(batch, order):
    hyper = replace(HYPER, batch=batch, order=order, lr=0.05)
    by_hand, *others = (last(load(name).fit, PROBLEM, hyper, 2) for name in BACKENDS)
    assert others
    for other in others:
        for a, b in zip(by_hand.arrays, other.arrays):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
