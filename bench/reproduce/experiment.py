"""A published result as data: where it stands, its settings, its numbers, and how near is near."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mfimpls.contract import Hyper

POSTED = "posted"  # the split that the post itself drew: bench.reproduce.problems


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One score after so many epochs, and what was published for it.

    metric     a name in bench.reproduce.scores
    published  the value, or the lowest and the highest of several; None where it is only shown
    tolerance  how far from it the median of our samples may lie; None: it must lie among them
    """

    metric: str
    epoch: int
    published: tuple[float, float] | None = None
    tolerance: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """One published result.

    group    who published it; `mfbench reproduce GROUP` runs all of a group
    source   where it is published
    backend  one of ours, or of bench.reproduce.variants
    hyper    its settings; the seed is that of the sample, from 0
    dataset  a name of bench.problems
    splits   what makes a sample: the test parts whose scores are averaged into it
    curve    epochs at which test and train MSE are kept for a figure
    mean     False predicts without the mean of the training ratings
    timed    whether --time says how many ratings a second it trains on
    raises   what the error says, where the published code can't run
    note     how this differs from what was published
    """

    name: str
    group: str
    title: str
    source: str
    backend: str
    hyper: Hyper
    dataset: str
    splits: tuple[tuple[str, ...], ...]
    claims: tuple[Claim, ...] = ()
    curve: tuple[int, ...] = ()
    mean: bool = True
    timed: bool = False
    raises: str = ""
    note: str = ""

    @property
    def scores(self) -> list[tuple[str, int]]:
        """(metric, epoch) of all that is scored, each once."""
        claimed = [(claim.metric, claim.epoch) for claim in self.claims]
        drawn = [(metric, epoch) for metric in ("test MSE", "train MSE") for epoch in self.curve]
        return list(dict.fromkeys(claimed + drawn))

    @property
    def epochs(self) -> int:
        """Passes over the training ratings in each run; one where only an error is awaited."""
        return max((epoch for _, epoch in self.scores), default=1)

    @property
    def passes(self) -> int:
        """Over the training ratings, in all of its runs."""
        return self.epochs * sum(map(len, self.splits))


def claims(
    metric: str, epochs: Iterable[int], values: Iterable[float], tolerance: float | None
) -> tuple[Claim, ...]:
    """A published curve, point by point."""
    return tuple(
        Claim(metric=metric, epoch=epoch, published=(value, value), tolerance=tolerance)
        for epoch, value in zip(epochs, values, strict=True)
    )


def shown(metrics: Iterable[str], epochs: Sequence[int]) -> tuple[Claim, ...]:
    """Scores that nobody published."""
    return tuple(Claim(metric=metric, epoch=epoch) for metric in metrics for epoch in epochs)


def folds(parts: int, seeds: int) -> tuple[tuple[str, ...], ...]:
    """`parts`-fold cross-validation, once per split seed: a sample is the mean over the folds."""
    return tuple(
        tuple(f"fold={k}/{parts},split_seed={seed}" for k in range(1, parts + 1))
        for seed in range(seeds)
    )
