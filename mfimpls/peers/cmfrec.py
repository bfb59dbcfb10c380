"""ALS of cmfrec with exact solutions: a Cholesky factorization per row."""

from __future__ import annotations

from mfimpls.contract import DTYPES, backend
from mfimpls.peers._cmfrec import fit


@backend(
    "cmfrec",
    path="cmfrec-als",
    dtypes=DTYPES,
    requires=("cmfrec",),
    refits=True,
    takes_init=False,
)
def cmfrec(problem, hyper, init):
    """ALS of cmfrec: exact rows by Cholesky, biases among the unknowns, a start of its own."""
    yield from fit(problem, hyper, init, use_cg=False)
