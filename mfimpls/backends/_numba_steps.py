"""Stochastic gradient descent of docs/objective.md, compiled: one step for one rating.

A visit is (u, i, rating), the rating without the mean. `columns` are where a row's vectors begin.
"""

from mfimpls.backends._lanes import lane, load_four, pick, root, store_four, total, totals
from mfimpls.backends._numba_rules import (
    ADAM,
    BIAS,
    at,
    bias_gradient,
    leaf,
    move_bias,
    move_vector,
    warming,
)
from mfimpls.backends._vector import LANES, load, store, zeros


@leaf
def product(P, u, Q, i, columns):
    """p_u . q_i in two sums, since one would wait for its own last addition."""
    even = odd = zeros(P)
    last = columns.stop - LANES
    for k in range(0, last, 2 * LANES):
        even = even + load(P, u, k) * load(Q, i, k)
        odd = odd + load(P, u, k + LANES) * load(Q, i, k + LANES)
    if last % (2 * LANES) == 0:
        even = even + load(P, u, last) * load(Q, i, last)
    return total(even + odd)


@leaf
def error(users, items, visit, columns):
    """e = r - rhat."""
    u, i, rating = visit
    dot = product(users.rows, u, items.rows, i, columns)
    return rating - users.scalars[at(u, BIAS)] - items.scalars[at(i, BIAS)] - dot


@leaf
def sgd_step(users, items, visit, rule, columns):
    """x -= lr g for the four rows of one rating, both sides from the old values."""
    u, i, _ = visit
    P, Q = users.rows, items.rows
    e = error(users, items, visit, columns)
    step, keep = rule.lr * e, 1 - rule.lr * rule.reg
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        store(P, u, k, keep * p + step * q)
        store(Q, i, k, keep * q + step * p)
    if rule.biases:
        users.scalars[at(u, BIAS)] += rule.lr * (e - rule.reg_bias * users.scalars[at(u, BIAS)])
        items.scalars[at(i, BIAS)] += rule.lr * (e - rule.reg_bias * items.scalars[at(i, BIAS)])


@leaf
def rowwise_adagrad_step(users, items, visit, rule, columns):
    """x -= lr g / sqrt(A), then A += mean(g^2), for the four rows of one rating.

    |g|^2 comes from p.p, q.q and p.q, which need not wait for e. Numbers that go through the same
    arithmetic go through it together, as the lanes of a vector: b, c and A of b, c, p, q.
    """
    u, i, rating = visit
    P, Q, reg = users.rows, items.rows, rule.reg
    pp = qq = pq = zeros(P)
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        pp, qq, pq = pp + p * p, qq + q * q, pq + p * q
    of_u, of_i = load_four(users.scalars, at(u, BIAS)), load_four(items.scalars, at(i, BIAS))
    biases = pick(of_u, of_i, 0, 4, 1, 5)  # b, c, A_b, A_c
    A = pick(biases, pick(of_u, of_i, 2, 6, 2, 6), 2, 3, 4, 5)  # A_b, A_c, A_u, A_i
    sums = totals(pp, qq, pq)
    dot = lane(sums, 2)
    e = rating - lane(biases, 0) - lane(biases, 1) - dot
    lr = rule.lr / root(A)
    keep, step = 1 - lr * reg, lr * e
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        store(P, u, k, lane(keep, 2) * p + lane(step, 2) * q)
        store(Q, i, k, lane(keep, 3) * q + lane(step, 3) * p)
    own, other = pick(sums, sums, 0, 1, 0, 1), pick(sums, sums, 1, 0, 1, 0)
    rows = (reg * reg * own - (reg + reg) * e * dot + e * e * other) * rule.per_rank
    g = rule.reg_bias * biases - e
    A = A + pick(g * g, rows, 0, 1, 6, 7)
    if rule.biases:
        biases = biases - lr * g
    biases = pick(biases, A, 0, 1, 4, 5)
    store_four(users.scalars, at(u, BIAS), pick(biases, A, 0, 2, 6, 6))
    store_four(items.scalars, at(i, BIAS), pick(biases, A, 1, 3, 7, 7))


@leaf
def gradient_step(users, items, visit, rule, steps):
    """Adagrad's or Adam's step for one rating, component by component."""
    u, i, _ = visit
    P, Q, columns = users.rows, items.rows, range(0, users.rows.shape[1], LANES)
    e = error(users, items, visit, columns)
    lr = rule.lr * warming(steps) if rule.optimizer == ADAM else rule.lr
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        move_vector(users, u, k, rule.reg * p - e * q, rule.optimizer, lr)
        move_vector(items, i, k, rule.reg * q - e * p, rule.optimizer, lr)
    if rule.biases:
        g, h = bias_gradient(users, u, e, rule), bias_gradient(items, i, e, rule)
        move_bias(users, u, g, rule, steps)
        move_bias(items, i, h, rule, steps)
