"""One panel with its curves or points named at the right."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.plots import labels, look
from bench.plots.labels import Named

LEFT_IN, BOTTOM_IN, RIGHT_IN, PANEL_IN = 0.8, 0.55, 0.1, 3.0
HEAD_IN = 0.68


def sheet(named: Sequence[Named], title: str, note: str) -> tuple[Figure, Axes]:
    """An empty figure and its panel, with room for the names beside it."""
    height = max(PANEL_IN, look.LINE_IN * sum(each.lines for each in named))
    figure = look.sheet(HEAD_IN + height + BOTTOM_IN, title, note)
    right = labels.TEXT_IN + look.width_in([each.label for each in named]) + RIGHT_IN
    width = look.WIDTH_IN - LEFT_IN - right
    return figure, look.panel(figure, LEFT_IN, BOTTOM_IN, width, height)


def room(values: Sequence[float], part: float = 0.06) -> tuple[float, float]:
    """Limits of a logarithmic axis around values above zero: a part of their span on either side,
    and a factor of two at least.
    """
    low, high = min(values), max(values)
    factor = max(high / low, 2.0) ** part
    return low / factor, high * factor
