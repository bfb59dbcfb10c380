"""implicit's ALS: not for ratings. Its sweeps can be timed on them, its errors mean nothing.

It minimises the sum over all cells of c_ui (s_ui - p_u . q_i)^2 + reg (|P|^2 + |Q|^2), where s_ui
is 1 for a cell that was rated and 0 for one that was not, and the rating is only the weight c_ui
(Hu, Koren, Volinsky 2008, doi:10.1109/ICDM.2008.22). No setting of it has the rating as the target:
whatever the weights, all rated cells are fitted to 1. So explicit ratings are refused before the
first yield, unless its sweeps alone are asked for.
"""

from __future__ import annotations

import os

from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from mfimpls.contract import Factors, Option, Unsupported, backend


@backend(
    "implicit_als",
    path="implicit-als",
    deterministic=False,
    requires=("implicit",),
    objective="a weighted error of rated or not, blind to what the rating was",
    options=(
        Option("sweeps", False, "time its sweeps on explicit ratings; its errors mean nothing"),
        Option("solver", "cg", "3 steps of conjugate gradients, or exact", ("cg", "exact")),
    ),
)
def implicit_als(problem, hyper, init):
    """ALS by implicit in C++: for clicks and views, not for ratings, which it can't fit."""
    if not hyper.options["sweeps"]:
        raise Unsupported(
            "implicit_als fits which items were rated, not how, so its error on ratings means "
            "nothing; use numba_als or lenskit_als, or implicit_als[sweeps=true] for the time of "
            "a sweep alone."
        )
    if hyper.biases:  # no cap: of two refusals, the one above must come first
        raise Unsupported("implicit_als has no biases; add -s biases=false, for all to compare.")
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    with threadpool_limits(1, "blas"):  # else it warns of a BLAS with threads inside its own
        model = AlternatingLeastSquares(
            use_cg=hyper.options["solver"] == "cg", num_threads=threads, dtype=hyper.dtype
        )
    P, Q, b, c = init.copy(hyper.dtype).arrays
    users, items, weights = problem.train.columns
    shape = (problem.n_users, problem.n_items)
    of_users = sparse.csr_matrix((weights, (users, items)), shape)
    of_items = of_users.T.tocsr()
    yield init.copy
    while True:
        with threadpool_limits(1, "blas"):
            model.solver(of_users, P, Q, hyper.reg, num_threads=threads)
            model.solver(of_items, Q, P, hyper.reg, num_threads=threads)
        yield Factors(P, Q, b, c).copy
