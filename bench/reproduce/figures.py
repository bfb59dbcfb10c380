"""Two figures of the post: its SGD beside ours, and why its ALS came out so badly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.palette import Style, styles
from bench.plots import chart, labels, look, ticks
from bench.reproduce.outcome import Outcome, Row

SGD = {
    ("rosenthal-sgd-splits", "test MSE"): "test, random splits",
    ("rosenthal-sgd", "test MSE"): "test, its own split",
    ("rosenthal-sgd", "train MSE"): "training, its own split",
}
ALS = {
    "rosenthal-als": "zeros, no biases: as published",
    "rosenthal-als-zeros-biases": "zeros, biases",
    "rosenthal-als-per-entity": "observed, no biases, its penalty",
    "rosenthal-als-per-entity-10": "observed, no biases, its penalty at 10",
    "rosenthal-als-observed": "observed, no biases",
    "rosenthal-als-observed-biases": "observed, biases",
    "rosenthal-als-reg": "observed, no biases, reg 0.1",
    "rosenthal-als-reg-biases": "observed, biases, reg 0.1",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A curve with its band and its name."""

    label: str
    style: Style
    rows: tuple[Row, ...]
    lines: int = 1

    @property
    def face(self) -> str:
        return self.style.color

    @property
    def end(self) -> tuple[float, float]:
        return float(self.rows[-1].epoch), self.rows[-1].median


def figures(outcomes: Iterable[Outcome]) -> dict[str, Figure]:
    """File name without suffix -> figure, of those whose outcomes are all there."""
    known = {outcome.experiment: outcome for outcome in outcomes}
    drawn = {}
    if all(name in known for name, _ in SGD):
        drawn["rosenthal-sgd"] = _sgd(known)
    if all(name in known for name in ALS):
        drawn["rosenthal-als"] = _als(known)
    return drawn


def _sgd(known: Mapping[str, Outcome]) -> Figure:
    curves = {label: _rows(known[name], metric) for (name, metric), label in SGD.items()}
    found = _lines(curves)
    figure, axes = chart.sheet(
        found,
        "ml-100k: the SGD of 2016 and what it printed",
        "Line: median. Band: all splits or starts. Rings: as published. Rank 40, lr 0.001.",
    )
    _draw(axes, found, "epochs")
    _rings(axes, known["rosenthal-sgd"])
    axes.set_ylabel("MSE (rating units squared)")
    labels.at_right(axes, found, [line.end for line in found])
    return figure


def _als(known: Mapping[str, Outcome]) -> Figure:
    found = _lines({label: _rows(known[name], "test MSE") for name, label in ALS.items()})
    figure, axes = chart.sheet(
        found,
        "ml-100k: what made the ALS of 2016 so bad?",
        "Rank 20, penalty 0.01 unless said; its penalty counts once per entity, ours per rating. "
        "Ring: as published.",
    )
    _draw(axes, found, "sweeps")
    _rings(axes, known["rosenthal-als"])
    axes.set_ylim(*chart.room([row.median for line in found for row in line.rows]))
    ticks.logarithmic_y(axes, "")
    axes.set_ylabel("test MSE (rating units squared)")
    labels.at_right(axes, found, [line.end for line in found])
    return figure


def _rings(axes: Axes, outcome: Outcome) -> None:
    points = [(row.epoch, row.published[0]) for row in outcome.rows if row.published]
    epochs, published = zip(*points, strict=True)
    axes.plot(epochs, published, "o", mfc="none", color=look.INK, ms=8, zorder=3)


def _rows(outcome: Outcome, metric: str) -> tuple[Row, ...]:
    return tuple(row for row in outcome.curves if row.metric == metric)


def _lines(curves: Mapping[str, tuple[Row, ...]]) -> Sequence[Line]:
    # Numbered, so that colours follow the order here and not the alphabet.
    style = styles(f"{k:02}" for k in range(len(curves)))
    return [Line(label, style[f"{k:02}"], rows) for k, (label, rows) in enumerate(curves.items())]


def _draw(axes: Axes, lines: Sequence[Line], name: str) -> None:
    for line in lines:
        color, marker = line.style.color, line.style.marker
        epochs = [row.epoch for row in line.rows]
        low, high = zip(*(row.band for row in line.rows), strict=True)
        axes.fill_between(epochs, low, high, color=color, alpha=0.18, lw=0)
        axes.plot(epochs, [row.median for row in line.rows], color=color, marker=marker, ms=4)
    axes.set_xlim(0.9, 1.1 * max(line.rows[-1].epoch for line in lines))
    ticks.logarithmic(axes, "")
    axes.set_xlabel(name)
