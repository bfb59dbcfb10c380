"""RMSE against time: the best that each backend reaches, and the best to be had by any moment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.curves import against_seconds, limits
from bench.plots import chart, labels, ticks
from bench.plots.convergence import METRICS
from bench.plots.entry import Entry

Step = tuple[float, float, Entry]  # training seconds, score, whose


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set: a point per backend, a staircase over all."""
    entries = [e for e in entries if math.isfinite(e.row.best_score) and e.row.best_s > 0]
    if not entries:
        return None
    metric = entries[0].row.target.metric
    sound = [entry for entry in entries if entry.agrees] or entries
    view = limits(against_seconds(entry.records, metric) for entry in sound)
    entries = [entry for entry in entries if entry.row.best_score <= view[1]]
    figure, axes = chart.sheet(
        entries,
        f"{entries[0].row.dataset}: what does a better score cost?",
        "Marker: best score of a run and when it came (medians). Line: the best that any backend "
        "has by then, in its colour. Lower left is better.",
    )
    steps = list(_staircase(entries, metric))
    times = [e.row.best_s for e in entries] + [x for x, _, _ in steps]
    axes.set_xlim(*chart.room(times))
    axes.set_ylim(*view)
    ticks.logarithmic(axes, "s")
    axes.set_xlabel("training time")
    axes.set_ylabel(METRICS[metric])
    _stairs(axes, steps)
    points = [(entry.row.best_s, entry.row.best_score) for entry in entries]
    for entry, point in zip(entries, points, strict=True):
        axes.plot(*point, entry.style.marker, color=entry.style.color, mfc=entry.face, ms=7)
    labels.at_right(axes, entries, points)
    return figure


def _staircase(entries: Sequence[Entry], metric: str) -> Iterator[Step]:
    # Every moment at which someone without fault has a better score than all had before.
    found: list[Step] = []
    for entry in entries:
        curve = against_seconds(entry.records if entry.agrees else [], metric).after_zero
        found += [(float(x), float(y), entry) for x, y in zip(curve.x, curve.y)]
    best = math.inf
    for x, y, entry in sorted(found, key=lambda step: step[:2]):
        if y < best:
            best = y
            yield x, y, entry


def _stairs(axes: Axes, steps: Sequence[Step]) -> None:
    # One path for as long as one backend leads; the next one takes over where it ends.
    ends = [*(x for x, _, _ in steps[1:]), axes.get_xlim()[1]]
    above = steps[0][1] if steps else 0.0
    for backend, run in groupby(zip(steps, ends), key=lambda step: step[0][2].row.backend):
        path = [(at, y) for (x, y, _), end in run for at in (x, end)]
        path.insert(0, (path[0][0], above))
        above = path[-1][1]
        color = next(entry.style.color for _, _, entry in steps if entry.row.backend == backend)
        axes.plot(*zip(*path), color=color, alpha=0.5, lw=2.2)
