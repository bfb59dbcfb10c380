"""Figures from records alone, as PNG and SVG; the same records give the same bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench import leaderboard
from bench.records import Record, ResultsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
            for name, figure in figures(leaderboard.latest(records), target).items():
                for suffix in ("png", "svg"):
                    written.append(directory / f"{name}.{suffix}")
                    look.save(figure, written[-1])
    except OSError as error:
        raise ResultsError(
            f"Cannot write figures to {directory}: {error.strerror}; choose another place with -o."
        ) from None
    return written


def figures(records: Sequence[Record], target: float | None = None) -> dict[str, Figure]:
    """File name without suffix -> figure, data set by data set."""
    from bench.palette import styles
    from bench.plots import convergence, ledger, speed, timing
    from bench.plots.entry import entries

    style = styles(record.case.backend for record in records)
    groups = leaderboard.by_backend(records)
    drawn: dict[str, Figure] = {}
    for dataset, rows in groupby(leaderboard.rows(records, target), key=lambda row: row.dataset):
        found = entries(list(rows), groups[dataset], style)
        for draw in (convergence.draw, timing.draw, speed.draw, ledger.draw):
            name = f"{draw.__module__.rpartition('.')[2]}-{slug(dataset)}"
            if name in drawn:  # two data sets that differ in punctuation alone
                name += f"-{hashlib.sha256(dataset.encode()).hexdigest()[:8]}"
            if (figure := draw(found)) is not None:
                drawn[name] = figure
    return drawn


def slug(dataset: str) -> str:
    """A data set's name as part of a file name: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", dataset.lower()).strip("-")[:60] or "data"
