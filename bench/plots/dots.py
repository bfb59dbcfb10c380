"""A table of dots: backends down, measures across, each on its own logarithmic axis.

Dots, not bars: on a logarithmic axis the length of a bar means nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.plots import look, ticks
from bench.plots.entry import Entry

BOTTOM_IN, GAP_IN, NAME_IN, TEXT_IN = 0.35, 0.25, 0.35, 0.15


@dataclass(frozen=True, slots=True)
class Dot:
    """A median and a range with the text beside them; without a median, text alone."""

    mid: float = math.nan
    low: float = math.nan
    high: float = math.nan
    text: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One measure of every entry; `unit` is "s" or "" for counts."""

    title: str
    unit: str
    dots: Sequence[Dot]


def table(entries: Sequence[Entry], columns: Sequence[Column], title: str, note: str) -> Figure:
    """Draw the columns that have anything to show side by side."""
    columns = [c for c in columns if any(math.isfinite(dot.mid) for dot in c.dots)]
    height = look.rows_in(entries)
    figure = look.sheet(look.TOP_IN + height + BOTTOM_IN, title, note)
    left = look.width_in([entry.label for entry in entries]) + NAME_IN
    width = (look.WIDTH_IN - left) / len(columns) - GAP_IN
    for k, column in enumerate(columns):
        axes = look.panel(figure, left + k * (width + GAP_IN), BOTTOM_IN, width, height)
        axes.set_title(column.title)
        _limits(axes, column, width)
        centres = look.name_rows(axes, entries, named=k == 0)
        for entry, y, dot in zip(entries, centres, column.dots, strict=True):
            _dot(axes, entry, y, dot)
    return figure


def _limits(axes: Axes, column: Column, width: float) -> None:
    # Room for the widest text to the right of the last dot.
    known = [dot for dot in column.dots if math.isfinite(dot.mid)]
    low, high = min(d.low for d in known), max(d.high for d in known)
    text = TEXT_IN + look.width_in([dot.text for dot in known], look.SMALL)
    span = max(math.log(high / low), math.log(2)) / (1 - min(0.7, text / width))
    axes.set_xlim(low * math.exp(-0.04 * span), low * math.exp(1.04 * span))
    ticks.logarithmic(axes, column.unit, min(10 * high, axes.get_xlim()[1]))


def _dot(axes: Axes, entry: Entry, y: float, dot: Dot) -> None:
    side: dict[str, Any] = {
        "va": "center",
        "size": look.SMALL,
        "textcoords": "offset points",
        "linespacing": 1.0,
    }
    if math.isnan(dot.mid):
        place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "color": look.MUTED}
        axes.annotate(dot.text, (0, y), (4, 0), **side, **place)
        return
    color, ls = entry.style.color, "-" if entry.agrees else (0, (2, 1.5))
    axes.plot([dot.low, dot.high], [y, y], color=color, ls=ls, lw=2, solid_capstyle="butt")
    axes.plot(dot.mid, y, entry.style.marker, color=color, mfc=entry.face, ms=6)
    axes.annotate(dot.text, (dot.high, y), (7, 0), **side)
