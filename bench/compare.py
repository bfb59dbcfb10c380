"""Two runs side by side: before, after, their ratio, and whether it is more than noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from bench import matching
from bench.matching import Difference, Match
from bench.metrics import METRICS, Metric
from bench.records import Record, ResultsError
from bench.stats import ALPHA, ENOUGH, Interval, Times, median, pair, paired_ratio, unpaired_ratio
from bench.target import Target, target_of

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One backend on one data set in two runs, with one change for each of METRICS."""

    dataset: str
    backend: str
    threads: tuple[int, int]
    repeats: tuple[int, int]
    target: Target
    verdict: str  # x where a repeat of either side failed, ! where one was flagged, else empty
    faults: tuple[tuple[str, ...], tuple[str, ...]]  # reasons for it, before and after
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs: what both hold, what only one holds as `backend on data set`, and where their
    conditions (if forced) and versions differ.
    """

    rows: Sequence[Compared]
    only_before: Sequence[str]
    only_after: Sequence[str]
    conditions: Sequence[Difference]
    versions: Sequence[Difference]


def compare(
    before: Sequence[Record],
    after: Sequence[Record],
    target: float | None = None,
    force: bool = False,
) -> Comparison:
    """Two runs side by side; `target` as in rows(). Raises ResultsError where they share nothing
    or, unless forced, where what both hold ran under other conditions.
    """
    found = matching.matches(before, after)
    only = matching.unmatched(before, after)
    if not found:
        raise ResultsError(
            f"The two runs share nothing to compare: {only[0][0]} is only in the first and "
            f"{only[1][0]} only in the second."
        )
    conditions = [off for match in found for off in matching.conditions(match)]
    if not force:
        matching.refuse(conditions)
    return Comparison(rows(found, target), *only, conditions, matching.versions(found))


def rows(found: Iterable[Match], target: float | None = None) -> list[Compared]:
    """One row per match, data set by data set, each timed to one target common to both sides:
    `target`, else what bench.target.target_of finds for the records of both.
    """
    unmarked: list[Compared] = []
    for _, group in groupby(sorted(found, key=lambda m: m.dataset), key=lambda m: m.dataset):
        matched = list(group)
        goal = target_of([r for m in matched for r in (*m.before, *m.after)], target)
        unmarked += [_row(match, goal) for match in matched]
    columns = [_marked(unmarked, k) for k in range(len(METRICS))]
    return [replace(row, changes=changes) for row, changes in zip(unmarked, zip(*columns))]


def _row(match: Match, goal: Target) -> Compared:
    sides = (match.before, match.after)
    faults = (_faults(match.before), _faults(match.after))
    failed = any(not r.succeeded for side in sides for r in side)
    return Compared(
        dataset=match.dataset,
        backend=match.backend,
        threads=(match.before[0].case.threads, match.after[0].case.threads),
        repeats=(len(match.before), len(match.after)),
        target=goal,
        verdict=FAILED if failed else FLAGGED if any(faults) else "",
        faults=faults,
        changes=tuple(_change(metric, match, goal) for metric in METRICS),
    )


def _faults(records: Sequence[Record]) -> tuple[str, ...]:
    # Each once, with the number of repeats that it holds for.
    said = [r.reason for r in records if not r.succeeded] + [f for r in records for f in r.flags]
    return tuple(
        f"{said.count(why)} of {len(records)} repeats: {why}" for why in dict.fromkeys(said)
    )


def _change(metric: Metric, match: Match, goal: Target) -> Change:
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


def _marked(rows: Sequence[Compared], k: int) -> list[Change]:
    # One measure down the table. Many comparisons find some difference by chance, so their p are
    # adjusted together (Benjamini and Hochberg 1995): equal runs get no mark in 19 tables of 20.
    from scipy.stats import false_discovery_control

    changes = [row.changes[k] for row in rows]
    p = np.array([math.nan if row.verdict else row.changes[k].ratio.p for row in rows])
    known = ~np.isnan(p)
    p[known] = false_discovery_control(p[known])
    return [
        replace(change, mark=row.verdict or _mark(change, p_adjusted))
        for row, change, p_adjusted in zip(rows, changes, p)
    ]


def _mark(change: Change, p: float) -> str:
    ratio, least = change.ratio.mid, change.metric.least
    if not p <= ALPHA or 1 / (1 + least) <= ratio <= 1 + least:
        return UNCLEAR
    return WORSE if ratio > 1 else BETTER
