"""Figures from records alone, as PNG and SVG; the same records give the same bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench import leaderboard
from bench.records import Record, ResultsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.palette import Style
    from bench.row import Row


def save_all(records: Iterable[Record], directory: Path, target: float | None = None) -> list[Path]:
    """Draw every figure that the records can fill into `directory`; return the files written.
    `target` replaces each data set's own. Raises ResultsError where records of one data set can't
    be compared, or the directory can't be written.
    """
    from bench.plots import look

    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with look.applied():
            for name, figure in figures(list(records), target).items():
                for suffix in ("png", "svg"):
                    written.append(directory / f"{name}.{suffix}")
                    look.save(figure, written[-1])
    except OSError as error:
        raise ResultsError(
            f"Cannot write figures to {directory}: {error.strerror}; choose another place with -o."
        ) from None
    return written


def figures(records: Sequence[Record], target: float | None = None) -> dict[str, Figure]:
    """File name without suffix -> figure: data set by data set, then over all of them."""
    from bench.palette import styles

    latest = leaderboard.latest(records)
    rows = leaderboard.rows(latest, target)
    style = styles(record.case.backend for record in records)
    drawn: dict[str, Figure] = {}
    for kind, subject, figure in (
        *_each(rows, latest, style),
        *_over_all(rows, records, latest, style),
    ):
        name = "-".join(filter(None, [kind, slug(subject)]))
        if name in drawn:  # two data sets that differ in punctuation alone
            name += f"-{hashlib.sha256(subject.encode()).hexdigest()[:8]}"
        drawn[name] = figure
    return drawn


Drawn = Iterator[tuple[str, str, "Figure"]]  # kind of figure, what it is about, the figure


def _each(rows: Sequence[Row], records: Sequence[Record], style: dict[str, Style]) -> Drawn:
    from bench.plots import code, convergence, ledger, speed, timing, tradeoff
    from bench.plots.entry import entries

    groups = leaderboard.by_backend(records)
    for dataset, found in groupby(rows, key=lambda row: row.dataset):
        entered = entries(list(found), groups[dataset], style)
        for module in (convergence, timing, tradeoff, speed, ledger, code):
            if (figure := module.draw(entered)) is not None:
                yield module.__name__.rpartition(".")[2], dataset, figure


def _over_all(
    rows: Sequence[Row],
    records: Sequence[Record],
    latest: Sequence[Record],
    style: dict[str, Style],
) -> Drawn:
    from bench.plots import agreement, profile, scaling

    for subject, drawn in scaling.draw_all(records, style).items():
        yield "scaling", subject, drawn
    for kind, figure in (
        ("profile", profile.draw(rows, style)),
        ("agreement", agreement.draw(latest, style)),
    ):
        if figure is not None:
            yield kind, "", figure


def slug(subject: str) -> str:
    """What a figure is about as part of a file name: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")[:60].strip("-")
