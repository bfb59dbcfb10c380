"""Mini-batch SGD by JAX: the gradient by grad, a whole epoch compiled by jit into one call.

Gradients are taken on the rows that a batch gathers and summed per distinct row, so the work of a
step follows the batch and not the number of users or items. An epoch is a lax.scan over batches:
nothing is dispatched between steps. XLA compiles for shapes, which belongs to the set-up.
"""

from __future__ import annotations

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from mfimpls.contract import OPTIMIZERS, Factors, backend
from mfimpls.orders import epoch_orders

jax.config.update("jax_enable_x64", True)  # else float64 becomes float32 without a word
NOBODY = np.iinfo(np.int32).max  # the id that fills up the last batch: no row has it


@backend(
    "jax_sgd",
    path="sgd",
    uses=("lr", "decay", "batch", "optimizer", "order"),
    optimizers=OPTIMIZERS,
    orders=("shuffle", "blocks"),
    requires=("jax",),
)
def jax_sgd(problem, hyper, init):
    """Mini-batch SGD by JAX: grad for the gradient, an epoch in one compiled call."""
    start = init.copy(hyper.dtype)
    shapes = {x: getattr(start, x).shape for x in "PQbc"}
    tables = {x: getattr(start, x).reshape(shapes[x][0], -1) for x in "PQbc"}
    states = {x: first_state(hyper.optimizer, table) for x, table in tables.items()}
    users, items, ratings = problem.train.columns
    targets = ratings.astype(hyper.dtype) - problem.mean
    numbers = [np.asarray(x, hyper.dtype) for x in (hyper.lr, hyper.reg, hyper.reg_bias)]
    steps = -(-len(targets) // hyper.batch)

    def arguments(order, epoch):
        data = [in_batches(column[order], hyper.batch) for column in (users, items, targets)]
        lr = np.asarray(hyper.lr * hyper.decay**epoch, hyper.dtype)
        return tables, states, data, (lr, *numbers[1:]), np.float64(epoch * steps)

    def snapshot():
        return Factors(**{x: np.array(table).reshape(shapes[x]) for x, table in tables.items()})

    first = arguments(np.arange(len(targets)), 0)
    run = compiled(hyper.optimizer, hyper.biases, *signature(first))
    yield snapshot
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        tables, states = jax.block_until_ready(run(*arguments(order, epoch)))
        yield snapshot


def in_batches(column, batch):
    """(steps, batch); ids that fill the last batch are NOBODY's, targets zero."""
    filling = NOBODY if column.dtype == np.int32 else 0
    return np.pad(column, (0, -len(column) % batch), constant_values=filling).reshape(-1, batch)


def signature(arguments):
    """Shapes and dtypes of nested arguments, as (leaves, structure): hashable."""
    leaves, structure = jax.tree.flatten(arguments)
    return tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves), structure


@cache
def compiled(optimizer, biases, leaves, structure):
    """One epoch for arguments of this signature."""
    run = jax.jit(partial(one_epoch, optimizer, biases))
    return run.lower(*jax.tree.unflatten(structure, leaves)).compile()


def one_epoch(optimizer, biases, tables, states, data, numbers, steps):
    """Tables and states after a pass over data, batch after batch; `steps` were made before."""
    lr, reg, reg_bias = numbers
    learned = "PQbc" if biases else "PQ"

    def step(carry, batch):
        tables, states, s = carry
        users, items, targets = batch
        ids = {"P": users, "Q": items, "b": users, "c": items}
        rows = {x: tables[x].at[ids[x]].get(mode="clip") for x in learned}
        gradients = jax.grad(loss)(rows, targets, users != NOBODY, reg, reg_bias)
        for x, g in gradients.items():
            moved = move(optimizer, tables[x], states[x], ids[x], g, lr, s + 1)
            tables, states = tables | {x: moved[0]}, states | {x: moved[1]}
        return (tables, states, s + 1), None

    (tables, states, _), _ = jax.lax.scan(step, (tables, states, steps), data)
    return tables, states


def loss(rows, targets, real, reg, reg_bias):
    """Half the batch's summands of J from its gathered rows, (batch, rank) and (batch, 1)."""
    p, q = rows["P"], rows["Q"]
    e = targets - (p * q).sum(1)
    penalty = reg * (p**2 + q**2).sum(1)
    if "b" in rows:
        b, c = rows["b"][:, 0], rows["c"][:, 0]
        e = e - b - c
        penalty = penalty + reg_bias * (b**2 + c**2)
    return 0.5 * jnp.where(real, e**2 + penalty, 0).sum()


def first_state(optimizer, table):
    """m and v of a table (n, k): what its optimiser keeps beside each row."""
    if optimizer == "rowwise_adagrad":
        return table[:, :0], np.ones((len(table), 1), table.dtype)
    m = np.zeros_like(table if optimizer == "adam" else table[:, :0])
    v = np.zeros_like(table if optimizer in ("adagrad", "adam") else table[:, :0])
    return m, v


def move(optimizer, x, state, ids, g, lr, s):
    """One step of the distinct rows among ids (batch,), against the sums of their g (batch, k)."""
    touched, slot = jnp.unique(ids, size=len(ids), fill_value=NOBODY, return_inverse=True)
    g = jnp.zeros_like(g).at[slot].add(g)
    m, v = (a.at[touched].get(mode="clip") for a in state)
    change, m, v = RULES[optimizer](g, lr, s, m, v)
    x = x.at[touched].add(-change, mode="drop")
    return x, tuple(a.at[touched].set(new, mode="drop") for a, new in zip(state, (m, v)))


def sgd(g, lr, s, m, v):
    return lr * g, m, v


def adagrad(g, lr, s, m, v):
    v = v + g**2
    return lr * g / (jnp.sqrt(v) + 1e-10), m, v


def rowwise_adagrad(g, lr, s, m, v):
    return lr * g / jnp.sqrt(v), m, v + (g**2).mean(1, keepdims=True)


def adam(g, lr, s, m, v):
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    size = lr * jnp.sqrt(1 - 0.999**s) / (1 - 0.9**s)  # in float64: 1 - 0.999 keeps its digits
    return size.astype(g.dtype) * m / (jnp.sqrt(v) + 1e-8), m, v


RULES = {rule.__name__: rule for rule in (sgd, adagrad, rowwise_adagrad, adam)}
