"""Ratings per second of a steady epoch, and which share of the machine's limit that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.plots.dots import Column, Dot, table
from bench.plots.entry import Entry
from bench.plots.timing import dot
from bench.stats import costs
from bench.units import count, digits


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set, the fastest kernel first; the share of the limit where that was measured."""
    timed = [entry for entry in entries if math.isfinite(entry.row.ratings_hz)]
    if not timed:
        return None
    timed.sort(key=lambda entry: (not entry.agrees, -entry.row.ratings_hz))
    return table(
        timed,
        [
            Column("training ratings per second", "", [_speed(entry) for entry in timed]),
            Column("% of the machine's limit", "", [_share(entry) for entry in timed]),
        ],
        f"{timed[0].row.dataset}: how fast is one pass?",
        "Dot: median of the repeats, steady epochs. Line: all of them. Higher is better.",
    )


def _speed(entry: Entry) -> Dot:
    n_train = entry.records[-1].problem["n_train"]
    speeds = [n_train / s for r in entry.records if (s := costs(r).epoch_s) > 0]
    return dot(speeds, count(entry.row.ratings_hz))


def _share(entry: Entry) -> Dot:
    shares = [100 * r.rate["of_limit"] for r in entry.records if r.rate]
    known = [share for share in shares if math.isfinite(share)]
    return dot(known, f"{digits(100 * entry.row.of_limit, 2)}%\n{entry.row.bound}-bound")
