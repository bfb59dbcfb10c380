"""Ticks as people say them: few, round, with their unit."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from bench.plots.look import figure_of
from bench.units import count

TICK_IN = 0.5  # between the labels of ticks
SERIES = (  # of ticks: multiples of every n-th power of ten
    ((1, 1.5, 2, 3, 4, 5, 6, 8), 1), ((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3)
)  # fmt: skip


def linear_seconds(axes: Axes) -> None:
    """A linear x axis of seconds with few ticks."""
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(seconds_tick)


def logarithmic(axes: Axes, unit: str, last: float | None = None) -> None:
    """A logarithmic x axis ("s" or "" for counts) with ticks as people say them, none beyond `last`
    where what follows is room for text.
    """
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    last = last or high
    width = axes.get_window_extent().width / figure_of(axes).dpi
    most = int(width * math.log(last / low) / math.log(high / low) / TICK_IN)
    axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, last, max(2, most))))
    axes.xaxis.set_major_formatter(seconds_tick if unit == "s" else count_tick)
    axes.xaxis.set_minor_locator(NullLocator())


def logarithmic_y(axes: Axes, unit: str) -> None:
    """The same for the y axis."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height / figure_of(axes).dpi
    most = max(2, int(height / TICK_IN))
    axes.yaxis.set_major_locator(FixedLocator(log_ticks(low, high, most)))
    axes.yaxis.set_major_formatter(seconds_tick if unit == "s" else count_tick)
    axes.yaxis.set_minor_locator(NullLocator())


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """The densest of a few familiar series, from 1 1.5 2 3 ... down to every third power of ten,
    that has `most` members or fewer between low and high.
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for subs, step in SERIES:
        ticks = [sub * 10.0**k for k in powers if k % step == 0 for sub in subs]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= most:
            break
    return ticks


def seconds_tick(value: float, _: object = None) -> str:
    """0, 50 µs, 2.5 ms, 10,000 s: exact, since ticks are round already."""
    for limit, unit, name in ((1e-3, 1e-6, "µs"), (1.0, 1e-3, "ms")):
        if 0 < value < limit * 0.9999:
            return f"{value / unit:.4g} {name}"
    return f"{value:,.5g} s" if value else "0"


def count_tick(value: float, _: object = None) -> str:
    return count(value, 2).replace(".0", "")
