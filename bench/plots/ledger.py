"""Where the seconds go: what is paid once before training, and what every epoch costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.plots import look
from bench.plots.entry import Entry
from bench.stats import Costs
from bench.units import seconds

Parts = Mapping[str, tuple[str, Callable[[Costs], float]]]  # name -> colour, seconds
COLD: Parts = {
    "import": ("#c7d4de", lambda c: c.import_s),
    "warm-up": ("#7d98ad", lambda c: c.warmup_s),
    "set-up": ("#2f4f68", lambda c: c.setup_s),
    "first epoch, extra": ("#e3b505", lambda c: c.first_epoch_s - c.epoch_s),
}
WARM: Parts = {
    "steady epoch": ("#2f4f68", lambda c: c.epoch_s),
    "snapshot": ("#e3b505", lambda c: c.snapshot_s),
    "evaluation": ("#c7d4de", lambda c: c.eval_s),
}
BOTTOM_IN, GAP_IN, NAME_IN, TEXT_IN = 0.35, 0.3, 0.35, 0.6


def draw(entries: Sequence[Entry]) -> Figure | None:
    """One data set: two panels of stacked bars, in the order of the ranking."""
    entries = [entry for entry in entries if _total(entry, COLD) + _total(entry, WARM) > 0]
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
    for k, (title, parts) in enumerate((("paid once", COLD), ("paid every epoch", WARM))):
        axes = look.panel(figure, left + k * (width + GAP_IN), BOTTOM_IN, width, height)
        _bars(axes, entries, parts, named=k == 0)
        axes.legend(
            title=title, ncols=len(parts), loc="lower left", bbox_to_anchor=(-0.02, 1.0),
            alignment="left", frameon=False, fontsize=7.5, handlelength=0.9, handletextpad=0.4,
            columnspacing=0.9, borderpad=0.2,
        )  # fmt: skip
    return figure


def _bars(axes: Axes, entries: Sequence[Entry], parts: Parts, named: bool) -> None:
    longest = max(_total(entry, parts) for entry in entries) or 1.0
    width = axes.get_window_extent().width / look.figure_of(axes).dpi
    axes.set_xlim(0, longest / (1 - TEXT_IN / width))
    axes.xaxis.set_major_formatter(look.seconds_tick)
    axes.xaxis.set_major_locator(look.few_ticks())
    centres = look.name_rows(axes, entries, named)
    for k, (name, (color, part)) in enumerate(parts.items()):
        begins = [_total(entry, dict(list(parts.items())[:k])) for entry in entries]
        lengths = [_known(part(entry.row.costs)) for entry in entries]
        axes.barh(centres, lengths, 0.9, begins, color=color, ec="white", lw=0.6, label=name)
    for entry, y in zip(entries, centres, strict=True):
        total = _total(entry, parts)
        if not entry.agrees:
            axes.barh(y, total, 0.9, fill=False, hatch="////", ec=look.MUTED, lw=0)
        if total:
            axes.annotate(seconds(total), (total, y), (4, 0), va="center", size=8,
                      textcoords="offset points")  # fmt: skip


def _total(entry: Entry, parts: Parts) -> float:
    return sum(_known(part(entry.row.costs)) for _, part in parts.values())


def _known(value: float) -> float:
    return max(0.0, value) if math.isfinite(value) else 0.0
