"""Two runs side by side: before, after, their ratio, and whether it is more than noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from bench import matching
from bench.change import FAILED, FLAGGED, Change, change_of, mark_of
from bench.matching import Difference, Match
from bench.metrics import METRICS
from bench.records import Record, ResultsError
from bench.target import Target, target_of


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


def compare(before: Sequence[Record], after: Sequence[Record], force: bool = False) -> Comparison:
    """Two runs side by side. Raises ResultsError where they share nothing or, unless forced, where
    what both hold ran under other conditions.
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
    return Comparison(rows(found), *only, conditions, matching.versions(found))


def rows(found: Iterable[Match]) -> list[Compared]:
    """One row per match, data set by data set, each timed to one target common to both sides: the
    one that the records before carry, else the one derived from both (bench.target).
    """
    unmarked: list[Compared] = []
    for _, group in groupby(sorted(found, key=lambda m: m.dataset), key=lambda m: m.dataset):
        matched = list(group)
        goal = target_of([r for m in matched for r in (*m.before, *m.after)])
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
        changes=tuple(change_of(metric, match, goal) for metric in METRICS),
    )


def _faults(records: Sequence[Record]) -> tuple[str, ...]:
    # Each once, with the number of repeats that it holds for.
    said = [r.reason for r in records if not r.succeeded] + [f for r in records for f in r.flags]
    return tuple(
        f"{said.count(why)} of {len(records)} repeats: {why}" for why in dict.fromkeys(said)
    )


def _marked(rows: Sequence[Compared], k: int) -> list[Change]:
    # One measure down the table. Many comparisons find some difference by chance, so their p are
    # adjusted together (Benjamini and Hochberg 1995): equal runs get a mark in one table of 20.
    from scipy.stats import false_discovery_control

    changes = [row.changes[k] for row in rows]
    p = np.array([math.nan if row.verdict else row.changes[k].ratio.p for row in rows])
    known = ~np.isnan(p)
    p[known] = false_discovery_control(p[known])
    return [
        replace(change, mark=row.verdict or mark_of(change, p_adjusted))
        for row, change, p_adjusted in zip(rows, changes, p)
    ]
