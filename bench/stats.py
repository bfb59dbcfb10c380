"""Numbers from repeats: medians, what each part of a case costs, intervals of paired ratios.

A repeat is paired with the same repeat of another backend: the runner interleaves backends within a
repeat, so what disturbs the machine for a while disturbs both and cancels in their ratio.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.records import Record

Pair = tuple[int, int]  # seed, repeat: what two backends share in one round
Times = Mapping[Pair, float]  # seconds, infinite for a target that was missed

CONFIDENCE = 0.95
ENOUGH_TO_RESAMPLE = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """A ratio and its 95% interval; NaN where there is too little to say."""

    mid: float = math.nan
    low: float = math.nan
    high: float = math.nan

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
    epoch_s: float  # median of the epochs after the first
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
        median(epochs[1:] or epochs),
        median(p.snapshot_s for p in record.points),
        median(p.eval_s for p in record.points),
    )


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


def paired_ratio(times: Times, baseline: Times) -> Interval:
    """Median over shared repeats of times / baseline, with its 95% interval.

    From five pairs on the interval is a percentile bootstrap of the median. With fewer, resampling
    covers far too little (three equal backends would look different one time in four), so it is
    Student's interval of the mean log ratio. One pair has no interval.
    """
    pairs = [(times[k], baseline[k]) for k in times.keys() & baseline.keys()]
    ratios = np.array([a / b for a, b in pairs if 0 < a < math.inf and 0 < b < math.inf])
    if len(ratios) == 0:
        return Interval()
    ratios.sort()
    mid = float(np.median(ratios))
    if len(ratios) == 1:
        return Interval(mid)
    if ratios[0] == ratios[-1]:
        return Interval(mid, mid, mid)
    low, high = (_bootstrap if len(ratios) >= ENOUGH_TO_RESAMPLE else _student)(ratios)
    return Interval(mid, low, high)


def _bootstrap(ratios: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import stats

    found = stats.bootstrap(
        (ratios,),
        np.median,
        method="percentile",
        confidence_level=CONFIDENCE,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def _student(ratios: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import stats

    found = stats.ttest_1samp(np.log(ratios), 0.0).confidence_interval(CONFIDENCE)
    return math.exp(found.low), math.exp(found.high)
