"""Tables of parameters and the optimisers of docs/objective.md, for steps that move given rows.

A batch's rows are gathered once, its gradient is taken on them, and they are put back, so a step's
work follows the batch and not the number of users or items. Biases are columns of the tables, so
that they cost no operations of their own: p_u . q_i + b_u + c_i = [b_u, p_u, 1] . [1, q_i, c_i].
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from mfimpls.contract import Factors


class Tables:
    """Users (n_users + 1, width), a row [b, p] each, and items (n_items + 1, width), [q, c]; the
    last row of either belongs to nobody. Without biases a row is p or q alone.
    """

    def __init__(self, init, hyper, device):
        P, Q, b, c = (torch.tensor(a, device=device) for a in init.copy(hyper.dtype).arrays)
        self.rank, self.biases = hyper.rank, int(hyper.biases)
        self.b, self.c = b, c  # where biases=False leaves them
        users, items = ((b[:, None], P), (Q, c[:, None])) if hyper.biases else ((P,), (Q,))
        self.users, self.items = (F.pad(torch.cat(x, 1), (0, 0, 0, 1)) for x in (users, items))
        rule, widths = RULES[hyper.optimizer], [x.shape[1] for x in users]
        self.move_users, self.move_items = rule(self.users, widths), rule(self.items, widths[::-1])
        ridge = [hyper.reg_bias] * self.biases + [hyper.reg] * hyper.rank
        self.ridge = torch.tensor(ridge, dtype=P.dtype, device=device)

    def rows_of(self, batch):
        """Copies of the batch's rows: x (s, width) of users, y (t, width) of items."""
        return (
            self.users.index_select(0, batch.users.ids),
            self.items.index_select(0, batch.items.ids),
        )

    def with_ones(self, x, y):
        """[b, p, 1] and [1, q, c], whose product is all of a prediction but the mean."""
        return F.pad(x, (0, self.biases), value=1.0), F.pad(y, (self.biases, 0), value=1.0)

    def move(self, batch, rows, gradients, lr):
        """One step of the batch's rows against their gradients."""
        self.move_users(batch.users.ids, rows[0], gradients[0], lr)
        self.move_items(batch.items.ids, rows[1], gradients[1], lr)

    def factors(self):
        users, items = self.users[:-1], self.items[:-1]
        P, Q = users[:, self.biases :], items[:, : self.rank]
        b, c = (users[:, 0], items[:, -1]) if self.biases else (self.b, self.c)
        return Factors(*(x.cpu().numpy() for x in (P, Q, b, c))).copy()


# Each optimiser takes a table and the widths of its parts (a bias, a factor) and returns
# move(ids, x, g, lr), which steps the rows `ids`, whose values are x, against the gradient g.
# Of the ids only that of nobody's row may repeat; its g is zero.


def sgd(table, widths):
    def move(ids, x, g, lr):
        table.index_copy_(0, ids, x.sub(g, alpha=lr))

    return move


def adagrad(table, widths):
    A = torch.zeros_like(table)

    def move(ids, x, g, lr):
        a = A.index_select(0, ids).addcmul_(g, g)
        A.index_copy_(0, ids, a)
        table.index_copy_(0, ids, x.addcdiv(g, a.sqrt_().add_(1e-10), value=-lr))

    return move


def rowwise_adagrad(table, widths):
    A = torch.ones_like(table)  # one number for all of a row's part, once per column

    def move(ids, x, g, lr):
        a = A.index_select(0, ids)
        table.index_copy_(0, ids, x.addcdiv(g, a.sqrt(), value=-lr))
        means = [part.mean(1, keepdim=True).expand_as(part) for part in g.square().split(widths, 1)]
        A.index_copy_(0, ids, a.add_(torch.cat(means, 1)))

    return move


def adam(table, widths):
    m, v, steps = torch.zeros_like(table), torch.zeros_like(table), 0

    def move(ids, x, g, lr):
        nonlocal steps
        steps += 1
        size = lr * (1 - 0.999**steps) ** 0.5 / (1 - 0.9**steps)
        first = m.index_select(0, ids).lerp_(g, 0.1)
        second = v.index_select(0, ids).lerp_(g.square(), 0.001)
        m.index_copy_(0, ids, first)
        v.index_copy_(0, ids, second)
        table.index_copy_(0, ids, x.addcdiv(first, second.sqrt_().add_(1e-8), value=-size))

    return move


RULES = {rule.__name__: rule for rule in (sgd, adagrad, rowwise_adagrad, adam)}
