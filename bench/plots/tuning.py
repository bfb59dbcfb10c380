"""How much a backend's speed hangs on its settings: every trial of its search as a dot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from bench.palette import Style, styles
from bench.plots import chart, look, slug, ticks
from bench.plots.entry import wrapped
from bench.records import unwritable
from bench.tune.trials import Sensitivity, Trial
from bench.units import seconds

BOTTOM_IN, GAP_IN, NAME_IN, MISSES_IN = 0.5, 0.3, 0.35, 2.0
FARTHEST = 20.0  # % above the target that are drawn to scale
SPREAD = 0.55  # of a row's height


@dataclass(frozen=True, slots=True)
class Lane:
    """One backend's row."""

    found: Sensitivity
    style: Style
    face: str = "white"
    lines: int = 2

    @property
    def label(self) -> str:
        return wrapped(self.found.backend)


def draw(found: Sequence[Sensitivity], target: float, dataset: str) -> Figure:
    """A row per backend, the fastest winner on top: hits by their seconds, misses by how far above
    the target they stayed.
    """
    style = styles(one.backend for one in found)
    lanes = [Lane(one, style[one.backend]) for one in found]
    height = look.rows_in(lanes)
    figure = look.sheet(
        look.TOP_IN + height + BOTTOM_IN,
        f"{dataset}: how much hangs on the settings?",
        f"A dot is a trial, on validation ratings, target RMSE {target:.4f}. Filled: the winner, "
        "at the median of its runs. Left and close together is good.",
    )
    left = look.width_in([lane.label for lane in lanes]) + NAME_IN
    width = look.WIDTH_IN - left - MISSES_IN - 2 * GAP_IN
    hits = look.panel(figure, left, BOTTOM_IN, width, height)
    misses = look.panel(figure, left + width + GAP_IN, BOTTOM_IN, MISSES_IN, height)
    _hits(hits, lanes)
    _misses(misses, lanes, target)
    return figure


def save(found: Sequence[Sensitivity], target: float, dataset: str, directory: Path) -> list[Path]:
    """Draw into a directory as PNG and SVG. Raises ResultsError."""
    paths = [directory / f"tuning-{slug(dataset)}.{suffix}" for suffix in ("png", "svg")]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with look.applied():
            figure = draw(found, target, dataset)
            for path in paths:
                look.save(figure, path)
    except OSError as error:
        raise unwritable(directory, error) from None
    return paths


def _hits(axes: Axes, lanes: Sequence[Lane]) -> None:
    axes.set_title("training time to the target")
    times = [t.seconds for lane in lanes for t in lane.found.ranked if t.state == "hit"]
    axes.set_xlim(*chart.room([s for s in times if s] or [1.0]))
    ticks.logarithmic(axes, "s")
    for lane, y in zip(lanes, look.name_rows(axes, lanes, named=True), strict=True):
        hits = [t for t in lane.found.ranked if t.state == "hit"]
        for k, trial in enumerate(hits):
            _dot(axes, lane, trial.seconds or 0.0, y + _aside(k))
        if lane.found.winner.state == "hit":
            middle = lane.found.winner_s
            axes.plot(middle, y, lane.style.marker, color=lane.style.color, ms=9, zorder=3)
            axes.annotate(
                seconds(middle), (middle, y), (0, 8), textcoords="offset points",
                ha="center", size=look.SMALL, zorder=4,
            )  # fmt: skip


def _misses(axes: Axes, lanes: Sequence[Lane], target: float) -> None:
    axes.set_title("missed: % above the target")
    axes.set_xlim(0, 1.35 * FARTHEST)
    axes.xaxis.set_major_locator(FixedLocator([0, 5, 10, 15, FARTHEST]))
    for lane, y in zip(lanes, look.name_rows(axes, lanes, named=False), strict=True):
        lost = 0
        for k, trial in enumerate(t for t in lane.found.ranked if t.state != "hit"):
            above = _above(trial, target)
            if above > FARTHEST:
                lost += 1
            else:
                _dot(axes, lane, above, y + _aside(k))
        if lost:
            place = (1.05 * FARTHEST, y)
            axes.annotate(f"{lost} lost", place, va="center", size=look.SMALL, color=look.MUTED)


def _above(trial: Trial, target: float) -> float:
    # %; who has no score, or one far off, is lost.
    if trial.state != "missed" or trial.rmse is None:
        return 2 * FARTHEST
    return 100 * (trial.rmse / target - 1)


def _aside(k: int) -> float:
    # Off the row's middle by the golden ratio, so that neighbours stay apart; the same every time.
    return SPREAD * ((0.618 * (k + 1)) % 1 - 0.5) * (look.ROW_GAP + 2)


def _dot(axes: Axes, lane: Lane, x: float, y: float) -> None:
    axes.plot(x, y, lane.style.marker, color=lane.style.color, mfc="none", ms=4.5, alpha=0.8, mew=1)
