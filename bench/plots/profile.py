"""Performance profile over problems (Dolan and More 2002): who is near the fastest how often?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from bench.palette import Style
from bench.plots import chart, labels, ticks
from bench.plots.entry import wrapped
from bench.profile import Profile, profiles
from bench.row import Row


@dataclass(frozen=True, slots=True)
class Named:
    """A profile with its name and style."""

    profile: Profile
    style: Style

    @property
    def label(self) -> str:
        return wrapped(self.profile.backend)

    @property
    def lines(self) -> int:
        return 1 + self.label.count("\n")

    @property
    def face(self) -> str:
        return self.style.color


def draw(rows: Sequence[Row], styles: Mapping[str, Style]) -> Figure | None:
    """All problems in one panel; None for fewer than two, or where nobody reached a target."""
    problems = {row.dataset for row in rows}
    found = [Named(each, styles[each.backend]) for each in profiles(rows) if each.shares[-1]]
    if len(problems) < 2 or not found:
        return None
    figure, axes = chart.sheet(
        found,
        f"Over {len(problems)} problems: how often is each backend near the fastest?",
        "Height: share of targets reached within so many times the fastest's training "
        "time. Upper left is better. Who reached no target is left out.",
    )
    high = max(2.0, *(each.profile.factors[-1] for each in found)) ** 1.06
    axes.set_xlim(1, high)
    axes.set_ylim(-0.03, 1.04)
    for each in found:
        factors = np.append(each.profile.factors, high)
        shares = np.append(each.profile.shares, each.profile.shares[-1])
        axes.step(factors, shares, where="post", color=each.style.color, clip_on=False)
        axes.plot(*_corners(each.profile), each.style.marker, color=each.style.color, clip_on=False)
    ticks.logarithmic(axes, "")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}x"))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    steps = len(problems) if len(problems) < 7 else 5
    axes.yaxis.set_major_locator(FixedLocator([k / steps for k in range(steps + 1)]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("time to target over that of the fastest")
    axes.set_ylabel("share of problems")
    labels.at_right(axes, found, [(high, float(each.profile.shares[-1])) for each in found])
    return figure


def _corners(profile: Profile) -> tuple[Sequence[float], Sequence[float]]:
    # Where it rises: the step at 1 is none for who wins nothing.
    rises = np.diff(profile.shares, prepend=0.0) > 0
    return profile.factors[rises].tolist(), profile.shares[rises].tolist()
