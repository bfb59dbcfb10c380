"""The answer first: a sentence or two per data set, as strong as the evidence and no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from bench import stats
from bench.row import AGREES, Row
from bench.tables import times
from bench.units import fixed, seconds


@dataclass(frozen=True, slots=True)
class Answer:
    dataset: str
    sentence: str
    warning: str = ""  # about backends that are left out of the ranking


def answers(rows: Sequence[Row]) -> list[Answer]:
    """One for each data set, in the order of the rows."""
    found = []
    for dataset, group in groupby(rows, key=lambda row: row.dataset):
        whole = list(group)
        ranked = [row for row in whole if row.verdict == AGREES and row.applicable]
        left_out = [row.backend for row in whole if row.verdict != AGREES]
        found.append(Answer(dataset, _answer(ranked), _warning(left_out)))
    return found


def _answer(ranked: Sequence[Row]) -> str:
    if not ranked:
        return "No backend has such a score without a failure or a flag, so there is no ranking."
    first, goal = ranked[0], ranked[0].target.sentence
    if not math.isfinite(first.to_target_s):
        nearest = f"{first.backend} came nearest with {fixed(first.best_score)}"
        return f"No backend reached {goal}; {nearest} after {seconds(first.best_s)} of training."
    took = f"{seconds(first.to_target_s)} of training to {goal}"
    level = [row.backend for row in takewhile(lambda row: row.tied, ranked[1:])]
    if level:
        names = _list([first.backend, *level])
        return f"{names} can't be told apart: the first took {took}."
    reached = [row for row in ranked[1:] if math.isfinite(row.to_target_s)]
    if not reached:
        others = " and is the only one that reached it" if len(ranked) > 1 else ""
        return f"{first.backend} took {took}{others}."
    lead = stats.paired_ratio(reached[0].times_s, first.times_s)
    interval = f"{times(lead.low)} to {times(lead.high)}"
    return (
        f"{first.backend} is fastest: {took}. {reached[0].backend}, the next, takes "
        f"{times(lead.mid)} times as long (95% interval {interval})."
    )


def _warning(left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    verb = "is" if len(left_out) == 1 else "are"
    return f"{_list(left_out)} {verb} not ranked: a run failed or tripped a guard."


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
