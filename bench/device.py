"""The audit of a device that works on its own: does the clock see all of its work?

A CUDA kernel is only queued when its call returns. A backend waits for the device before it yields,
and the clock believes it; here it is checked. k epochs in which it waits after each are timed
against k epochs queued at once with one wait at their end, which is the work and nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from statistics import median
from typing import Any
from unittest import mock

from bench.measure import AUDIT_TOLERANCE, Clocks, Measurement, finish
from mfimpls.contract import Snapshot

Steps = Callable[[], Iterator[Snapshot]]
Quiet = Callable[[], AbstractContextManager[Any]]

ROUNDS = 5
ROUND_S = 0.5  # about what one round may take, set-up apart


@dataclass(frozen=True, slots=True)
class Audit:
    """Seconds of the same epochs, medians of interleaved rounds."""

    epochs: int
    each_s: float  # waiting for the device after every epoch, as the clock does
    once_s: float  # waiting once, after the last

    @property
    def suspect(self) -> str:
        """One sentence where the clock sees less than the work there is, else empty."""
        if self.each_s >= (1 - AUDIT_TOLERANCE) * self.once_s:
            return ""
        return (
            f"suspect clock: {self.epochs} epochs take {self.each_s:.3g} s by the clock and "
            f"{self.once_s:.3g} s with one synchronisation at their end; work is left at the yields"
        )

    @property
    def note(self) -> str:
        """What waiting after every epoch costs."""
        share = self.each_s / self.once_s - 1
        return (
            f"device audit: {self.epochs} epochs synchronised one by one take {self.each_s:.3g} s, "
            f"with one synchronisation at their end {self.once_s:.3g} s ({share:+.1%})"
        )


def synchroniser(device: str) -> Callable[[], None]:
    """What waits until `device` is idle; the harness calls it itself and takes no one's word."""
    if device != "cuda":
        return lambda: None
    import torch

    return torch.cuda.synchronize


def unsynchronised() -> AbstractContextManager[Any]:
    """Within it, PyTorch's call to wait for the device does nothing, so that epochs queue up."""
    torch: Any = sys.modules["torch"]
    return mock.patch.object(torch.cuda, "synchronize", return_value=None)


def audit(steps: Steps, m: Measurement, clocks: Clocks, quiet: Quiet = unsynchronised) -> Audit:
    """Time the first epochs of a run again, both ways by turns. `m` says how long they took."""
    done = m.points[-1].epoch
    epochs = max(1, min(done, int(ROUND_S * done / m.train_s)))
    nothing = replace(clocks, synchronise=lambda: None)
    rounds = [
        (_timed(steps, epochs, nothing, nullcontext), _timed(steps, epochs, clocks, quiet))
        for _ in range(ROUNDS)
    ]
    each, once = zip(*rounds, strict=True)
    return Audit(epochs, median(each), median(once))


def _timed(steps: Steps, epochs: int, clocks: Clocks, quiet: Quiet) -> float:
    running = steps()
    next(running)
    clocks.synchronise()
    t = clocks.wall()
    with quiet():
        for _ in range(epochs):
            next(running)
    clocks.synchronise()
    elapsed_s = clocks.wall() - t
    finish(running)
    return elapsed_s
