"""`--fail-on`: what is worse than allowed beyond doubt, in words for the log of a build."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from bench.change import Change
from bench.compare import Compared
from bench.stats import ALPHA, ENOUGH

Limits = Mapping[str, float]  # name of a metric -> the relative worsening that is allowed


def failures(rows: Iterable[Compared], limits: Limits) -> list[str]:
    """One line for each change whose whole interval lies beyond its limit, and for each backend
    that failed or was flagged after.
    """
    return [f"{_name(row)}: {fault}" for row in rows for fault in _faults(row, limits)]


def undecided(rows: Iterable[Compared], limits: Limits) -> list[str]:
    """One line for each change that has a limit and no evidence to hold against it."""
    return [
        f"{_name(row)}: {change.metric.title} can't be judged; {_why(row, change)}"
        for row in rows
        for change in row.changes
        if change.metric.name in limits and not row.faults[1]
        if row.verdict or math.isnan(change.ratio.p)
    ]


def _name(row: Compared) -> str:
    return f"{row.backend} on {row.dataset}"


def _faults(row: Compared, limits: Limits) -> Iterator[str]:
    yield from row.faults[1]
    if row.verdict:
        return
    for change in row.changes:
        limit = limits.get(change.metric.name, math.inf)
        ratio, say = change.ratio, change.metric.ratio
        if ratio.low > 1 + limit:
            yield (
                f"{change.metric.title} is {say(ratio.mid)} times what it was (95% interval "
                f"{say(ratio.low)} to {say(ratio.high)}), where {say(1 + limit)} is allowed"
            )
        elif limit < math.inf and ratio.mid == math.inf and ratio.p <= ALPHA:
            yield _reached(row, change)


def _why(row: Compared, change: Change) -> str:
    if row.verdict:
        return f"before, {row.faults[0][0]}"
    if min(row.repeats) < ENOUGH:
        return f"{min(row.repeats)} repeats are too few: run with -r {ENOUGH} or more"
    if math.isnan(change.before) or math.isnan(change.after):
        return "nothing was measured"
    return _reached(row, change)


def _reached(row: Compared, change: Change) -> str:
    before, after = (f"{k} of {n}" for k, n in zip(change.reached, row.repeats))
    return f"the target was reached in {before} repeats before and {after} after"
