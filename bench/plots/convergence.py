"""Test RMSE and J against training seconds and against epochs: the question in one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.curves import Curve, against_epochs, against_seconds, limits
from bench.plots import labels, look, ticks
from bench.plots.entry import Entry
from bench.records import Record

METRICS = {"test_rmse": "test RMSE (rating units)", "J": "J (rating units squared)"}
LEFT_IN, BOTTOM_IN, GAP_IN, PANEL_IN = 0.75, 0.62, 0.3, 2.6
NEAR = 0.5  # of the height
LOG_FROM = 30.0  # last over first point
Against = Callable[[Sequence[Record], str], Curve]


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set: two rows of panels, or one where the data set has no test ratings."""
    entries = [entry for entry in entries if entry.records]
    metrics = [m for m in METRICS if _curves(entries, m, against_epochs)]
    if not metrics:
        return None
    height = max(PANEL_IN, look.LINE_IN * sum(entry.lines for entry in entries))
    figure = look.sheet(
        look.TOP_IN + len(metrics) * (height + BOTTOM_IN),
        f"{entries[0].row.dataset}: how fast does each backend converge?",
        "Line: median of the repeats. Band: all of them. Lower is better.",
    )
    right = labels.TEXT_IN + look.width_in([entry.label for entry in entries]) + 0.1
    width = (look.WIDTH_IN - LEFT_IN - GAP_IN - right) / 2
    for k, metric in enumerate(reversed(metrics)):
        bottom = BOTTOM_IN - 0.1 + k * (height + BOTTOM_IN)
        left = look.panel(figure, LEFT_IN, bottom, width, height)
        right_panel = look.panel(figure, LEFT_IN + width + GAP_IN, bottom, width, height)
        _pair(left, right_panel, entries, metric)
    return figure


def _curves(entries: Sequence[Entry], metric: str, against: Against) -> list[tuple[Entry, Curve]]:
    found = [(entry, against(entry.records, metric)) for entry in entries]
    return [(entry, curve) for entry, curve in found if len(curve.x)]


def _pair(left: Axes, right: Axes, entries: Sequence[Entry], metric: str) -> None:
    seconds = _curves(entries, metric, against_seconds)
    epochs = _curves(entries, metric, against_epochs)
    logarithmic = _seconds_axis(left, [curve for _, curve in seconds])
    for axes, curves, name in ((left, seconds, "training time"), (right, epochs, "epochs")):
        for k, (entry, curve) in enumerate(curves):
            drawn = curve.after_zero if axes is left and logarithmic else curve
            _line(axes, entry, drawn, k)
        axes.set_xlabel(name)
        axes.set_ylim(*limits(curve for _, curve in epochs))
    left.set_ylabel(METRICS[metric])
    right.tick_params(labelleft=False)
    right.set_xlim(0, max(curve.x[-1] for _, curve in epochs))
    right.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _levels(left, right, entries, metric)
    ends = [(float(curve.x[-1]), float(curve.y[-1])) for _, curve in epochs]
    labels.at_right(right, [entry for entry, _ in epochs], ends)


def _seconds_axis(axes: Axes, curves: Sequence[Curve]) -> bool:
    # Logarithmic, without the start at zero, where the points span much.
    times = np.concatenate([curve.after_zero.x for curve in curves])
    if len(times) == 0 or times.max() <= LOG_FROM * times.min():
        axes.set_xlim(0, 1.03 * times.max(initial=1e-6))
        ticks.linear_seconds(axes)
        return False
    axes.set_xlim(times.min() / 1.3, times.max() * 1.3)
    ticks.logarithmic(axes, "s")
    return True


def _line(axes: Axes, entry: Entry, curve: Curve, k: int) -> None:
    # Markers are staggered, so that curves on one path show one by one.
    color = entry.style.color
    axes.fill(*curve.band, color=color, alpha=0.18, lw=0)
    axes.plot(
        curve.x, curve.y, color=color, ls="-" if entry.agrees else (0, (4, 2)),
        marker=entry.style.marker, mfc=entry.face, markevery=(0.033 * (k % 3), 0.1),
    )  # fmt: skip


def _levels(left: Axes, right: Axes, entries: Sequence[Entry], metric: str) -> None:
    # The target, and the planted noise that no model can beat; named above, clear of the curves.
    goal = entries[0].row.target
    floor = entries[0].records[0].problem.get("noise_floor") if metric == "test_rmse" else None
    found = [(":", "dotted: target", goal.value)] if metric == goal.metric else []
    if floor is not None:
        found.append(("-.", _reach_down(left, right, floor), floor))
    for axes in (left, right):
        for ls, _, level in found:
            axes.axhline(level, color=look.MUTED, lw=1, ls=ls, zorder=1.5)
    named = "; ".join(f"{name} {level:.4f}" for _, name, level in found)
    left.set_title(named, color=look.MUTED, size=8.5)


def _reach_down(left: Axes, right: Axes, floor: float) -> str:
    # Down to the noise where it is near; its name says whether it shows.
    low, high = left.get_ylim()
    if floor < low - NEAR * (high - low):
        return "below, planted noise"
    for axes in (left, right):
        axes.set_ylim(min(low, floor - 0.05 * (high - floor)), high)
    return "dash-dotted: planted noise"
