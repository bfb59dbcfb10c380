"""The ranking of one data set, and how fast each backend's epochs are: two tables, so that neither
is wider than a screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench import tables, units
from bench.report.cells import Cell, Line, Table, backend, number, score, seconds
from bench.row import FAILED, Row


def ranking(rows: Sequence[Row]) -> Table:
    """Who is first to the target, in the order of the ranking."""
    first = rows[0]
    return Table(
        first.dataset,
        (
            ("Backend", "As written on the command line"),
            (
                "Place",
                "~ can't be told from the row above; ! tripped a guard; x failed; - no such score",
            ),
            ("Time to target", "Median training seconds to the target, interpolated"),
            ("Ratio", f"Time to target over that of {first.baseline}, paired, 95% interval"),
            ("Epochs", "Median passes to the target"),
            ("Per epoch", "Median seconds of an epoch after the first"),
            ("Test RMSE", "Best of a run, median over repeats"),
            ("Final J", "Median over repeats"),
            ("Peak MB", "Of the case's process, apart from the ratings"),
            ("Repeats", "Runs with the same settings"),
        ),
        [Line(_ranked(row, place), row.verdict) for place, row in enumerate(rows, start=1)],
        f"Time to {first.target.sentence}. Ratios to {first.baseline}.{_data(rows)}",
    )


def _ranked(row: Row, place: int) -> tuple[Cell, ...]:
    return (
        backend(row.backend),
        Cell(tables.mark(row), place),
        _time(row),
        Cell(tables.ratio(row), row.ratio.mid),
        number(row.epochs_to_target),
        seconds(row.costs.epoch_s),
        score(row.test_rmse),
        score(row.J),
        _memory(row),
        Cell(str(row.repeats), row.repeats),
    )


def _time(row: Row) -> Cell:
    if math.isfinite(row.to_target_s):
        return Cell(row.outcome, row.to_target_s)
    best = f"best {units.fixed(row.best_score)} at {units.seconds(row.best_s)}"
    known = math.isfinite(row.best_score)
    missed = "failed" if row.verdict == FAILED else "not reached" if row.applicable else "n/a"
    return Cell(missed, math.nan, best if known else "")


def _memory(row: Row) -> Cell:
    there = units.count(row.device_peak_mb)
    note = f"and {there} on the GPU" if math.isfinite(row.device_peak_mb) else ""
    return Cell(units.count(row.own_mb), row.own_mb, note)


def _data(rows: Sequence[Row]) -> str:
    known = [row.data_mb for row in rows if math.isfinite(row.data_mb)]
    return f" The ratings take {units.count(known[0])} MB more." if known else ""


def speed(rows: Sequence[Row]) -> Table:
    """What a steady epoch does per second, and how near that is to what the machine can do."""
    return Table(
        "Speed of a steady epoch",
        (
            ("Backend", "As written on the command line"),
            ("Per epoch", "Median seconds of an epoch after the first"),
            ("Ratings/s", "Training ratings per second"),
            ("GB/s", "Memory that the algorithm has to move per second"),
            ("GFLOP/s", "Operations that the algorithm has to do per second"),
            ("Of limit", "Share of what this machine can do for the same work: doctor --limits"),
            ("Bound by", "What holds it back, by the rules of docs/limits.md"),
        ),
        [Line(_fast(row), row.verdict) for row in rows],
        f"{rows[0].dataset}. A dash: no limit was measured, or the algorithm has no model.",
    )


def _fast(row: Row) -> tuple[Cell, ...]:
    known = bool(row.bound)
    share = f"{units.digits(100 * row.of_limit, 2)}%" if known else units.NOTHING
    return (
        backend(row.backend),
        seconds(row.costs.epoch_s),
        number(row.ratings_hz, units.count),
        number(row.bytes_hz / 1e9),
        number(row.flops_hz / 1e9),
        Cell(share, row.of_limit if known else math.nan),
        Cell(row.bound or units.NOTHING),
    )
