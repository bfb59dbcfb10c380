"""ALS that rises: it solves both sides from the old values of the other."""

from dataclasses import replace

from mfimpls.conformance.reference import als_sweep
from mfimpls.contract import Factors, Ratings, backend


@backend("simultaneous_als", path="als", monotone=True)
def simultaneous_als(problem, hyper, init):
    factors = init.copy(hyper.dtype)
    users, items, ratings = problem.train.columns
    transposed = replace(problem, train=Ratings(items, users, ratings))
    while True:
        yield factors.copy
        P, Q, b, c = factors.copy().arrays
        als_sweep(transposed, hyper, Factors(Q, P, c, b))
        als_sweep(problem, hyper, factors)
        factors = Factors(factors.P, Q, factors.b, c)
