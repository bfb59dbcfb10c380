"""Agreement as a heat map: how far each backend strays from its family's written definition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench import results
from bench.agree import TOLERANCE
from bench.palette import Style
from bench.plots import look
from bench.plots.entry import wrapped
from bench.records import Record
from bench.row import AGREES

COLUMNS = (  # of a verdict's row in a family: field, heading, bound
    ("J", "J, float64", TOLERANCE["float64"]),
    ("factors", "factors, float64", TOLERANCE["float64"]),
    ("float32_factors", "factors, float32", TOLERANCE["float32"]),
)
DECADES = 8  # from the palest colour to the bound
WRONG = "#d55e00"
NAME_IN, VERDICT_IN, BOTTOM_IN, ROW_LINES = 0.3, 1.7, 0.15, 1.5


@dataclass(frozen=True, slots=True)
class Member:
    """One backend in one family, as `mfbench agree` judged it."""

    backend: str
    found: Mapping[str, Any]

    @property
    def label(self) -> str:
        return wrapped(self.backend)

    @property
    def lines(self) -> float:
        return max(ROW_LINES, 1 + self.label.count("\n"))


def draw(records: Sequence[Record], styles: Mapping[str, Style]) -> Figure | None:
    """All families below one another; None where no verdict is stored."""
    families = _families(records)
    if not families:
        return None
    lines = sum(ROW_LINES + sum(m.lines for m in members) for members in families.values())
    figure = look.sheet(
        look.TOP_IN + look.LINE_IN * lines + BOTTOM_IN,
        "Do backends of one family walk alike?",
        "Largest relative distance from the written definition in five epochs; bounds "
        f"{TOLERANCE['float64']:.0e} and {TOLERANCE['float32']:.0e}. Pale: nearer. Orange: beyond.",
    )
    names = [member.label for members in families.values() for member in members]
    left = look.width_in(names) + NAME_IN
    width = look.WIDTH_IN - left - VERDICT_IN
    axes = look.panel(figure, left, BOTTOM_IN, width, look.LINE_IN * lines)
    axes.set_xlim(0, len(COLUMNS))
    axes.set_ylim(lines, 0)
    axes.axis("off")
    for k, (_, heading, _) in enumerate(COLUMNS):
        axes.text(k + 0.5, -0.4, heading, ha="center", va="bottom")
    _rows(axes, families, styles, left / width * len(COLUMNS))
    return figure


def _families(records: Sequence[Record]) -> dict[str, list[Member]]:
    # By family, each backend once.
    families: dict[str, list[Member]] = {}
    for backend, rows in results.families(records).items():
        for row in rows:
            families.setdefault(row["family"], []).append(Member(backend, row))
    return families


def _rows(
    axes: Axes, families: Mapping[str, Sequence[Member]], styles: Mapping[str, Style], left: float
) -> None:
    top = 0.0
    for family, members in families.items():
        axes.text(0.1 - left, top + 0.8, family, va="center", weight="bold", size=8.5)
        top += ROW_LINES
        for member in members:
            middle = top + member.lines / 2
            style = styles[member.backend]
            axes.text(-0.09, middle, member.label, ha="right", va="center", size=8.5)
            axes.plot(-0.045, middle, style.marker, color=style.color, clip_on=False)
            for k, (field, _, bound) in enumerate(COLUMNS):
                _cell(axes, k, (top, member.lines), member.found.get(field), bound)
            _verdict(axes, middle, member.found["verdict"])
            top += member.lines


def _cell(axes: Axes, k: int, rows: tuple[float, float], gap: float | None, bound: float) -> None:
    top, lines = rows
    near = 1 + math.log10(gap / bound) / DECADES if gap else 0.0
    face, ink = _colors(near) if gap is not None else ("white", look.MUTED)
    axes.add_patch(Rectangle((k, top), 1, lines, fc=face, ec="white", lw=1))
    text = "not tried" if gap is None else f"{gap:.0e}" if gap else "0"
    axes.text(k + 0.5, top + lines / 2, text, ha="center", va="center", color=ink, size=8.5)


def _colors(near: float) -> tuple[Any, str]:
    # Fill and ink; `near` is 1 at the bound.
    if near > 1:
        return WRONG, look.INK
    return colormaps["Blues"](0.1 + 0.55 * max(0.0, near)), look.INK


def _verdict(axes: Axes, middle: float, verdict: str) -> None:
    color = look.MUTED if verdict == AGREES else WRONG
    mark = "" if verdict == AGREES else "✗ "
    axes.text(len(COLUMNS) + 0.05, middle, mark + verdict, va="center", color=color, size=8.5)
