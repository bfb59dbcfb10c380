"""The ranking in a terminal: one table per data set, readable in 100 columns."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.row import AGREES, FAILED, FLAGGED, Row
from bench.units import count, digits, fixed, seconds

WIDTH = 100
WORDS = ("", "backend", "time to target")
NUMBERS = (
    "ratio (95%)", "epochs", "per epoch", "test RMSE", "J", "set-up", "warm-up", "MB"
)  # fmt: skip
NOTES = (
    "Medians over repeats, in training time alone; ratios of time to target with 95% intervals, "
    "paired within a repeat. MB: peak memory of the process, without the ratings. "
    "~ can't be told apart from the row above. "
    "! tripped a guard and x failed: not ranked; nor is -, which has no such score."
)


def table(rows: Iterable[Row]) -> Table:
    """The rows of each data set under its name and target, then what was not ranked and why."""
    whole = Table.grid()
    for dataset, group in groupby(rows, key=lambda row: row.dataset):
        found = list(group)
        goal = f": time to {found[0].target.sentence}, ratio to {found[0].baseline}"
        whole.add_row(Text.assemble((dataset, "bold"), goal))
        whole.add_row(_one(found))
        if any(math.isfinite(row.bytes_hz) for row in found):
            whole.add_row(_speed(found))
        for row in found:
            for reason in row.reasons:
                whole.add_row(Text(f"{mark(row)} {row.backend}: {reason}", style="yellow"))
            for note in row.notes:
                whole.add_row(Text(f"{mark(row)} {row.backend}: {note}", style="dim"))
        whole.add_row("")
    whole.add_row(Text(NOTES, style="dim"))
    return whole


def show(rows: Iterable[Row]) -> None:
    """Print the table: in colour on a terminal, plain in WIDTH columns elsewhere."""
    console = Console()
    if console.is_terminal:
        console.print(table(rows))
    else:
        print(text(rows))


def text(rows: Iterable[Row]) -> str:
    """The same without colour, for a file or a pipe."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(table(rows))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _one(rows: Sequence[Row]) -> Table:
    one = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for heading in WORDS:
        one.add_column(heading, overflow="fold")
    for heading in NUMBERS:
        head = Text(heading.replace(" RMSE", "\nRMSE").replace("per ", "per\n"))
        one.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        one.add_row(*map(Text, _cells(row)), style=None if row.verdict == AGREES else "yellow")
    return one


def _speed(rows: Sequence[Row]) -> Table:
    speed = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    speed.add_column("a steady epoch")
    for heading in ("ratings/s", "GB/s", "GFLOP/s", "of the machine's limit"):
        speed.add_column(heading, justify="right")
    for row in rows:
        share = f"{digits(100 * row.of_limit, 2)}%, {row.bound}-bound"
        speed.add_row(
            Text(row.backend),  # its brackets are no markup
            count(row.ratings_hz),
            digits(row.bytes_hz / 1e9),
            digits(row.flops_hz / 1e9),
            share if row.bound else "not measured",
        )
    return speed


def _cells(row: Row) -> tuple[str, ...]:
    met = math.isfinite(row.to_target_s)
    missed = "failed" if row.verdict == FAILED else "not reached" if row.applicable else "n/a"
    best = f"best at {seconds(row.best_s)}" if math.isfinite(row.best_s) else ""
    return (
        mark(row),
        row.backend,
        row.outcome if met else missed,
        ratio(row) if met else best,
        digits(row.epochs_to_target),
        seconds(row.costs.epoch_s),
        fixed(row.test_rmse),
        fixed(row.J),
        seconds(row.costs.setup_s, 2),
        seconds(row.costs.warmup_s, 2),
        count(row.own_mb),
    )


def mark(row: Row) -> str:
    """Place and mark: 1, 2~, ! for a flag, x for a failure, - for no such score."""
    if row.place is None:
        return {FAILED: "x", FLAGGED: "!"}.get(row.verdict, "-")
    return f"{row.place}{'~' if row.tied else ''}"


def ratio(row: Row, sign: str = "") -> str:
    """2.31 (2.10-2.63), with a sign after the first number; without the interval where there is
    none.
    """
    mid, low, high = (times(v) for v in (row.ratio.mid, row.ratio.low, row.ratio.high))
    known = not math.isnan(row.ratio.low) and low != high
    return f"{mid}{sign} ({low}-{high})" if known else mid + sign


def times(value: float) -> str:
    """A ratio: two decimals below ten, none above."""
    return fixed(value, 2 if value < 9.995 else 0)
