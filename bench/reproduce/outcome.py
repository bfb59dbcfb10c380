"""What an experiment came to: scores of its samples, and a verdict for each published number."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from bench.problems.specs import text_of
from bench.reproduce.experiment import Claim, Experiment

REPRODUCED, MISSED, SHOWN = "reproduced", "missed", "shown"
EXACT = 1e-9  # what rounding may add to a tolerance


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One score after so many epochs: what was published, what came, the verdict.

    samples    one for each split seed or start, in their order
    published  (lowest, highest) of the published values, None where there is none
    tolerance  of the distance from them to the median; None: they must lie in the band
    """

    metric: str
    epoch: int
    samples: tuple[float, ...]
    published: tuple[float, float] | None = None
    tolerance: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def band(self) -> tuple[float, float]:
        """The lowest and the highest sample."""
        return min(self.samples), max(self.samples)

    @property
    def off(self) -> float:
        """Signed distance of the median from what was published, 0 between its ends."""
        if self.published is None:
            return 0.0
        low, high = self.published
        return self.median - min(max(self.median, low), high)

    @property
    def verdict(self) -> str:
        """reproduced, missed, or shown where nothing was published. What is not a number misses."""
        if self.published is None:
            return SHOWN
        if self.tolerance is not None:
            met = abs(self.off) <= self.tolerance + EXACT
        else:
            (low, high), (least, most) = self.published, self.band
            met = least - EXACT <= low and high <= most + EXACT
        return REPRODUCED if met else MISSED


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One experiment carried out.

    settings  of the backend, as `mfbench run -b` spells them, and the epochs
    curves    (metric, epoch, samples) for the figures
    error     what the published code raised, where that is what was awaited
    awaited   what it must contain
    problems  name of each problem -> its sha256
    """

    experiment: str
    group: str
    title: str
    source: str
    dataset: str
    settings: str
    note: str = ""
    rows: tuple[Row, ...] = ()
    curves: tuple[Row, ...] = ()
    error: str = ""
    awaited: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    started: str = ""  # ISO 8601, UTC
    env: Mapping[str, Any] = field(default_factory=dict)  # bench.records.Env

    @property
    def verdict(self) -> str:
        """missed where any row is, reproduced where any is, else shown."""
        found = [row.verdict for row in self.rows]
        if self.awaited:
            found.append(REPRODUCED if self.awaited in self.error else MISSED)
        return next((v for v in (MISSED, REPRODUCED) if v in found), SHOWN)


def judged(claim: Claim, samples: Sequence[float]) -> Row:
    """A claim and what our samples say to it."""
    return Row(
        metric=claim.metric,
        epoch=claim.epoch,
        samples=tuple(samples),
        published=claim.published,
        tolerance=claim.tolerance,
    )


def settings_of(experiment: Experiment) -> str:
    """`backend[k=v,...], n epochs`: what differs from the defaults of Hyper."""
    hyper = experiment.hyper
    changed = {
        f.name: text_of(getattr(hyper, f.name))
        for f in fields(hyper)
        if f.name != "options" and getattr(hyper, f.name) != f.default
    }
    changed |= {name: text_of(value) for name, value in hyper.options.items()}
    inside = ",".join(f"{name}={value}" for name, value in changed.items())
    epochs = f"{experiment.epochs} epoch{'s' * (experiment.epochs > 1)}"
    return f"{experiment.backend}[{inside}], {epochs}{'' if experiment.mean else ', no mean'}"
