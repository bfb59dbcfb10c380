"""The one loss and the only judge. No backend grades itself.

    rhat_ui = mean + b_u + c_i + p_u . q_i
    J = 1/n sum over the n training ratings of
        [ (r_ui - rhat_ui)^2 + reg (|p_u|^2 + |q_i|^2) + reg_bias (b_u^2 + c_i^2) ]

The penalty is counted once per rating (ALS-WR: Zhou et al. 2008, doi:10.1007/978-3-540-68880-8_32),
so per-rating SGD, mini-batch SGD and ALS minimise the same J with the same `reg`. Everything here
is computed in float64 from factors on the host, whatever dtype they came in. What scores an epoch
calls no BLAS, whose threads would go on spinning into the next epoch's time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mfimpls.contract import Array, Factors, Hyper, Predictions, Problem, Ratings, Shown

Vector = NDArray[np.float64]
CHUNK_BYTES = 32 * 2**20


def predict(mean: float, factors: Factors, users: Array, items: Array) -> Vector:
    """rhat (n,) for n pairs of ids, never clipped."""
    P, Q, b, c = factors.arrays
    rhat = np.empty(len(users), np.float64)
    step = max(1, CHUNK_BYTES // (16 * P.shape[1]))
    for start in range(0, len(users), step):
        u, i = users[start : start + step], items[start : start + step]
        p, q = P[u].astype(np.float64), Q[i].astype(np.float64)
        rhat[start : start + step] = (
            mean + b[u].astype(np.float64) + c[i] + np.einsum("nk,nk->n", p, q)
        )
    return rhat


def residuals(mean: float, factors: Factors, part: Ratings) -> Vector:
    """r - rhat (n,) over the ratings of one part."""
    return part.ratings - predict(mean, factors, part.users, part.items)


def penalty(problem: Problem, hyper: Hyper, factors: Factors) -> float:
    """The part of J that does not look at the ratings' values."""
    P, Q, b, c = (a.astype(np.float64) for a in factors.arrays)
    n_u, n_i = counts(problem)
    of_factors = np.einsum("u,uk,uk->", n_u, P, P) + np.einsum("i,ik,ik->", n_i, Q, Q)
    of_biases = np.einsum("u,u,u->", n_u, b, b) + np.einsum("i,i,i->", n_i, c, c)
    return float(hyper.reg * of_factors + hyper.reg_bias * of_biases) / len(problem.train)


def counts(problem: Problem) -> tuple[Vector, Vector]:
    """Training ratings per user (n_users,) and per item (n_items,)."""
    n_u = np.bincount(problem.train.users, minlength=problem.n_users)
    n_i = np.bincount(problem.train.items, minlength=problem.n_items)
    return n_u.astype(np.float64), n_i.astype(np.float64)


def J(problem: Problem, hyper: Hyper, factors: Factors) -> float:
    """The loss."""
    e = residuals(problem.mean, factors, problem.train)
    return float(np.square(e).mean()) + penalty(problem, hyper, factors)


def gradient(problem: Problem, hyper: Hyper, factors: Factors) -> Factors:
    """Gradient of J in P, Q, b and c, float64; zero in b and c where biases=False pins them."""
    e, train, n = residuals(problem.mean, factors, problem.train), problem.train, len(problem.train)
    P, Q, b, c = (a.astype(np.float64) for a in factors.arrays)
    n_u, n_i = counts(problem)
    E = sparse.csr_array((e, (train.users, train.items)), shape=(problem.n_users, problem.n_items))
    dP = -2 / n * (E @ Q - hyper.reg * n_u[:, None] * P)
    dQ = -2 / n * (E.T @ P - hyper.reg * n_i[:, None] * Q)
    db = -2 / n * (E.sum(axis=1) - hyper.reg_bias * n_u * b) * hyper.biases
    dc = -2 / n * (E.sum(axis=0) - hyper.reg_bias * n_i * c) * hyper.biases
    return Factors(dP, dQ, db, dc)


def gradient_norm(problem: Problem, hyper: Hyper, factors: Factors) -> float:
    """Euclidean norm of the gradient over all of P, Q, b and c."""
    return float(np.sqrt(sum(np.vdot(a, a) for a in gradient(problem, hyper, factors).arrays)))


def stationarity(problem: Problem, hyper: Hyper, factors: Factors, init: Factors) -> float:
    """|grad J(factors)| / |grad J(init)|: near 0 at a stationary point of J, the check that a wrong
    penalty can't pass.
    """
    return gradient_norm(problem, hyper, factors) / gradient_norm(problem, hyper, init)


def rmse(mean: float, factors: Factors, part: Ratings) -> float:
    """Root mean squared error pooled over the ratings of one part; NaN where it has none."""
    return root_mean_square(residuals(mean, factors, part))


def mae(mean: float, factors: Factors, part: Ratings) -> float:
    """Mean absolute error pooled over the ratings of one part; NaN where it has none."""
    return mean_magnitude(residuals(mean, factors, part))


def root_mean_square(e: Vector) -> float:
    return float(np.sqrt(np.square(e).mean())) if len(e) else float("nan")


def mean_magnitude(e: Vector) -> float:
    return float(np.abs(e).mean()) if len(e) else float("nan")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One snapshot as the judge sees it; rating units, except J in squared ones. NaN for what is
    absent: the test scores where there are no test ratings, J of a library that only predicts.
    """

    J: float
    train_rmse: float
    test_rmse: float
    test_mae: float


def evaluate(problem: Problem, hyper: Hyper, shown: Shown) -> Evaluation:
    """All of the above from two passes over the data. Raises ValueError for predictions that are
    not one for each rating.
    """
    if isinstance(shown, Predictions):
        return evaluate_predictions(problem, shown)
    train_rmse = rmse(problem.mean, shown, problem.train)
    e = residuals(problem.mean, shown, problem.test)
    loss = train_rmse**2 + penalty(problem, hyper, shown)
    return Evaluation(loss, train_rmse, root_mean_square(e), mean_magnitude(e))


def evaluate_predictions(problem: Problem, shown: Predictions) -> Evaluation:
    """The errors of a library that only predicts, pooled and unclipped as all are. J needs factors:
    it is absent, and so is the train RMSE where no training rating was predicted.
    """
    e = errors(problem.test, shown.test)
    of_train = np.empty(0) if shown.train is None else errors(problem.train, shown.train)
    absent = float("nan")
    return Evaluation(absent, root_mean_square(of_train), root_mean_square(e), mean_magnitude(e))


def errors(part: Ratings, predicted: Array) -> Vector:
    """r - rhat (n,) for one prediction per rating of a part. Raises ValueError for another shape,
    which NumPy might broadcast.
    """
    if predicted.shape != (len(part),):
        raise ValueError(
            f"{len(part)} ratings need {len(part)} predictions in their order, one each; these "
            f"have the shape {predicted.shape}."
        )
    return np.subtract(part.ratings, predicted, dtype=np.float64)
