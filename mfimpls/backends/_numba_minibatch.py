"""The mini-batch pass of numba_sgd: gradients summed per row at the batch's first parameters.

A row that the batch touches gets a slot in a scratch table of gradients, so that the work follows
the batch and not the number of users or items.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from mfimpls.backends._numba_rules import bias_gradient, leaf, move_bias, move_row
from mfimpls.backends._numba_steps import error
from mfimpls.backends._numba_visits import visit
from mfimpls.backends._vector import LANES, load, store, zeros


class Sums(NamedTuple):
    """Gradients of one side: slot_of (n,) int32, -1 where untouched; touched (batch,) row ids;
    G (batch, width) and g_bias (batch,) by slot.
    """

    slot_of: Any
    touched: Any
    G: Any
    g_bias: Any


@njit
def _sums(one, batch):
    X = one.rows
    slots = min(batch, len(X))
    return Sums(
        np.full(len(X), -1, np.int32),
        np.empty(slots, np.uint32),
        np.zeros((slots, X.shape[1]), X.dtype),
        np.zeros(slots, X.dtype),
    )


@njit(cache=True, nogil=True)
def batch_pass(users, items, visits, rule, batch):
    """One epoch in steps of `batch` ratings; the last step may be shorter."""
    on_users, on_items = _sums(users, batch), _sums(items, batch)
    steps, n = rule.steps, len(visits.ratings)
    for start in range(0, n, batch):
        part = (start, min(start + batch, n))
        n_users, n_items = _gather(users, items, visits, part, rule, on_users, on_items)
        steps += 1
        _move_all(users, on_users, n_users, rule, steps)
        _move_all(items, on_items, n_items, rule, steps)


@njit(_nrt=False, error_model="numpy")
def _gather(users, items, visits, part, rule, on_users, on_items):
    # Sum the gradients of one batch; returns how many users and items it touched.
    P, Q = users.rows, items.rows
    columns = range(0, P.shape[1], LANES)
    n_users = n_items = 0
    for t in range(part[0], part[1]):
        u, i, _ = one = visit(visits, t)
        slot, n_users = _slot(on_users, u, n_users)
        place, n_items = _slot(on_items, i, n_items)
        e = error(users, items, one, columns)
        for k in columns:
            p, q = load(P, u, k), load(Q, i, k)
            store(on_users.G, slot, k, load(on_users.G, slot, k) + (rule.reg * p - e * q))
            store(on_items.G, place, k, load(on_items.G, place, k) + (rule.reg * q - e * p))
        on_users.g_bias[slot] += bias_gradient(users, u, e, rule)
        on_items.g_bias[place] += bias_gradient(items, i, e, rule)
    return n_users, n_items


@leaf
def _slot(sums, row, taken):
    # The slot of a row and how many are taken now.
    slot = sums.slot_of[row]
    if slot >= 0:
        return slot, taken
    sums.slot_of[row] = taken
    sums.touched[taken] = row
    for k in range(0, sums.G.shape[1], LANES):
        store(sums.G, taken, k, zeros(sums.G))
    sums.g_bias[taken] = 0
    return np.int32(taken), taken + 1


@njit(_nrt=False, error_model="numpy")
def _move_all(one, sums, taken, rule, steps):
    for slot in range(taken):
        row = sums.touched[slot]
        sums.slot_of[row] = -1
        move_row(one, row, sums.G, slot, rule, steps)
        if rule.biases:
            move_bias(one, row, sums.g_bias[slot], rule, steps)
