"""Where the seconds go: what is paid once before training, and what every epoch costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.palette import SHADES
from bench.plots import look, ticks
from bench.plots.entry import Entry
from bench.units import seconds

BOTTOM_IN, GAP_IN, NAME_IN, TEXT_IN = 0.35, 0.3, 0.35, 0.6


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set: two panels of stacked bars, in the order of the ranking."""
    entries = [entry for entry in entries if any((_once(entry) | _each(entry)).values())]
    if not entries:
        return None
    height = look.rows_in(entries)
    figure = look.sheet(
        look.TOP_IN + 0.25 + height + BOTTOM_IN,
        f"{entries[0].row.dataset}: where do the seconds go?",
        "Medians of the repeats. Training time counts epochs alone. Lower is better.",
    )
    left = look.width_in([entry.label for entry in entries]) + NAME_IN
    width = (look.WIDTH_IN - left) / 2 - GAP_IN
    for k, (title, parts) in enumerate((("paid once", _once), ("paid every epoch", _each))):
        axes = look.panel(figure, left + k * (width + GAP_IN), BOTTOM_IN, width, height)
        _bars(axes, entries, [parts(entry) for entry in entries], named=k == 0)
        axes.legend(
            title=title, ncols=4, loc="lower left", bbox_to_anchor=(-0.02, 1.0),
            alignment="left", frameon=False, fontsize=7.5, handlelength=0.9, handletextpad=0.4,
            columnspacing=0.9, borderpad=0.2,
        )  # fmt: skip
    return figure


def _once(entry: Entry) -> dict[str, float]:
    return entry.row.costs.paid_once


def _each(entry: Entry) -> dict[str, float]:
    return entry.row.costs.per_epoch


def _bars(
    axes: Axes, entries: Sequence[Entry], parts: Sequence[Mapping[str, float]], named: bool
) -> None:
    totals = [sum(part.values()) for part in parts]
    width = axes.get_window_extent().width / look.figure_of(axes).dpi
    axes.set_xlim(0, (max(totals) or 1.0) / (1 - TEXT_IN / width))
    ticks.linear_seconds(axes)
    centres = look.name_rows(axes, entries, named)
    begins = [0.0] * len(entries)
    for name in parts[0]:
        lengths = [part[name] for part in parts]
        axes.barh(
            centres, lengths, 0.9, begins, color=SHADES[name][0], ec="white", lw=0.6, label=name
        )
        begins = [begin + length for begin, length in zip(begins, lengths)]
    for entry, y, total in zip(entries, centres, totals, strict=True):
        if not entry.agrees:
            axes.barh(y, total, 0.9, fill=False, hatch="////", ec=look.MUTED, lw=0)
        if total:
            axes.annotate(seconds(total), (total, y), (4, 0), va="center", size=look.SMALL,
                          textcoords="offset points")  # fmt: skip
