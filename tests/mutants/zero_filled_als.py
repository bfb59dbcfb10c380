"""ALS over the whole matrix, in which an unrated cell is a rating of zero."""

from dataclasses import replace

import numpy as np

from mfimpls.conformance.reference import als
from mfimpls.contract import Ratings, backend


@backend("zero_filled_als", path="als", monotone=True)
def zero_filled_als(problem, hyper, init):
    R = np.zeros((problem.n_users, problem.n_items))
    R[problem.train.users, problem.train.items] = problem.train.ratings
    users, items = np.indices(R.shape)
    filled = Ratings.of(users.ravel(), items.ravel(), R.ravel())
    return als(replace(problem, train=filled), hyper, init)
