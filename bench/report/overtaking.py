"""Break-even: when does a backend that is slow to start overtake the one that starts fastest?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench import units
from bench.breakeven import BreakEven, break_even, over_epochs
from bench.report.cells import Cell, Line, Table, backend, seconds
from bench.row import Row

COLUMNS = (
    ("Backend", "As written on the command line"),
    ("Start", "Seconds before a steady epoch: import, warm-up, set-up, the first epoch's extra"),
    ("Per epoch", "Median seconds of an epoch after the first"),
    ("Overtakes after", "Epochs from a cold start; never, where its epochs are no faster"),
    ("At", "Seconds from the cold start"),
    (
        "Faster to target",
        "Than the fastest starter, if time grows as the ratings do, and as many epochs are needed",
    ),
)


def table(rows: Sequence[Row]) -> Table | None:
    """One data set, the fastest to start first; None where fewer than two have been timed."""
    timed = [row for row in rows if not math.isnan(over_epochs(row.costs).at(1))]
    if len(timed) < 2:
        return None
    first, *others = sorted(timed, key=lambda row: over_epochs(row.costs))
    lines = [_line(first, (Cell("-", math.nan), Cell("-", math.nan), Cell("-")))]
    lines += [_line(row, _chase(break_even(row, first), row.backend)) for row in others]
    return Table(
        f"Break-even with {first.backend}, which starts fastest",
        COLUMNS,
        lines,
        f"{first.dataset}. From a cold start; evaluation is left out.",
    )


def _line(row: Row, chase: tuple[Cell, ...]) -> Line:
    start_s = over_epochs(row.costs).start_s
    cells = backend(row.backend), seconds(start_s), seconds(row.costs.epoch_s), *chase
    return Line(cells, row.verdict)


def _chase(found: BreakEven, mine: str) -> tuple[Cell, ...]:
    size = found.epochs.size
    if math.isinf(size):
        return Cell("never", math.nan), Cell("-", math.nan), _ratings(found, mine)
    epochs = max(1, math.ceil(size))
    text = f"{epochs:,} epoch{'s' * (epochs > 1)}"
    return Cell(text, epochs), seconds(found.epochs_s), _ratings(found, mine)


def _ratings(found: BreakEven, mine: str) -> Cell:
    # From the side of `mine`, which may be either runner.
    race = found.ratings
    if math.isnan(race.size):
        return Cell("-")
    if not 1 <= race.size < math.inf:
        faster = race.chaser if race.size < 1 else race.leader
        return Cell("always" if faster == mine else "never")
    size = units.count(race.size, 2)
    return Cell(f"from {size} ratings on" if race.chaser == mine else f"up to {size} ratings")
