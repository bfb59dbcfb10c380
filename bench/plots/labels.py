"""Labels beside what they name, moved as little as needed so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from bench.palette import Style
from bench.plots.look import LINE_IN, figure_of

LEADER_IN, MARKER_IN, TEXT_IN = 0.16, 0.25, 0.34  # from the axes' right edge


class Named(Protocol):
    """What a label says and shows: text of so many lines, a style, the fill of its marker."""

    @property
    def label(self) -> str: ...
    @property
    def lines(self) -> int: ...
    @property
    def style(self) -> Style: ...
    @property
    def face(self) -> str: ...


def spread(wanted: ArrayLike, heights: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """Centres nearest to `wanted` in least squares such that boxes of those heights don't overlap
    and lie within low to high, if they fit at all. Isotonic regression does it: the centres less
    the room taken below them must not fall.
    """
    from scipy.optimize import isotonic_regression

    y, h = np.asarray(wanted, np.float64), np.asarray(heights, np.float64)
    order = np.argsort(y, kind="stable")
    room = np.cumsum(h[order]) - h[order] / 2
    free = np.clip(isotonic_regression(y[order] - room).x, low, max(low, high - h.sum()))
    centres = np.empty_like(y)
    centres[order] = free + room
    return centres


def at_right(axes: Axes, entries: Sequence[Named], ends: Sequence[tuple[float, float]]) -> None:
    """Name the entries right of the axes, each joined to its point (x, y) by a thin line."""
    width, height = axes.get_position().size * figure_of(axes).get_size_inches()
    points = axes.transAxes.inverted().transform(axes.transData.transform(ends)).clip(0, 1)
    heights = [LINE_IN * entry.lines for entry in entries]
    slack = max(0.0, (sum(heights) - height) / 2)
    centres = spread(points[:, 1] * height, heights, -slack, height + slack) / height
    free: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
    for entry, (x, y), centre in zip(entries, points, centres, strict=True):
        color = entry.style.color
        bend = 1 + LEADER_IN / width
        axes.plot([x, 1, bend], [y, y, centre], color=color, lw=0.7, alpha=0.6, **free)
        marker = 1 + MARKER_IN / width
        axes.plot(marker, centre, entry.style.marker, color=color, mfc=entry.face, **free)
        place = (1 + TEXT_IN / width, centre)
        axes.text(*place, entry.label, va="center", size=8.5, linespacing=1.1, **free)
