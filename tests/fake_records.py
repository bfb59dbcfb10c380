"""Plausible records from a few numbers: decay to a floor, noisy clocks, known failures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bench.records import Case, Env, Point, Record

HYPER = {
    "rank": 16, "reg": 0.05, "reg_bias": 0.01, "biases": True, "init_std": 0.1,
    "lr": 0.01, "decay": 1.0, "batch": 1, "optimizer": "sgd", "dropout": 0.0, "order": "shuffle",
    "seed": 0, "dtype": "float32", "device": "cpu", "options": {},
}  # fmt: skip
ENV = Env(
    machine="AMD EPYC 9654, 2 cores, 24 GiB, Linux 6.1",
    threads={"numba": 2, "openblas": 2, "torch": 2},
    packages={"numpy": "2.4.6", "numba": "0.68.1", "torch": "2.13.0"},
    python="3.11.7",
    gpu=None,
    commit="a82c346",
    dirty=False,
    command="mfbench run -b numpy_sgd -b numba_sgd -d ml-100k",
)
PROBLEM = {
    "sha256": "5" * 64, "n_users": 943, "n_items": 1682, "n_train": 80_000, "n_test": 20_000,
    "mean_rmse": 1.154, "noise_floor": None,
}  # fmt: skip
FIVE = {  # backend -> seconds per epoch, test RMSE it tends to, decay per epoch, import and warm-up
    "numpy_sgd": (0.85, 0.936, 0.75, 0.12, 0.01),
    "numba_sgd": (0.0021, 0.936, 0.75, 0.55, 1.30),
    "numpy_als": (0.31, 0.931, 0.45, 0.12, 0.02),
    "numba_als": (0.014, 0.931, 0.45, 0.55, 2.10),
    "torch_sgd": (0.052, 0.938, 0.70, 1.60, 0.25),
}
MORE = (
    "torch_als", "torch_sgd@cuda", "torch_als@cuda", "libmf", "cmfrec", "lenskit", "implicit",
    "cornac", "surprise", "funk_svd", "myfm", "spark",
    "numba_sgd[optimizer=rowwise_adagrad,order=blocks]", "numba_sgd[order=blocks]",
    "torch_sgd[batch=65536,optimizer=adam]",
)  # fmt: skip


def case(backend: str = "numba_sgd", dataset: str = "ml-100k[official=u1]", **changes: Any) -> Case:
    fields: dict[str, Any] = {
        "hyper": HYPER, "epochs": 20, "budget_s": 30.0, "timeout_s": 300.0, "threads": 2
    }  # fmt: skip
    return Case(backend=backend, dataset=dataset, **(fields | changes))


def points(epoch_s: float, floor: float, decay: float = 0.7, epochs: int = 20) -> tuple[Point, ...]:
    """Test RMSE falls from 1.154 to `floor` by `decay` per epoch; J and train RMSE lie beneath."""
    return tuple(
        Point(
            epoch=k,
            train_s=k * epoch_s * (1 + 0.2 / max(k, 1)) if k else 0.0,
            J=(score := floor + (1.154 - floor) * decay**k) ** 2 - 0.03 * (1 - decay**k),
            train_rmse=score - 0.05 * (1 - decay**k),
            test_rmse=score,
            test_mae=0.79 * score,
            snapshot_s=2e-5,
            eval_s=4e-3,
        )
        for k in range(epochs + 1)
    )


def record(
    backend: str = "numba_sgd", *, case_changes: Mapping[str, Any] | None = None, **changes: Any
) -> Record:
    """One successful record of `backend`; keywords replace fields of Record."""
    epoch_s, floor, decay, import_s, warmup_s = FIVE.get(backend, (0.02, 0.935, 0.7, 0.5, 0.2))
    fields: dict[str, Any] = {
        "case": case(backend, **(case_changes or {})),
        "status": "ok",
        "started": "2025-01-01T12:00:00Z",
        "env": ENV,
        "problem": PROBLEM,
        "init_sha256": "1" * 64,
        "order_sha256": "0" * 64,
        "import_s": import_s,
        "warmup_s": warmup_s,
        "setup_s": 0.004,
        "wall_s": 5.0,
        "stationarity": 0.004,
        "effective_cores": 1.02,
        "peak_mb": 240.0,
        "points": points(epoch_s, floor, decay),
    }
    return Record(**(fields | changes))


def timed(backend: str, seconds: Mapping[int, float], **changes: Any) -> list[Record]:
    """One record per repeat: test RMSE falls in a line from 1.0 to 0.8 in so many training seconds,
    so that 0.9 is met in half of them, after 5 of 10 epochs.
    """
    return [
        record(
            backend,
            case_changes={"repeat": repeat},
            points=tuple(
                Point(
                    epoch=k, train_s=k / 10 * total, J=1 - k / 50, train_rmse=1 - k / 50,
                    test_rmse=1 - k / 50, test_mae=0.8, snapshot_s=0.0, eval_s=0.0,
                )
                for k in range(11)
            ),
            **changes,
        )
        for repeat, total in seconds.items()
    ]  # fmt: skip


def judged(n: int) -> dict[str, Any]:
    """What `mfbench agree` would store of the n-th backend; the sixth parts from its family."""
    parted = n == 5
    sgd = ("sgd, batch 1, adagrad, shuffle", "sgd, batch 32, adam, blocks")
    families = [
        {
            "family": family, "J": 0.0 if n == 3 else 1e-14, "factors": 3e-4 if parted else 4e-13,
            "float32_factors": None if n == 2 else 2e-7, "threads": [1],
            "verdict": "parts in epoch 1" if parted else "agrees",
        }
        for family in (("als",) if n % 2 else sgd)
    ]  # fmt: skip
    return {"agrees": not parted, "sentence": families[0]["verdict"], "families": families}


def suite(
    n_backends: int = 5, datasets: tuple[str, ...] = ("ml-100k[official=u1]",), repeats: int = 3
) -> list[Record]:
    """A whole run, interleaved: the five, then others; from the sixth on one in five is flagged,
    the eighth diverges and the tenth is killed.
    """
    rng = np.random.default_rng(0)
    found = []
    for dataset in datasets:
        for repeat in range(repeats):
            for n, backend in enumerate((*FIVE, *MORE)[:n_backends]):
                found.append(_plausible(rng, n, backend, dataset, repeat))
    return found


def _plausible(rng: np.random.Generator, n: int, backend: str, dataset: str, repeat: int) -> Record:
    default = (
        0.002 * 1.6**n,
        0.93 + 0.002 * (n % 7),
        0.5 + 0.02 * n,
        0.3 + 0.1 * (n % 6),
        0.1 * (n % 9),
    )
    epoch_s, floor, decay, import_s, warmup_s = FIVE.get(backend, default)
    n_train = 80_000 if dataset.startswith("ml") else 900_000
    problem = PROBLEM | {"n_train": n_train, "sha256": dataset}
    if not dataset.startswith("ml"):
        problem |= {"noise_floor": 0.8}
        epoch_s, floor = epoch_s * 11, floor - 0.10
    changes: dict[str, Any] = {
        "lines": {"total": 60 + 37 * (n % 8), "biases": 7 + n, "optimizer": 20 * (n % 2),
                  "dropout": 8 * (n == 4)},
        "gate": judged(n),
    }  # fmt: skip
    curve = points(epoch_s * rng.lognormal(0, 0.06), floor, decay)
    if n >= 5 and n % 5 == 1:
        changes["flags"] = ("The result is within 1% of the mean predictor's test RMSE.",)
        curve = points(epoch_s, 1.145, decay)
    if n == 7:
        curve = curve[:3]
        changes |= {"status": "diverged", "reason": "The loss left the finite numbers in epoch 3."}
    if n == 9:
        curve = ()
        changes |= {"status": "error", "reason": "Killed by signal 9 (out of memory?).",
                    "peak_mb": math.nan}  # fmt: skip
    return record(
        backend,
        case_changes={"dataset": dataset, "repeat": repeat},
        points=curve,
        problem=problem,
        import_s=import_s,
        warmup_s=warmup_s,
        **changes,
    )


def changed(
    records: list[Record],
    *,
    slower: float = 1.0,
    threads: int = 2,
    rank: int = 16,
    dataset: str = "",
) -> list[Record]:
    """The same runs elsewhere: epochs that take `slower` times as long, with other settings."""
    return [
        replace(
            r,
            case=replace(r.case, threads=threads, hyper={**r.case.hyper, "rank": rank},
                         dataset=dataset or r.case.dataset),
            points=tuple(replace(p, train_s=slower * p.train_s) for p in r.points),
        )
        for r in records
    ]  # fmt: skip
