"""ALS of cmfrec with approximate solutions: three steps of conjugate gradients per row."""

from __future__ import annotations

from mfimpls.contract import DTYPES, backend
from mfimpls.peers._cmfrec import fit


@backend(
    "cmfrec_cg",
    path="cmfrec-cg",
    dtypes=DTYPES,
    requires=("cmfrec",),
    refits=True,
    takes_init=False,
)
def cmfrec_cg(problem, hyper, init):
    """ALS of cmfrec: three steps of conjugate gradients per row, a start of its own."""
    yield from fit(problem, hyper, init, use_cg=True, max_cg_steps=3, finalize_chol=False)
