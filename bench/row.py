"""What a ranking says about one backend on one data set."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bench.stats import Costs, Interval, Times, median
from bench.target import Target
from bench.units import fixed, seconds

AGREES, FLAGGED, FAILED = VERDICTS = ("agrees", "flagged", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One backend on one data set: medians over its repeats, NaN where nothing was measured."""

    dataset: str  # and the threads granted, the machine: Record.contest
    backend: str
    place: int | None = None  # from 1; None unless every repeat succeeded without a flag
    tied: bool = False  # can't be told apart from the row above
    verdict: str
    reasons: tuple[str, ...]  # of its failures and flags, each once
    notes: tuple[str, ...] = ()  # what a reader should know, and no fault
    repeats: int
    target: Target
    times_s: Times  # training seconds to the target, infinite for a miss; empty without a score
    epochs_to_target: float
    baseline: str = ""  # the backend that ratio compares with
    ratio: Interval = field(default_factory=Interval)  # of times_s, paired within a repeat
    best_score: float  # in the target's metric
    best_s: float  # training seconds at the best score
    test_rmse: float  # best
    J: float  # at the end
    stationarity: float
    costs: Costs
    ratings_hz: float  # training ratings per second of a steady epoch
    bytes_hz: float = math.nan  # that the algorithm has to move, and operations that it has to do
    flops_hz: float = math.nan
    of_limit: float = math.nan  # share of the machine's limit for the same work
    bound: str = ""  # what holds it back, in a word
    own_mb: float  # peak memory of the process, without the ratings
    data_mb: float = math.nan  # the ratings
    device_peak_mb: float = math.nan  # allocated on the CUDA device

    @property
    def to_target_s(self) -> float:
        """Median training seconds to the target; infinite where half the repeats or more missed."""
        return median(self.times_s.values())

    @property
    def reached(self) -> int:
        """Repeats that met the target."""
        return sum(math.isfinite(t) for t in self.times_s.values())

    @property
    def applicable(self) -> bool:
        """Whether it has the target's score at all: what only predicts has no J."""
        return self.verdict == FAILED or not math.isnan(self.best_score)

    @property
    def outcome(self) -> str:
        """The time to target as a reader wants it, or how far it came."""
        if math.isfinite(self.to_target_s):
            part = f" ({self.reached} of {self.repeats})" if self.reached < self.repeats else ""
            return seconds(self.to_target_s) + part
        if not self.applicable:
            return "not applicable"
        if math.isnan(self.best_score):
            return "not reached"
        return f"not reached (best {fixed(self.best_score)} at {seconds(self.best_s)})"
