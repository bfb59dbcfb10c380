"""Lines of code against speed: "converges faster in fewer lines", as the blog claimed, or not?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from bench.lines import TOTAL
from bench.plots import chart, labels, ticks
from bench.plots.entry import Entry


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set: a point for each backend that reached the target and whose lines are known."""
    # Who meets the target at its start has no place on a logarithmic axis.
    entries = [e for e in entries if _lines(e) and 0 < e.row.to_target_s < math.inf]
    if len(entries) < 2:
        return None
    figure, axes = chart.sheet(
        entries,
        f"{entries[0].row.dataset}: do more lines of code buy speed?",
        "Logical lines of the backend and the helpers it imports, without its libraries. "
        "Who missed the target is left out. Lower left is better.",
    )
    points = [(float(_lines(entry)), entry.row.to_target_s) for entry in entries]
    axes.set_xlim(0, 1.06 * max(x for x, _ in points))
    axes.set_ylim(*chart.room([y for _, y in points]))
    ticks.logarithmic_y(axes, "s")
    axes.set_xlabel("logical lines of code")
    axes.set_ylabel("training time to target")
    for entry, point in zip(entries, points, strict=True):
        axes.plot(*point, entry.style.marker, color=entry.style.color, mfc=entry.face, ms=8)
    labels.at_right(axes, entries, points)
    return figure


def _lines(entry: Entry) -> int:
    return entry.records[-1].lines.get(TOTAL, 0) if entry.records else 0
