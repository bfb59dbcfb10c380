"""Numbers from repeats: medians, what each part of a case costs, ratios and their intervals.

A repeat is paired with the same repeat of another backend: the runner interleaves backends within a
repeat, so what disturbs the machine for a while disturbs both and cancels in their ratio.
docs/statistics.md says why the intervals are Student's and not bootstrapped.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.records import Record

Pair = tuple[int, int]  # seed, repeat: what two backends share in one round
Times = Mapping[Pair, float]  # seconds, infinite for a target that was missed

Vector = NDArray[np.float64]

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
ENOUGH = 3  # repeats for an interval: two give one that spans decades
ROUNDING = 1e-12  # spread of logs that is none


@dataclass(frozen=True, slots=True)
class Interval:
    """A ratio and its 95% interval; NaN where there is too little to say."""

    mid: float = math.nan  # geometric mean
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan  # how often equal sides would differ as much or more

    @property
    def excludes_one(self) -> bool:
        return self.low > 1 or self.high < 1


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of one case, by part. The first three are paid once, the last four per epoch."""

    import_s: float
    warmup_s: float
    setup_s: float
    first_epoch_s: float
    epoch_s: float  # median of the epochs after the first; of refits, whose points are runs, mean
    snapshot_s: float
    eval_s: float

    @property
    def paid_once(self) -> dict[str, float]:
        """Part -> seconds before training, and what the first epoch takes beyond a steady one."""
        extra = self.first_epoch_s - self.epoch_s
        return _known({"import": self.import_s, "warm-up": self.warmup_s, "set-up": self.setup_s,
                       "first epoch, extra": extra})  # fmt: skip

    @property
    def per_epoch(self) -> dict[str, float]:
        """Part -> seconds that every epoch takes, its evaluation included."""
        return _known(
            {"steady epoch": self.epoch_s, "snapshot": self.snapshot_s, "evaluation": self.eval_s}
        )


def _known(parts: Mapping[str, float]) -> dict[str, float]:
    return {name: value if value > 0 else 0.0 for name, value in parts.items()}


def costs(record: Record) -> Costs:
    """What one case spent, by part."""
    epochs = [
        (b.train_s - a.train_s) / (b.epoch - a.epoch) for a, b in pairwise(record.points)
    ] or [math.nan]
    return Costs(
        record.import_s,
        record.warmup_s,
        record.setup_s,
        epochs[0],
        _slope(epochs) if record.refits else median(epochs[1:] or epochs),
        median(p.snapshot_s for p in record.points),
        median(p.eval_s for p in record.points),
    )


def _slope(epochs: Sequence[float]) -> float:
    # What an epoch more adds to a run. Nothing is no measurement: the first run was the slowest.
    return fmean(epochs[1:] or epochs) or math.nan


def median_costs(records: Iterable[Record]) -> Costs:
    """Part by part, the median over repeats."""
    return Costs(*(median(part) for part in zip(*(astuple(costs(r)) for r in records))))


def median(values: Iterable[float]) -> float:
    """Median of what is not NaN; infinity counts (a missed target), nothing gives NaN."""
    known = sorted(v for v in values if not math.isnan(v))
    if not known:
        return math.nan
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    return low if low == high else (low + high) / 2


def pair(record: Record) -> Pair:
    """The round that a record belongs to."""
    return int(record.case.hyper.get("seed", 0)), record.case.repeat


def paired_ratio(times: Times, baseline: Times) -> Interval:
    """Geometric mean over shared repeats of times / baseline, with Student's interval of the mean
    log ratio. What disturbs a whole repeat cancels. A repeat that either side missed is left out.
    """
    shared = sorted(times.keys() & baseline.keys())
    met = [k for k in shared if _is_time(times[k]) and _is_time(baseline[k])]
    logs = np.log([times[k] / baseline[k] for k in met])
    return _interval([logs], lambda stats: stats.ttest_1samp(logs, 0.0))


def unpaired_ratio(times: Times, baseline: Times) -> Interval:
    """Ratio of the geometric means of times and baseline, with Welch's interval of the difference
    of mean logs: for runs whose repeats have nothing in common. Misses are left out.
    """
    ours, theirs = (np.log(list(filter(_is_time, t.values()))) for t in (times, baseline))
    return _interval([ours, theirs], lambda stats: stats.ttest_ind(ours, theirs, equal_var=False))


def _is_time(seconds: float) -> bool:
    return 0 < seconds < math.inf


def _interval(sides: Sequence[Vector], test: Callable[[Any], Any]) -> Interval:
    # Of one side's mean log, or of the difference between two; `test` is given scipy.stats.
    if not all(map(len, sides)):
        return Interval()
    shift = float(sides[0].mean() - sum(side.mean() for side in sides[1:]))
    mid = math.exp(shift)
    if min(map(len, sides)) < ENOUGH:
        return Interval(mid)
    if max(map(np.ptp, sides)) < ROUNDING:
        return Interval(mid, mid, mid, float(abs(shift) < ROUNDING))
    from scipy import stats

    with warnings.catch_warnings():
        # One side of two may be constant, which scipy warns of and handles.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        found = test(stats)
    low, high = map(math.exp, found.confidence_interval(CONFIDENCE))
    return Interval(mid, low, high, float(found.pvalue))
