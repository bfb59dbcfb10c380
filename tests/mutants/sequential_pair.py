"""A Gauss-Seidel pair update: q_i moves along the p_u that has just moved."""

from mfimpls.contract import backend
from mfimpls.orders import epoch_orders


@backend("sequential_pair", path="sgd", uses=("lr", "decay", "order"))
def sequential_pair(problem, hyper, init):
    factors = init.copy(hyper.dtype)
    P, Q, b, c = factors.arrays
    yield factors.copy
    for epoch, order in enumerate(epoch_orders(problem, hyper)):
        lr = hyper.lr * hyper.decay**epoch
        for n in order:
            u, i, r = (column[n] for column in problem.train.columns)
            e = r - (problem.mean + b[u] + c[i] + P[u] @ Q[i])
            P[u] += lr * (e * Q[i] - hyper.reg * P[u])
            Q[i] += lr * (e * P[u] - hyper.reg * Q[i])  # P[u] is new here
            if hyper.biases:
                b[u] += lr * (e - hyper.reg_bias * b[u])
                c[i] += lr * (e - hyper.reg_bias * c[i])
        yield factors.copy
