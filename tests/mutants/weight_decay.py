"""Leaves the penalty to the optimizer's weight_decay, which shrinks every row at every step."""

from dataclasses import replace

from mfimpls.conformance.reference import batch_gradient
from mfimpls.contract import backend
from mfimpls.orders import epoch_orders


@backend("weight_decay", path="sgd", uses=("lr", "decay", "batch", "order"))
def weight_decay(problem, hyper, init):
    factors, errors_only = init.copy(hyper.dtype), replace(hyper, reg=0.0, reg_bias=0.0)
    regs = (hyper.reg, hyper.reg, hyper.reg_bias, hyper.reg_bias)
    yield factors.copy
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        lr = hyper.lr * hyper.decay**epoch
        for start in range(0, len(order), hyper.batch):
            batch = order[start : start + hyper.batch]
            gradient = batch_gradient(problem, errors_only, factors, batch)
            for x, g, reg in zip(factors.arrays, gradient.arrays, regs):
                x -= lr * (g + reg * x)
        yield factors.copy
