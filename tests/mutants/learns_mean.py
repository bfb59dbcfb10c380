"""Learns the constant along with the factors."""

from mfimpls.contract import backend
from mfimpls.orders import epoch_orders


@backend("learns_mean", path="sgd", uses=("lr", "decay", "order"))
def learns_mean(problem, hyper, init):
    factors, mean = init.copy(hyper.dtype), problem.mean
    P, Q, b, c = factors.arrays
    yield factors.copy
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        lr = hyper.lr * hyper.decay**epoch
        for n in order:
            u, i, r = (column[n] for column in problem.train.columns)
            e = r - (mean + b[u] + c[i] + P[u] @ Q[i])
            p, q = P[u].copy(), Q[i].copy()
            P[u] += lr * (e * q - hyper.reg * p)
            Q[i] += lr * (e * p - hyper.reg * q)
            if hyper.biases:
                b[u] += lr * (e - hyper.reg_bias * b[u])
                c[i] += lr * (e - hyper.reg_bias * c[i])
            mean += lr * e
        yield factors.copy
