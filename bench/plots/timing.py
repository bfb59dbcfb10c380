"""Time to the common target, and what it is the product of: epochs needed, seconds per epoch."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure

from bench.plots.dots import Column, Dot, table
from bench.plots.entry import Entry
from bench.stats import costs, median
from bench.tables import ratio
from bench.target import crossing
from bench.units import digits, fixed, seconds


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set: three columns of dots in the order of the ranking."""
    if not any(entry.records for entry in entries):
        return None
    return table(
        entries,
        (
            Column("time to target", "s", [_time(entry) for entry in entries]),
            Column("= epochs to target", "", [_epochs(entry) for entry in entries]),
            Column("x time per epoch", "s", [_per_epoch(entry) for entry in entries]),
        ),
        f"{entries[0].row.dataset}: how long to {entries[0].row.target.sentence}?",
        "Dot: median of the repeats. Line: all of them. Lower is better. "
        "In brackets: 95% interval of the ratio. ~: can't be told from the row above.",
    )


def _time(entry: Entry) -> Dot:
    row = entry.row
    if math.isfinite(row.to_target_s):
        compared = "" if row.backend == row.baseline else f"\n{ratio(row, 'x')}"
        text = f"{row.outcome}{' ~' if row.tied else ''}{compared}"
        return dot((t for t in row.times_s.values() if math.isfinite(t)), text)
    if not entry.records:
        return Dot(text=textwrap.fill(row.reasons[0], 34, max_lines=2, placeholder=" ..."))
    if math.isnan(row.best_score):
        return Dot(text=row.outcome)
    return Dot(text=f"not reached\nbest {fixed(row.best_score)} at {seconds(row.best_s)}")


def _epochs(entry: Entry) -> Dot:
    met = [c for r in entry.records if (c := crossing(r.points, entry.row.target))]
    if not math.isfinite(entry.row.to_target_s):
        return Dot()
    return dot((c.epochs for c in met), digits(entry.row.epochs_to_target))


def _per_epoch(entry: Entry) -> Dot:
    return dot((costs(r).epoch_s for r in entry.records), seconds(entry.row.costs.epoch_s))


def dot(values: Iterable[float], text: str) -> Dot:
    """The median and the range of what is known and above zero."""
    known = [v for v in values if v > 0]
    return Dot(median(known), min(known), max(known), text) if known else Dot()
