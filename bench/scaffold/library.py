"""my_backend: a library that only has fit(n_epochs), to be replaced by yours."""

import numpy as np

from mfimpls import Factors, backend
from mfimpls.refit import refit


# The library can't be stepped, so refit trains it anew for 1, 2, 3, ... epochs, and refits=True
# tells the clock. If yours visits the ratings in an order of its own, give it a path of its own
# ("my_library"), so that it is judged by where it ends and not step by step.
@backend("my_backend", path="als", monotone=True, refits=True)
def my_backend(problem, hyper, init):
    """A library without steps, trained anew for each point of its curve."""

    def train(epochs):
        model = Library(hyper.rank, hyper.reg, hyper.reg_bias if hyper.biases else None)
        model.set_start(init.copy(hyper.dtype))  # leave out what yours does not have
        # Ids are those of the problem: never let a library renumber them unseen.
        users, items, ratings = problem.train.columns
        targets = ratings.astype(hyper.dtype) - problem.mean
        model.fit(users, items, targets, n_epochs=epochs)
        return Factors(model.user_factors, model.item_factors, model.user_bias, model.item_bias)

    yield from refit(train, init)


class Library:
    """A stand-in that really trains: ALS by plain least squares. Put the import of yours here."""

    def __init__(self, rank, reg, reg_bias):
        self.penalties = [reg] * rank + ([] if reg_bias is None else [reg_bias])
        self.rank = rank

    def set_start(self, start):
        self.user_factors, self.item_factors, self.user_bias, self.item_bias = start.arrays

    def fit(self, users, items, targets, n_epochs):
        of_user = [(u, np.flatnonzero(users == u)) for u in np.unique(users)]
        of_item = [(i, np.flatnonzero(items == i)) for i in np.unique(items)]
        for _ in range(n_epochs):
            for u, mine in of_user:
                self.user_factors[u], self.user_bias[u] = self._solve(
                    self.item_factors[items[mine]], targets[mine] - self.item_bias[items[mine]]
                )
            for i, mine in of_item:
                self.item_factors[i], self.item_bias[i] = self._solve(
                    self.user_factors[users[mine]], targets[mine] - self.user_bias[users[mine]]
                )

    def _solve(self, X, y):
        X = np.column_stack([X, np.ones((len(X), len(self.penalties) - self.rank))])
        z = np.linalg.solve(X.T @ X + len(X) * np.diag(self.penalties), X.T @ y)
        return z[: self.rank], z[self.rank :].sum()
