"""What an addition costs in lines and gains in test RMSE, by hand and by autograd."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.palette import Style, styles
from bench.plots import look, slug
from bench.records import unwritable
from bench.study.rows import Row
from bench.units import fixed

ROW_IN, BOTTOM_IN, GAP_IN, NAME_IN = 0.34, 0.5, 0.3, 0.2
HALF = 0.19  # of a row: by hand above, by autograd below


def draw(rows: Sequence[Row], dataset: str) -> Figure:
    """A row per addition: lines at the left (own solid, shared pale), test RMSE at the right."""
    backends = list(rows[0].test_rmse)
    style = styles(backends)
    height = ROW_IN * len(rows)
    names = [row.name for row in rows]
    figure = look.sheet(
        look.TOP_IN + height + BOTTOM_IN,
        f"{dataset}: what does each addition to plain SGD take, and give?",
        f"{backends[0]} by hand, {backends[1]} by autograd. Solid: lines that are there for it "
        "alone; pale: lines that name it. Dots: a seed each.",
    )
    left = look.width_in(names) + NAME_IN
    width = (look.WIDTH_IN - left - 2 * GAP_IN) / 2
    lines = look.panel(figure, left, BOTTOM_IN, width, height)
    scores = look.panel(figure, left + width + GAP_IN, BOTTOM_IN, width, height)
    for axes in (lines, scores):
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), names if axes is lines else [""] * len(rows))
        axes.tick_params(axis="y", length=0, labelcolor=look.INK)
        axes.grid(axis="y", visible=False)
    _lines(lines, rows, style)
    _scores(scores, rows, style)
    return figure


def save(rows: Sequence[Row], dataset: str, directory: Path) -> list[Path]:
    """Draw into a directory as PNG and SVG. Raises ResultsError."""
    paths = [directory / f"study-{slug(dataset)}.{suffix}" for suffix in ("png", "svg")]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with look.applied():
            figure = draw(rows, dataset)
            for path in paths:
                look.save(figure, path)
    except OSError as error:
        raise unwritable(directory, error) from None
    return paths


def _lines(axes: Axes, rows: Sequence[Row], style: dict[str, Style]) -> None:
    axes.set_title("logical lines of code")
    for y, row in enumerate(rows):
        for side, (name, (own, shared)) in zip((-HALF, HALF), row.lines.items()):
            color = style[name].color
            axes.barh(y + side, own, height=1.8 * HALF, color=color)
            axes.barh(y + side, shared, left=own, height=1.8 * HALF, color=color, alpha=0.3)
        if not row.lines:
            said = "as above, together" if "," in row.name else "the base"
            axes.annotate(
                said, (0, y), (4, 0), textcoords="offset points", va="center",
                size=look.SMALL, color=look.MUTED,
            )  # fmt: skip


def _scores(axes: Axes, rows: Sequence[Row], style: dict[str, Style]) -> None:
    axes.set_title("test RMSE (rating units), lower is better")
    everything = [score for row in rows for found in row.test_rmse.values() for score in found]
    span = max(everything) - min(everything) or 0.01
    axes.set_xlim(min(everything) - 0.05 * span, max(everything) + 0.3 * span)
    for y, row in enumerate(rows):
        for side, (name, found) in zip((-HALF, HALF), row.test_rmse.items()):
            one = style[name]
            axes.plot(found, [y + side] * len(found), one.marker, color=one.color, ms=4, mfc="none")
        name = next(iter(row.test_rmse))
        place = (max(max(found) for found in row.test_rmse.values()), y)
        axes.annotate(
            fixed(row.mean(name)), place, (7, 0), textcoords="offset points",
            va="center", size=look.SMALL,
        )  # fmt: skip
