"""Stochastic gradient descent of docs/objective.md, compiled: one step for one rating.

A visit is (u, i, rating), the rating without the mean. `columns` are where a row's vectors begin.
"""

from mfimpls.backends._numba_rules import (
    A_BIAS,
    A_ROW,
    ADAM,
    BIAS,
    at,
    bias_gradient,
    leaf,
    move_bias,
    move_vector,
    warming,
)
from mfimpls.backends._vector import LANES, lane, load, pack, root, store, total, totals, zeros


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

    |g|^2 comes from p.p, q.q and p.q, which need not wait for e.
    """
    u, i, rating = visit
    P, Q, of_u, of_i, reg = users.rows, items.rows, users.scalars, items.scalars, rule.reg
    pp = qq = pq = zeros(P)
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        pp, qq, pq = pp + p * p, qq + q * q, pq + p * q
    sums = totals(pp, qq, pq)
    p2, q2, dot = lane(sums, 0), lane(sums, 1), lane(sums, 2)
    b, c = of_u[at(u, BIAS)], of_i[at(i, BIAS)]
    e = rating - b - c - dot
    A_u, A_i, A_b, A_c = (
        of_u[at(u, A_ROW)],
        of_i[at(i, A_ROW)],
        of_u[at(u, A_BIAS)],
        of_i[at(i, A_BIAS)],
    )
    lr = rule.lr / root(pack(A_u, A_i, A_b, A_c))
    lr_u, lr_i = lane(lr, 0), lane(lr, 1)
    keep_u, keep_i, step_u, step_i = 1 - lr_u * reg, 1 - lr_i * reg, lr_u * e, lr_i * e
    for k in columns:
        p, q = load(P, u, k), load(Q, i, k)
        store(P, u, k, keep_u * p + step_u * q)
        store(Q, i, k, keep_i * q + step_i * p)
    cross = (reg + reg) * e * dot
    of_u[at(u, A_ROW)] = A_u + (reg * reg * p2 - cross + e * e * q2) * rule.per_rank
    of_i[at(i, A_ROW)] = A_i + (reg * reg * q2 - cross + e * e * p2) * rule.per_rank
    if rule.biases:
        g, h = rule.reg_bias * b - e, rule.reg_bias * c - e
        of_u[at(u, BIAS)] = b - lane(lr, 2) * g
        of_i[at(i, BIAS)] = c - lane(lr, 3) * h
        of_u[at(u, A_BIAS)] = A_b + g * g
        of_i[at(i, A_BIAS)] = A_c + h * h


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
