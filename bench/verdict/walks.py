"""Autograd beside another backend on one path, as their records show it.

Two backends walk one path if they had one start, one sample order and the same settings; then J
must be the same after every epoch, to what float32 walks allow (bench.standings.TOLERANCE).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.records import Record
from bench.row import Row
from bench.standings import TOLERANCE, walk_of
from bench.stats import Interval, Times, costs, pair, paired_ratio
from bench.verdict.contest import Contest, base


@dataclass(frozen=True, slots=True)
class Pair:
    """Two backends of one contest that were given one path to walk, and how far they part."""

    contest: Contest
    autograd: Row
    other: Row
    epochs: int  # most that a repeat of both has
    gap: float  # largest relative difference of J after one of them

    @property
    def alike(self) -> bool:
        return self.gap <= TOLERANCE

    @property
    def rows(self) -> tuple[Row, Row]:
        return self.autograd, self.other

    @property
    def epoch_ratio(self) -> Interval:
        """Seconds of a steady epoch, autograd over the other, paired within a repeat."""
        return paired_ratio(*map(self.steady, self.rows))

    def steady(self, row: Row) -> Times:
        """Seconds of a steady epoch by repeat; one that had time for its first alone has none."""
        records = self.contest.records[row.backend]
        known = [r for r in records if r.epochs > 1] or records
        return {pair(record): costs(record).epoch_s for record in known}

    @property
    def left_out(self) -> str:
        """A clause where repeats have no steady epoch; else empty."""
        for row in self.rows:
            if all(record.epochs < 2 for record in self.contest.records[row.backend]):
                return f", the first epoch of `{row.backend}`, which had time for no other"
        used = min(len(self.steady(row)) for row in self.rows)
        most = max(row.repeats for row in self.rows)
        return f", in the {used} of {most} repeats with a second epoch" if used < most else ""


def pairs(contest: Contest, autograd: Sequence[str], other: str) -> Iterator[Pair]:
    """The best row of each of these autograd backends that has one of `other` on its path, beside
    the best such.
    """
    paired = set()
    for ours in contest.of(autograd):
        if base(ours.backend) in paired:
            continue
        for theirs in contest.of([other]):
            walks = list(_shared(contest.records[ours.backend], contest.records[theirs.backend]))
            if walks:
                epochs = max(min(a.epochs, b.epochs) for a, b in walks)
                yield Pair(contest, ours, theirs, epochs, max(_gap(a, b) for a, b in walks))
                paired.add(base(ours.backend))
                break


def _shared(ours: Sequence[Record], theirs: Sequence[Record]) -> Iterator[tuple[Record, Record]]:
    found = {pair(record): record for record in theirs}
    for record in ours:
        other = found.get(pair(record))
        if other and record.order_sha256 and walk_of(record) == walk_of(other):
            yield record, other


def _gap(one: Record, other: Record) -> float:
    points = list(zip(one.points[1:], other.points[1:]))
    return max((abs(a.J - b.J) / abs(a.J) for a, b in points), default=math.inf)


def why_none(contest: Contest, autograd: Sequence[str], other: str) -> str:
    """Why a contest has no such pair, as a sentence."""
    ours = f"`{autograd[0]}`" if len(autograd) == 1 else "autograd"
    for names, who in ((autograd, ours), ([other], f"`{other}`")):
        if not contest.of(names):
            return f"{contest.unsound(names) or f'there is no record of {who}'}."
    return f"{ours} and `{other}` had no start, order and settings in common to walk one path."
