"""One measure of one backend before and after, and whether the ratio is more than noise."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bench.matching import Match
from bench.metrics import Metric
from bench.records import Record
from bench.stats import ALPHA, ENOUGH, Interval, Times, median, pair, paired_ratio, unpaired_ratio
from bench.target import Target

BETTER, WORSE, UNCLEAR, FAILED, FLAGGED = "+-~x!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One measure before and after, medians over repeats. `ratio` is after / before, infinite where
    the target is reached less often after, 0 where more often.
    """

    metric: Metric
    before: float
    after: float
    reached: tuple[int, int]  # repeats with a finite value
    ratio: Interval
    paired: bool
    mark: str = UNCLEAR


def change_of(metric: Metric, match: Match, goal: Target) -> Change:
    """One measure of one match, yet without a mark."""
    before, after = (_values(metric, side, goal) for side in (match.before, match.after))
    shared = len(before.keys() & after.keys())
    paired = shared >= ENOUGH and (metric.is_score or match.alternates)
    return Change(
        metric=metric,
        before=median(before.values()),
        after=median(after.values()),
        reached=(_reached(before), _reached(after)),
        ratio=_ratio(before, after, paired),
        paired=paired,
    )


def _values(metric: Metric, records: Iterable[Record], goal: Target) -> Times:
    values = {pair(r): metric.of(r, goal) for r in records if r.succeeded}
    return {key: value for key, value in values.items() if not math.isnan(value)}


def _reached(values: Times) -> int:
    return sum(map(math.isfinite, values.values()))


def _ratio(before: Times, after: Times, paired: bool) -> Interval:
    if _reached(before) < len(before) or _reached(after) < len(after):
        return _by_misses(before, after)
    return (paired_ratio if paired else unpaired_ratio)(after, before)


def _by_misses(before: Times, after: Times) -> Interval:
    # A time and a miss have no ratio: compare how often each side reached the target.
    from scipy.stats import barnard_exact

    counts = [(_reached(side), len(side) - _reached(side)) for side in (before, after)]
    (met, missed), (met_after, missed_after) = counts
    gained = met_after * (met + missed) - met * (met_after + missed_after)
    if not gained:
        return Interval()
    return Interval(0.0 if gained > 0 else math.inf, p=float(barnard_exact(counts).pvalue))


def mark_of(change: Change, p: float) -> str:
    """What a change is where its p, adjusted for its neighbours, is `p`."""
    ratio, least = change.ratio.mid, change.metric.least
    if not p <= ALPHA or 1 / (1 + least) <= ratio <= 1 + least:
        return UNCLEAR
    return WORSE if ratio > 1 else BETTER
