"""One colour and one marker per backend, in every figure and in the report.

Seven colours, each with a contrast of 3:1 or more to its background (WCAG 2.2, 1.4.11) and apart
from the others for the three common colour-vision deficiencies (tests/test_plots.py simulates
them); a marker besides, so that nothing hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LIGHT = ("#0072b2", "#d55e00", "#00a68c", "#b30d66", "#222222", "#261ab3", "#594000")
DARK = ("#56b4e9", "#ff7f2a", "#35e0bd", "#a65973", "#f5f5f5", "#3366f2", "#ffd900")
SHADES = {  # of a stacked bar's parts, on light and on dark; neighbours differ in lightness
    "import": ("#7f97a8", "#55708a"),
    "warm-up": ("#4f6d84", "#9dbcd4"),
    "set-up": ("#1d3446", "#e4eef6"),
    "first epoch, extra": ("#c28a00", "#e3b505"),
    "steady epoch": ("#1d3446", "#9dbcd4"),
    "snapshot": ("#c28a00", "#e3b505"),
    "evaluation": ("#7f97a8", "#55708a"),
}
MARKERS = (  # Matplotlib's name, Plotly's name
    ("o", "circle"), ("s", "square"), ("^", "triangle-up"), ("D", "diamond"),
    ("v", "triangle-down"), ("P", "cross"), ("X", "x"), ("*", "star"),
)  # fmt: skip
BUNDLED = ("numba_sgd", "numpy_sgd", "torch_sgd", "numba_als", "numpy_als", "torch_als")


@dataclass(frozen=True, slots=True)
class Style:
    """How one backend is drawn."""

    color: str  # on a light background
    dark: str  # on a dark one
    marker: str
    symbol: str


def styles(backends: Iterable[str]) -> dict[str, Style]:
    """A style for each label. The bundled backends keep theirs everywhere; the others take the next
    ones in alphabetical order. Seven colours and eight markers make 56 pairs before one repeats.
    """
    others = sorted(set(backends) - set(BUNDLED))
    return {name: _style(slot) for slot, name in enumerate((*BUNDLED, *others))}


def _style(slot: int) -> Style:
    k, m = slot % len(LIGHT), slot % len(MARKERS)
    return Style(LIGHT[k], DARK[k], *MARKERS[m])
