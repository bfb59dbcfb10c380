"""The clock: what counts as training, what does not, and when to stop. No I/O, no framework.

    t = clock(); steps = fit(...); snap = next(steps)               -> setup_s
    t = clock(); snap = next(steps); train_s += clock() - t         -> the only timed training line
    evaluate(snap())                                                -> snapshot_s, eval_s

Evaluation and snapshots are never part of `train_s`, and the budget counts `train_s` alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bench.records import Point
from mfimpls.contract import Backend, Factors, Hyper, Problem, Shown, Snapshot
from mfimpls.objective import Evaluation

Evaluate = Callable[[Shown], Evaluation]
AUDIT_TOLERANCE = 0.02
IDLE_WAIT_S = 1e-3  # to find an idle device idle takes microseconds; more is work that was left


@dataclass(frozen=True, slots=True)
class Clocks:
    """Wall and CPU seconds and memory of this process, and how to wait for its device; tests put
    their own in.
    """

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    peak_mb: Callable[[], float] = lambda: math.nan  # highest memory since it was last asked
    synchronise: Callable[[], None] = lambda: None  # return once the device is idle


@dataclass(frozen=True, slots=True)
class Limits:
    """Stop after so many epochs, or when training has taken `budget_s` seconds."""

    epochs: int
    budget_s: float = math.inf
    refits: bool = False  # each epoch trains from scratch: its own time alone leads to its point
    enough: Callable[[Point], bool] = lambda point: False  # a point that ends the run


@dataclass(slots=True)
class Measurement:
    """What one run took and reached; all times in seconds."""

    status: str = "ok"
    reason: str = ""
    setup_s: float = math.nan
    train_s: float = 0.0
    train_cpu_s: float = 0.0
    reached_s: float = 0.0  # of train_s, what leads to the factors at hand
    off_clock_s: float = 0.0  # snapshots, evaluation, reporting
    late_s: float = 0.0  # of off_clock_s, what the device still worked after a yield
    whole_s: float = math.nan
    peak_mb: float = 0.0  # during set-up and training, not evaluation
    points: list[Point] = field(default_factory=list)
    last: Shown | None = None  # the last that was finite

    @property
    def effective_cores(self) -> float:
        """CPU time over wall time of the training lines."""
        return self.train_cpu_s / self.train_s if self.train_s > 0 else math.nan

    @property
    def unaccounted(self) -> float:
        """Share of the whole that no part accounts for; `suspect` above 2%."""
        parts = self.setup_s + self.train_s + self.off_clock_s
        return 1 - parts / self.whole_s if self.whole_s > 0 else 0.0

    @property
    def suspect(self) -> str:
        """One sentence where the clock missed work, else empty."""
        if self.late_s > AUDIT_TOLERANCE * self.train_s + IDLE_WAIT_S:
            late = f"{self.late_s:.3g} s of its work came after the yields"
            return f"suspect clock: the device was not idle, {late} of {self.train_s:.3g} s in all"
        if abs(self.unaccounted) <= AUDIT_TOLERANCE:
            return ""
        return f"suspect clock: {self.unaccounted:.1%} of the run is in none of its parts"


def measure(
    steps: Callable[[], Iterator[Snapshot]],
    evaluate: Evaluate,
    limits: Limits,
    on_point: Callable[[Point], None] = lambda point: None,
    clocks: Clocks = Clocks(),
) -> Measurement:
    """Run one fit to its limits. `steps` starts it; `on_point` hears of points, off the clock."""
    clock, m = clocks.wall, Measurement()
    clocks.peak_mb()
    began = clock()
    running = steps()
    snap = next(running)
    clocks.synchronise()  # what set-up left for the device to do is no part of the first epoch
    m.setup_s = clock() - began
    m.peak_mb = clocks.peak_mb()
    m.off_clock_s += clock() - began - m.setup_s
    for epoch in range(limits.epochs + 1):
        if epoch:
            if m.train_s >= limits.budget_s:
                m.status = "budget"
                m.reason = f"{limits.budget_s:g} s of training were spent after {epoch - 1} epochs"
                break
            before_s = m.train_s
            snap = _train(running, m, clocks)
            # Noise only adds time, so more epochs never take less.
            m.reached_s = max(m.reached_s, m.train_s - (before_s if limits.refits else 0.0))
        point = _look(epoch, snap, m, evaluate, clock)
        if point is None:
            m.status = "diverged"
            m.reason = f"the loss is not finite after epoch {epoch}; try a smaller lr"
            break
        t = clock()
        on_point(point)
        done = limits.enough(point)
        m.off_clock_s += clock() - t
        if done:
            break
    m.whole_s = clock() - began
    finish(running)
    return m


def _train(running: Iterator[Snapshot], m: Measurement, clocks: Clocks) -> Snapshot:
    began = clocks.wall()
    clocks.peak_mb()
    cpu = clocks.cpu()
    t = clocks.wall()
    snap = next(running)
    train_s = clocks.wall() - t
    m.train_s += train_s
    m.train_cpu_s += clocks.cpu() - cpu
    t = clocks.wall()
    clocks.synchronise()
    m.late_s += clocks.wall() - t
    m.peak_mb = max(m.peak_mb, clocks.peak_mb())
    # These readings are system calls, which on a busy machine can wait for milliseconds.
    m.off_clock_s += clocks.wall() - began - train_s
    return snap


def _look(
    epoch: int, snap: Snapshot, m: Measurement, evaluate: Evaluate, clock: Callable[[], float]
) -> Point | None:
    # Copy and judge one snapshot; None where it is not finite, and then its point is not kept.
    t = clock()
    shown = snap()
    snapshot_s = clock() - t
    t = clock()
    with np.errstate(all="ignore"):
        judged = evaluate(shown)
    eval_s = clock() - t
    m.off_clock_s += snapshot_s + eval_s
    if not _is_finite(shown, judged):
        return None
    point = Point(
        epoch=epoch,
        train_s=m.reached_s,
        J=judged.J,
        train_rmse=judged.train_rmse,
        test_rmse=judged.test_rmse,
        test_mae=judged.test_mae,
        snapshot_s=snapshot_s,
        eval_s=eval_s,
    )
    m.points.append(point)
    m.last = shown
    return point


def _is_finite(shown: Shown, judged: Evaluation) -> bool:
    # J sees every factor; where it is absent, the predictions are looked at one by one.
    if isinstance(shown, Factors):
        return math.isfinite(judged.J)
    return all(bool(np.isfinite(a).all()) for a in shown.arrays)


def warm_up(backend: Backend, problem: Problem, hyper: Hyper, init: Factors) -> None:
    """Two epochs and their snapshots on a tiny problem: compiles, loads, allocates."""
    steps = backend.fit(problem, hyper, init)
    for _ in range(3):
        next(steps)()
    finish(steps)


def finish(running: Iterator[Snapshot]) -> None:
    """End a fit, where it can be ended: an iterator need not be a generator."""
    close = getattr(running, "close", None)
    if close:
        close()
