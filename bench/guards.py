"""Guards on every record: what no honest run shows, as sentences that name the likely fault."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from bench.records import Record

NEAR_MEAN = 0.01
SLOW_SNAPSHOT_S = 5e-3
SPARE_CORES = 0.2
ENOUGH_TRAINING_S = 0.5  # below, the CPU clock is too coarse to tell
STANDARD_ERRORS = 4.0
RISE = {"float32": 1e-5, "float64": 1e-10}  # relative rounding of J over an epoch


def guards(record: Record, monotone: bool = False) -> tuple[str, ...]:
    """One sentence per guard that a record trips; `monotone` is what its backend declares."""
    if record.epochs < 1:
        return ()
    checks = [_mean_predictor, _snapshot, _missing_numbers, _threads, _noise_floor]
    checks += [_rising] if monotone and record.objective == "J" else []
    return tuple(sentence for check in checks for sentence in check(record))


def _mean_predictor(record: Record) -> Iterator[str]:
    # An id of the wrong type, or decay that collapses the embeddings, leaves the global mean.
    mean_rmse = record.problem.get("mean_rmse") or math.nan
    best = min(point.test_rmse for point in record.points[1:])
    if best > (1 - NEAR_MEAN) * mean_rmse:
        yield (
            f"no better than the mean: its best test RMSE is {best:.4f}, within 1% of the mean "
            f"predictor's {mean_rmse:.4f} or above; did it learn anything?"
        )


def _snapshot(record: Record) -> Iterator[str]:
    # Work that an asynchronous device still had to do turns up in the snapshot.
    epoch_s = median(b.train_s - a.train_s for a, b in pairwise(record.points))
    snapshot_s = median(point.snapshot_s for point in record.points[1:])
    # Where each point is a run of its own, a later one may add nothing: then the mean tells.
    epoch_s = max(epoch_s, record.train_s / record.epochs)
    if snapshot_s > max(SLOW_SNAPSHOT_S, epoch_s):
        yield (
            f"its snapshot takes {snapshot_s:.3g} s and its epoch {epoch_s:.3g} s: the "
            "epoch's work was not done when it yielded; wait for the device first"
        )


def _missing_numbers(record: Record) -> Iterator[str]:
    scores = ["J", "train_rmse"] * (not record.predicts)  # absent of what only predicts
    scores += ["test_rmse", "test_mae"] * bool(record.problem.get("n_test"))
    for name in scores:
        if any(not math.isfinite(getattr(point, name)) for point in record.points):
            yield f"its {name} is not a finite number"


def _threads(record: Record) -> Iterator[str]:
    # Threads set too late, or a pool of its own: a backend that takes more cores than it was given.
    granted = record.case.threads
    used = record.effective_cores
    if record.train_s >= ENOUGH_TRAINING_S and used > granted + SPARE_CORES:
        yield (
            f"it kept {used:.2f} cores busy where {granted} threads were granted; "
            "it takes no notice of the thread settings"
        )
    for name, threads in (record.env.threads if record.env else {}).items():
        if threads > granted:
            yield f"{name} reports {threads} threads where {granted} were granted"


def _noise_floor(record: Record) -> Iterator[str]:
    # The RMSE of n errors scatters by about 1 / sqrt(2 n) of itself.
    floor, n_test = record.problem.get("noise_floor"), record.problem.get("n_test")
    if not floor or not n_test:
        return
    best = min(point.test_rmse for point in record.points)
    if best < floor * (1 - STANDARD_ERRORS / math.sqrt(2 * n_test)):
        yield (
            f"better than the truth: its test RMSE {best:.4f} is below the planted noise floor "
            f"{floor:.4f}; it has seen the test ratings"
        )


def _rising(record: Record) -> Iterator[str]:
    tolerance = RISE[record.case.hyper.get("dtype", "float32")]
    for a, b in pairwise(record.points):
        rise = b.J - a.J
        if rise > tolerance * abs(a.J):
            yield (
                f"J rises from {a.J:.6g} to {b.J:.6g} in epoch {b.epoch}, though the backend "
                "declares that it never does"
            )
            return
