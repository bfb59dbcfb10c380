"""How every figure looks: inches for 700 px wide reading, ink, names, saving without a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

if TYPE_CHECKING:
    from bench.plots.labels import Named

WIDTH_IN = 9.0  # at 700 px, 9 pt letters are 10 px
DPI = 160
TITLE, SMALL = 11, 8  # pt
LINE_IN = 0.165  # one line of text
ROW_GAP = 0.65  # lines between the rows of a table of backends
TOP_IN = 0.78  # title, note and the panels' titles
INK, MUTED, FAINT = "#1a1a1a", "#595959", "#d9d9d9"
SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "hatch.linewidth": 0.7,
    "text.parse_math": False,  # a name with a dollar sign is a name
    "svg.hashsalt": "mfbench",
}


@contextmanager
def applied() -> Iterator[None]:
    """These settings, whatever the user's own are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)  # type: ignore[arg-type]
        yield


def save(figure: Figure, path: Path) -> None:
    """Write one file, without the date and version that would make equal figures differ."""
    nothing = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, dpi=DPI, metadata=nothing)


def sheet(height_in: float, title: str, note: str) -> Figure:
    """An empty figure with the question in bold and a reading aid beneath it."""
    figure = Figure(figsize=(WIDTH_IN, height_in))
    FigureCanvasAgg(figure)
    head = figure.text(0.012, 1 - 0.1 / height_in, title, va="top", weight="bold", size=TITLE)
    while head.get_window_extent().x1 > 0.98 * figure.bbox.width:  # a name may be a long path
        head.set_fontsize(0.95 * float(head.get_fontsize()))
    figure.text(0.012, 1 - 0.34 / height_in, note, va="top", color=MUTED, size=8.5)
    return figure


def panel(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes placed in inches."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def width_in(texts: Sequence[str], size: float = 8.5) -> float:
    """Inches of the widest text."""
    figure = Figure()
    FigureCanvasAgg(figure)
    widths = [figure.text(0, 0, t, size=size).get_window_extent().width for t in texts]
    return float(max(widths, default=0.0)) / figure.dpi


def figure_of(axes: Axes) -> Figure:
    """The figure that axes are in; sheets have no sub-figures."""
    assert isinstance(axes.figure, Figure)
    return axes.figure


def name_rows(axes: Axes, entries: Sequence[Named], named: bool) -> list[float]:
    """Turn y into a list of backends from the top, named with their markers or left bare; return
    their centres.
    """
    centres, edge = [], 0.0
    for entry in entries:
        centres.append(edge - (entry.lines + ROW_GAP) / 2)
        edge -= entry.lines + ROW_GAP
    axes.set_ylim(edge, 0)
    axes.yaxis.set_major_locator(FixedLocator(centres))
    axes.tick_params(axis="y", length=0, pad=16)
    axes.grid(axis="y", visible=False)
    axes.set_yticklabels([entry.label if named else "" for entry in entries], color=INK)
    width = axes.get_window_extent().width / figure_of(axes).dpi
    for y, entry in zip(centres, entries, strict=True) if named else ():
        axes.plot(
            -9 / 72 / width, y, entry.style.marker,
            color=entry.style.color, mfc=entry.face, clip_on=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    return centres


def rows_in(entries: Sequence[Named]) -> float:
    """Inches that name_rows needs."""
    return LINE_IN * sum(entry.lines + ROW_GAP for entry in entries)
