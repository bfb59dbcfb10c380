"""Speed against threads, ratings and rank: what more of each costs, and what it brings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from bench import leaderboard
from bench.palette import Style
from bench.plots import chart, labels, ticks
from bench.plots.entry import wrapped
from bench.records import Record
from bench.stats import costs, median
from bench.units import digits

FEW = 6  # values that an axis can name one by one
Speeds = dict[float, list[float]]  # size -> training ratings per second of each repeat


@dataclass(frozen=True, slots=True)
class Axis:
    """What grows, and what must be equal meanwhile."""

    name: str
    title: str
    size: Callable[[Record], float]
    fixed: Callable[[Record], tuple[str, ...]]
    note: str


def _rank(record: Record) -> str:
    return f"rank {record.case.hyper.get('rank')}"


def _threads(record: Record) -> str:
    return f"{record.case.threads} thread{'s' * (record.case.threads > 1)}"


def _family(record: Record) -> str:
    return record.case.dataset.partition("[")[0]


AXES = (
    Axis(
        "threads",
        "how much do more threads help?",
        lambda record: record.case.threads,
        lambda record: (record.case.dataset, _rank(record), record.place),
        "In brackets: gain from the fewest to the most threads. Dotted: a gain without loss.",
    ),
    Axis(
        "ratings",
        "how does speed change with more ratings?",
        lambda record: record.problem.get("n_train", math.nan),
        lambda record: (_family(record), _rank(record), _threads(record), record.place),
        "A level line: time grows as the ratings do. In brackets: change from end to end.",
    ),
    Axis(
        "rank",
        "what does a higher rank cost?",
        lambda record: record.case.hyper.get("rank", math.nan),
        lambda record: (record.case.dataset, _threads(record), record.place),
        "In brackets: change from the lowest to the highest rank.",
    ),
)


@dataclass(frozen=True, slots=True)
class Series:
    """One backend's median speed at each size, and the range of its repeats."""

    backend: str
    style: Style
    speeds: Speeds

    @property
    def x(self) -> list[float]:
        return sorted(self.speeds)

    @property
    def y(self) -> list[float]:
        return [median(self.speeds[x]) for x in self.x]

    @property
    def label(self) -> str:
        return f"{wrapped(self.backend)} ({digits(self.y[-1] / self.y[0], 2)}x)"

    @property
    def lines(self) -> int:
        return 1 + self.label.count("\n")

    @property
    def face(self) -> str:
        return self.style.color


def draw_all(records: Sequence[Record], styles: Mapping[str, Style]) -> dict[str, Figure]:
    """Name -> figure, for every axis along which some backend has two sizes or more."""
    sound = [r for r in _each_rank(records) if r.succeeded and not r.flags]
    drawn = {}
    for axis in AXES:
        groups: dict[tuple[str, ...], list[Record]] = {}
        for record in sound:
            groups.setdefault(tuple(filter(None, axis.fixed(record))), []).append(record)
        for fixed, group in groups.items():
            if found := _series(axis, group, styles):
                drawn[f"{axis.name} {' '.join(fixed)}"] = _draw(axis, ", ".join(fixed), found)
    return drawn


def _each_rank(records: Sequence[Record]) -> list[Record]:
    # The latest settings for each rank: leaderboard.latest keeps those of one rank alone.
    ranks = dict.fromkeys(map(_rank, records))
    return [r for k in ranks for r in leaderboard.latest(r for r in records if _rank(r) == k)]


def _series(axis: Axis, records: Iterable[Record], styles: Mapping[str, Style]) -> list[Series]:
    found: dict[str, Speeds] = {}
    for record in records:
        epoch_s = costs(record).epoch_s
        if epoch_s > 0 and math.isfinite(size := axis.size(record)):
            speeds = found.setdefault(record.case.backend, {})
            speeds.setdefault(size, []).append(record.problem["n_train"] / epoch_s)
    series = [Series(name, styles[name], speeds) for name, speeds in found.items()]
    return [each for each in series if len(each.x) > 1]


def _draw(axis: Axis, fixed: str, series: Sequence[Series]) -> Figure:
    note = f"Medians of steady epochs. Higher is better. {axis.note}"
    figure, axes = chart.sheet(series, f"{fixed}: {axis.title}", note)
    axes.set_xlim(*chart.room([x for each in series for x in each.x], 0.04))
    axes.set_ylim(*chart.room([y for s in series for v in s.speeds.values() for y in v]))
    _sizes(axes, sorted({x for each in series for x in each.x}))
    ticks.logarithmic_y(axes, "")
    axes.set_xlabel("training ratings" if axis.name == "ratings" else axis.name)
    axes.set_ylabel("training ratings per second")
    for each in series:
        _line(axes, each, ideal=axis.name == "threads")
    labels.at_right(axes, series, [(each.x[-1], each.y[-1]) for each in series])
    return figure


def _sizes(axes: Axes, sizes: Sequence[float]) -> None:
    ticks.logarithmic(axes, "")
    if len(sizes) <= FEW:
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())


def _line(axes: Axes, series: Series, ideal: bool) -> None:
    color, x, y = series.style.color, series.x, series.y
    spans = [series.speeds[size] for size in x]
    axes.vlines(x, [min(s) for s in spans], [max(s) for s in spans], color=color, lw=1.2)
    axes.plot(x, y, color=color, marker=series.style.marker)
    if ideal:
        axes.plot(x, [y[0] * size / x[0] for size in x], color=color, ls=":", lw=0.9, alpha=0.6)
