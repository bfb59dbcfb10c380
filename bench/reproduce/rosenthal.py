"""The two posts that this suite began with, by Ethan Rosenthal, on MovieLens 100K.

*Explicit Matrix Factorization: ALS, SGD, and All That Jazz* (2016) derives SGD and ALS by hand and
prints their errors; *Matrix Factorization in PyTorch* (2017) prints a module and measures nothing.

The first post holds out ten ratings a user. What it prints tells how it drew them: with NumPy's
global generator after seed(0). That generator is frozen, so the split can be drawn again
(`problems.posted`). Its start and its shuffles can't: they depend on all that was drawn before.
"""

from __future__ import annotations

from dataclasses import replace

from bench.reproduce.experiment import POSTED, Claim, Experiment, claims, shown
from mfimpls.contract import Hyper

BY_HAND = "ethanrosenthal.com/2016/01/09/explicit-matrix-factorization-sgd-als"
IN_PYTORCH = "ethanrosenthal.com/2017/06/20/matrix-factorization-in-pytorch"
CHECKPOINTS = (1, 2, 5, 10, 25, 50, 100, 200)
TEST_MSE = (1.188, 1.138, 1.062, 1.011, 0.964, 0.943, 0.925, 0.923)
TRAIN_MSE = (1.142, 1.072, 0.975, 0.918, 0.866, 0.838, 0.747, 0.402)
SWEEPS = (1, 2, 3, 5, 7, 10, 15, 25, 50, 100)
NEAR = 0.01
STARTS, SPLITS = 5, 20

SGD = Hyper(rank=40, reg=0.0, reg_bias=0.0, init_std=1 / 40, lr=0.001, dtype="float64")
BEST = replace(SGD, rank=80, reg=0.01, reg_bias=0.01, init_std=1 / 80)
ALS = Hyper(rank=20, reg=0.01, reg_bias=0.01, biases=False, dtype="float64")
MODULE = Hyper(rank=20, reg=0.0, reg_bias=0.0, biases=False, init_std=1.0, lr=1e-6)


def _curves(tolerance: float | None) -> tuple[Claim, ...]:
    test = claims("test MSE", CHECKPOINTS, TEST_MSE, tolerance)
    return test + claims("train MSE", CHECKPOINTS, TRAIN_MSE, tolerance)


_SGD = Experiment(
    name="rosenthal-sgd",
    group="rosenthal",
    title="its SGD by hand, on its own split",
    source=BY_HAND,
    backend="pair_in_turn",
    hyper=SGD,
    dataset="ml-100k",
    splits=((POSTED,),) * STARTS,
    claims=_curves(NEAR),
    curve=CHECKPOINTS,
)
_ALS = replace(
    _SGD,
    name="rosenthal-als",
    title="its ALS, unrated cells as zeros",
    backend="zero_filled_als",
    hyper=ALS,
    mean=False,
    claims=claims("test MSE", (100,), (8.07,), 0.05),
    curve=SWEEPS,
)
_MODULE = replace(
    _SGD,
    name="rosenthal-torch",
    title="its PyTorch module, one pass at lr 1e-6",
    source=IN_PYTORCH,
    backend="printed_module",
    hyper=MODULE,
    splits=((POSTED,),),
    mean=False,
    timed=True,
    claims=shown(("test MSE", "train MSE"), (0, 1)) + shown(("moved",), (1,)),
    curve=(),
    note="The post trains it on random numbers and scores nothing.",
)


def _als(name: str, title: str, backend: str, reg: float, biases: bool) -> Experiment:
    hyper = replace(ALS, reg=reg, reg_bias=reg, biases=biases)
    shows = shown(("test MSE", "train MSE"), (100,))
    return replace(
        _ALS,
        name=f"rosenthal-als-{name}",
        title=title,
        backend=backend,
        hyper=hyper,
        claims=shows,
    )


EXPERIMENTS = (
    _SGD,
    replace(
        _SGD,
        name="rosenthal-sgd-splits",
        title=f"its SGD on {SPLITS} random splits",
        splits=tuple((f"leave_out=10,split_seed={seed}",) for seed in range(SPLITS)),
        claims=_curves(None),
        note="Held to the band of the splits: the draw of a split moves the test MSE by over 0.01.",
    ),
    replace(
        _SGD,
        name="rosenthal-sgd-ours",
        title="its SGD by numba_sgd, p and q at once",
        backend="numba_sgd",
        timed=True,
        curve=(),
    ),
    replace(
        _SGD,
        name="rosenthal-sgd-variance",
        title="its SGD, 1/40 taken for a variance",
        hyper=replace(SGD, init_std=40**-0.5),
        claims=shown(("test MSE", "train MSE"), (50, 200)),
        curve=(),
        note="The post writes N(0, 1/rank); its numbers are those of a standard deviation.",
    ),
    replace(
        _SGD,
        name="rosenthal-best",
        title="its best SGD: rank 80, penalty 0.01",
        hyper=BEST,
        claims=claims("test MSE", (200,), (0.885,), NEAR),
        curve=(),
    ),
    _ALS,
    _als("zeros-biases", "its ALS with biases, still zeros", "zero_filled_als", 0.01, True),
    _als("per-entity", "ALS over observed ratings, its own penalty", "per_entity_als", 0.01, False),
    _als("per-entity-10", "ALS over observed ratings, that at 10", "per_entity_als", 10.0, False),
    _als("observed", "ALS over observed ratings, no biases", "numba_als", 0.01, False),
    _als("observed-biases", "ALS over observed ratings, biases", "numba_als", 0.01, True),
    _als("reg", "ALS over observed, no biases, reg 0.1", "numba_als", 0.1, False),
    _als("reg-biases", "ALS over observed, biases, reg 0.1", "numba_als", 0.1, True),
    _MODULE,
    replace(
        _MODULE,
        name="rosenthal-torch-2017",
        title="its module as first printed, no zero_grad",
        hyper=replace(MODULE, options={"zero_grad": False}),
        claims=shown(("test MSE",), (0, 1)),
        timed=False,
        note="The gradients of all steps so far pile up; zero_grad was added to the post in 2020.",
    ),
    replace(
        _MODULE,
        name="rosenthal-torch-weight-decay",
        title="its module with weight_decay",
        hyper=replace(MODULE, options={"weight_decay": 1e-5}),
        claims=(),
        timed=False,
        raises="sparse",
    ),
)  # fmt: skip
