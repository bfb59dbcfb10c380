"""How long cases will take, from what is known: a stored run of the same kind, or a pilot epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.records import Case, Record
from bench.stats import costs

Kind = tuple[str, str, int]  # data set, backend, threads


def kind(case: Case) -> Kind:
    """What cases of one duration share."""
    return case.dataset, case.backend, case.threads


@dataclass(frozen=True, slots=True)
class Estimate:
    """Wall-clock seconds of one case: what is paid once, and each epoch with its evaluation."""

    once_s: float
    train_s: float  # per epoch
    around_s: float  # snapshot and evaluation, per epoch

    def of(self, case: Case) -> float:
        """Seconds that a case takes, which ends by its epochs or by its budget."""
        epochs = case.epochs
        if self.train_s > 0:
            epochs = min(epochs, math.ceil(case.budget_s / self.train_s))
        return self.once_s + epochs * (self.train_s + self.around_s)


def estimate(record: Record) -> Estimate | None:
    """What one finished case tells about others of its kind; None if it never trained."""
    if record.epochs < 1:
        return None
    spent = costs(record)
    around_s = spent.snapshot_s + spent.eval_s
    once_s = record.wall_s - record.train_s - record.epochs * around_s
    return Estimate(max(0.0, once_s), record.train_s / record.epochs, around_s)


def estimates(records: Iterable[Record]) -> dict[Kind, Estimate]:
    """The latest estimate for each kind of case."""
    found = ((kind(record.case), estimate(record)) for record in records)
    return {key: value for key, value in found if value is not None}


def total_s(cases: Sequence[Case], known: Mapping[Kind, Estimate]) -> float:
    """Seconds for all cases; what is not known counts as the mean of the rest. NaN for no idea."""
    told = [known[kind(case)].of(case) for case in cases if kind(case) in known]
    if not told:
        return math.nan if cases else 0.0
    return sum(told) + (len(cases) - len(told)) * fmean(told)


def shares(cases: Sequence[Case], known: Mapping[Kind, Estimate]) -> dict[str, float]:
    """Backend -> its part of the estimated time, largest first."""
    spent: dict[str, float] = {}
    for case in cases:
        if kind(case) in known:
            spent[case.backend] = spent.get(case.backend, 0.0) + known[kind(case)].of(case)
    whole = sum(spent.values()) or 1.0
    return {name: part / whole for name, part in sorted(spent.items(), key=lambda s: -s[1])}
