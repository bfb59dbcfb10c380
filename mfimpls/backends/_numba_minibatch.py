"""The mini-batch pass of numba_sgd: gradients summed per row at the batch's first parameters.

A row that the batch touches gets a slot in a scratch table of gradients, so that the work follows
the batch and not the number of users or items.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from mfimpls.backends._numba_rules import error, move, move_bias
from mfimpls.backends._vector import LANES, load, store


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
def batch_pass(users, items, data, order, rule, batch):
    """One epoch over `order` (n,) in steps of `batch` ratings; the last step may be shorter."""
    on_users, on_items = _sums(users, batch), _sums(items, batch)
    steps = rule.steps
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        n_users, n_items = _gather(users, items, data, part, rule, on_users, on_items)
        steps += 1
        _move_all(users, on_users, n_users, rule, steps)
        _move_all(items, on_items, n_items, rule, steps)


@njit
def _gather(users, items, data, part, rule, on_users, on_items):
    # Sum the gradients of one batch; returns how many users and items it touched.
    us, is_, ratings = data
    P, Q = users.rows, items.rows
    n_users = n_items = 0
    for j in part:
        u, i = us[j], is_[j]
        s, n_users = _slot(on_users, u, n_users)
        t, n_items = _slot(on_items, i, n_items)
        e = error(users, items, u, i, ratings[j])
        for k in range(0, P.shape[1], LANES):
            p, q = load(P, u, k), load(Q, i, k)
            store(on_users.G, s, k, load(on_users.G, s, k) + (rule.reg * p - e * q))
            store(on_items.G, t, k, load(on_items.G, t, k) + (rule.reg * q - e * p))
        on_users.g_bias[s] += rule.reg_bias * users.bias[u] - e
        on_items.g_bias[t] += rule.reg_bias * items.bias[i] - e
    return n_users, n_items


@njit
def _slot(sums, row, taken):
    # The slot of a row and how many are taken now.
    slot = sums.slot_of[row]
    if slot >= 0:
        return slot, taken
    sums.slot_of[row] = taken
    sums.touched[taken] = row
    sums.G[taken] = 0
    sums.g_bias[taken] = 0
    return np.int32(taken), taken + 1


@njit
def _move_all(one, sums, taken, rule, steps):
    for slot in range(taken):
        row = sums.touched[slot]
        sums.slot_of[row] = -1
        move(one, row, sums.G, slot, rule, steps)
        if rule.biases:
            move_bias(one, row, sums.g_bias[slot], rule, steps)
