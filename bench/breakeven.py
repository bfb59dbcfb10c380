"""Break-even: how many epochs, or ratings, until a backend that is slow to start has caught up?

What a backend takes from a cold start is a straight line: what it pays once, and what each epoch or
rating adds. Compilation and transfers raise the start, a faster kernel lowers the slope, and two
lines cross once at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.row import Row
from bench.stats import Costs
from bench.units import count, seconds


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """Seconds as a function of size: start_s + slope_s x size."""

    start_s: float
    slope_s: float

    def at(self, size: float) -> float:
        return self.start_s + self.slope_s * size


@dataclass(frozen=True, slots=True)
class Race:
    """`chaser` starts behind and has caught up at `size`: infinite for never, NaN for unknown."""

    leader: str
    chaser: str
    size: float


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Two backends on one data set from a cold start: over epochs, and over training ratings where
    each runs for as many epochs as it needs to the target.
    """

    epochs: Race
    epochs_s: float  # seconds from a cold start to the break-even over epochs
    ratings: Race

    @property
    def sentence(self) -> str:
        """Both answers in words; empty where nothing is known."""
        said = (_over_epochs(self.epochs, self.epochs_s), _over_ratings(self.ratings))
        return " ".join(filter(None, said))


def break_even(row: Row, other: Row) -> BreakEven:
    """When the slower starter of two rows of one data set has caught up."""
    ours, theirs = over_epochs(row.costs), over_epochs(other.costs)
    epochs = race((ours, row.backend), (theirs, other.backend))
    ratings = race((over_ratings(row), row.backend), (over_ratings(other), other.backend))
    return BreakEven(epochs, ours.at(epochs.size), ratings)


def over_epochs(costs: Costs) -> Line:
    """Import, warm-up, set-up and what the first epoch takes beyond a steady one; then a steady
    epoch each. Snapshots and evaluation are the harness's and left out.
    """
    first = costs.import_s + costs.warmup_s + costs.setup_s + costs.first_epoch_s
    return Line(first - costs.epoch_s, costs.epoch_s)


def over_ratings(row: Row) -> Line:
    """Import and warm-up; then set-up and the epochs to the target, which are taken to be as many
    and to cost as much per training rating whatever the number of ratings.
    """
    costs = row.costs
    n_train = row.ratings_hz * costs.epoch_s
    grows_s = costs.setup_s + costs.first_epoch_s + (row.epochs_to_target - 1) * costs.epoch_s
    return Line(costs.import_s + costs.warmup_s, grows_s / n_train)


def race(one: tuple[Line, str], other: tuple[Line, str]) -> Race:
    """Which of two named lines starts behind, and where it meets the other."""
    (ahead, leader), (behind, chaser) = sorted((one, other))
    late, gain = behind.start_s - ahead.start_s, ahead.slope_s - behind.slope_s
    if math.isnan(late + gain):
        return Race(leader, chaser, math.nan)
    return Race(leader, chaser, late / gain if gain > 0 else math.inf)


def _over_epochs(race: Race, after_s: float) -> str:
    if math.isnan(race.size):
        return ""
    if math.isinf(race.size):
        return f"{race.chaser} never overtakes {race.leader}."
    n = max(1, math.ceil(race.size))
    when = f"after {n} epochs" if n > 1 else "within the first epoch"
    about = f"about {seconds(after_s, 2)} from a cold start"
    return f"{race.chaser} overtakes {race.leader} {when}, {about}."


def _over_ratings(race: Race) -> str:
    if math.isnan(race.size):
        return ""
    if 1 <= race.size < math.inf:
        size = count(race.size, 2)
        return f"To the target, {race.chaser} is faster from about {size} ratings on."
    faster = race.chaser if race.size < 1 else race.leader
    return f"To the target, {faster} is faster whatever the number of ratings."
