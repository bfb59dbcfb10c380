"""Tables that libraries publish of themselves and of each other: Surprise, MyMediaLite, cmfrec."""

from __future__ import annotations

from dataclasses import replace

from bench.reproduce.experiment import Claim, Experiment, folds, shown
from mfimpls.contract import Hyper

SEEDS = 10  # of the folds, where a run takes a second
NEAR = 0.002
CLIPPED = ("test RMSE, clipped", "test MAE, clipped")

SVD = Hyper(rank=100, reg=0.02, reg_bias=0.02, init_std=0.1, lr=0.005, dtype="float64")
LINEAR = Hyper(rank=10, reg=0.05, biases=False, init_std=0.1, lr=0.005, dtype="float64")
ALS = Hyper(rank=50, reg=0.05, reg_bias=0.05)
FAST_SGD = replace(
    ALS, biases=False, lr=0.1, optimizer="rowwise_adagrad", order="blocks"
)  # LIBMF's rule and step


def damped(reg_user: float, reg_item: float) -> Hyper:
    """The settings of damped_biases."""
    options = {"reg_user": reg_user, "reg_item": reg_item}
    return Hyper(rank=1, init_std=0.0, dtype="float64", options=options)


def near(epoch: int, *published: tuple[str, float, float]) -> tuple[Claim, ...]:
    """Claims of (metric, lowest, highest) after so many epochs."""
    return tuple(
        Claim(metric=metric, epoch=epoch, published=(low, high), tolerance=NEAR)
        for metric, low, high in published
    )


def rmse_and_mae(epoch: int, rmse: float, mae: float) -> tuple[Claim, ...]:
    """Claims of both, clipped, after so many epochs."""
    return near(epoch, (CLIPPED[0], rmse, rmse), (CLIPPED[1], mae, mae))


_SURPRISE = Experiment(
    name="surprise-svd",
    group="surprise",
    title="SVD on ml-100k by numba_sgd",
    source="surpriselib.com, README, benchmarks",
    backend="numba_sgd",
    hyper=SVD,
    dataset="ml-100k",
    splits=folds(5, SEEDS),
    claims=near(20, (CLIPPED[0], 0.934, 0.9355), (CLIPPED[1], 0.737, 0.737))
    + shown(("test RMSE", "test MAE"), (20,)),
    note="Shuffled, where Surprise goes user by user.",
)
_MYMEDIALITE = replace(
    _SURPRISE,
    name="mymedialite-mf-1m",
    group="mymedialite",
    title="MatrixFactorization on ml-1m",
    source="mymedialite.net/examples/datasets.html",
    hyper=LINEAR,
    dataset="ml-1m",
    splits=folds(5, 1),
    claims=rmse_and_mae(75, 0.857, 0.675),
    note="",
)
_CMFREC = replace(
    _SURPRISE,
    name="cmfrec-als-10m",
    group="cmfrec",
    title="ALS with biases on ml-10m",
    source="github.com/david-cortes/cmfrec, benchmark/README.md",
    backend="numba_als",
    hyper=ALS,
    dataset="ml-10m",
    splits=(("fold=1/5",),),
    claims=near(15, ("test RMSE", 0.787, 0.787)),
    note="A random fifth is held out; the source takes the split of the data set's own script.",
)

SURPRISE = (
    _SURPRISE,
    replace(
        _SURPRISE,
        name="surprise-svd-unshuffled",
        title="SVD on ml-100k, user by user",
        backend="user_by_user",
        note="",
    ),
    replace(
        _SURPRISE,
        name="surprise-baseline",
        title="BaselineOnly on ml-100k",
        backend="damped_biases",
        hyper=damped(15.0, 10.0),
        claims=near(10, (CLIPPED[0], 0.944, 0.944)),
        note="",
    ),
    replace(
        _SURPRISE,
        name="surprise-svd-1m",
        title="SVD on ml-1m by numba_sgd",
        dataset="ml-1m",
        splits=folds(5, 1),
        claims=rmse_and_mae(20, 0.873, 0.686),
    ),
)
MYMEDIALITE = (
    replace(
        _MYMEDIALITE,
        name="mymedialite-baseline",
        title="UserItemBaseline on ml-100k",
        backend="damped_biases",
        hyper=damped(5.0, 2.0),
        dataset="ml-100k",
        splits=folds(5, SEEDS),
        claims=rmse_and_mae(1, 0.94192, 0.74503) + shown(CLIPPED, (10,)),
        note="The table names no number of passes for this row; MyMediaLite of 2011 made one.",
    ),
    replace(
        _MYMEDIALITE,
        name="mymedialite-baseline-1m",
        title="UserItemBaseline on ml-1m",
        backend="damped_biases",
        hyper=damped(25.0, 10.0),
        claims=rmse_and_mae(10, 0.908, 0.719),
    ),
    _MYMEDIALITE,
)
CMFREC = (
    _CMFREC,
    replace(
        _CMFREC,
        name="cmfrec-als-plain-10m",
        title="ALS without biases on ml-10m",
        hyper=replace(ALS, biases=False),
        claims=near(15, ("test RMSE", 0.7914, 0.7914)),
    ),
    replace(
        _CMFREC,
        name="cmfrec-sgd-10m",
        title="fast SGD, LIBMF's, on ml-10m",
        backend="numba_sgd",
        hyper=FAST_SGD,
        claims=near(15, ("test RMSE", 0.7856, 0.7856)),
        note=f"LIBMF scales the ratings; numba_sgd doesn't. {_CMFREC.note}",
    ),
)
EXPERIMENTS = SURPRISE + MYMEDIALITE + CMFREC
