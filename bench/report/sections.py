"""The tables about results: ledger, agreement, failures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bench import results, units
from bench.records import Record
from bench.report.cells import Cell, Line, Table, backend, number, score, seconds
from bench.row import AGREES, FAILED, FLAGGED, Row


def by_dataset(rows: Iterable[Row]) -> list[list[Row]]:
    return [list(group) for _, group in groupby(rows, key=lambda row: row.dataset)]


def ledger(rows: Sequence[Row]) -> Table:
    """One data set: what is paid once and what every epoch costs, as numbers and stacked bars."""
    once = max(sum(row.costs.paid_once.values()) for row in rows)
    each = max(sum(row.costs.per_epoch.values()) for row in rows)
    parts = [*rows[0].costs.paid_once, *rows[0].costs.per_epoch]
    return Table(
        rows[0].dataset,
        (
            ("Backend", "As written on the command line"),
            ("Paid once", "Import, warm-up, set-up and what the first epoch takes beyond others"),
            ("Paid every epoch", "A steady epoch, its snapshot and its evaluation"),
            *((part.capitalize(), "Median seconds") for part in parts),
        ),
        [Line(_costs(row, once, each), row.verdict) for row in rows],
        "Only epochs count as training time.",
    )


def _costs(row: Row, once: float, each: float) -> tuple[Cell, ...]:
    first, then = row.costs.paid_once, row.costs.per_epoch
    bars = (_bar(first, once), _bar(then, each))
    return (backend(row.backend), *bars, *map(seconds, (first | then).values()))


def _bar(parts: Mapping[str, float], longest: float) -> Cell:
    total = sum(parts.values())
    shares = tuple((name, s / longest) for name, s in parts.items() if longest and s)
    return Cell(units.seconds(total), total, parts=shares)


def families(records: Sequence[Record]) -> Table | None:
    """What `mfbench agree` found family by family; None where it was not run on these sources."""
    lines = [
        Line(
            (
                Cell(row["family"]),
                backend(name),
                *map(_gap, (row["J"], row["factors"], row["float32_factors"])),
                Cell(" ".join(map(str, row["threads"]))),
                Cell(row["verdict"]),
            ),
            AGREES if row["verdict"] == AGREES else FLAGGED,
        )
        for name, rows in results.families(records).items()
        for row in rows
    ]
    return Table("Families", FAMILY_COLUMNS, lines) if lines else None


FAMILY_COLUMNS = (
    ("Family", "What must be equal for two backends to walk alike"),
    ("Backend", "As written on the command line"),
    ("J", "Largest relative difference from the written definition over five epochs, float64"),
    ("Factors", "The same for P, Q, b and c"),
    ("Factors, float32", "The same in single precision"),
    ("Threads", "Counts that gave the same bits"),
    ("Verdict", "agrees, or the epoch in which it parts"),
)


def _gap(value: float | None) -> Cell:
    return number(math.nan if value is None else value, lambda v: f"{v:.0e}" if v else "0")


def agreement(records: Sequence[Record]) -> Table:
    """Every record's end as the judge saw it, side by side."""
    return Table(
        "Final losses",
        (
            ("Backend", "As written on the command line"),
            ("Data set", ""),
            ("Repeat", "From 1"),
            ("Epochs", "Passes done"),
            ("Final J", "The one loss, float64"),
            ("Stationarity", "Gradient of J now over its start: near 0 at a stationary point"),
            ("Train RMSE", "At the end"),
            ("Test RMSE", "At the end"),
            ("Test MAE", "At the end"),
            ("Cores", "CPU time over wall time while training"),
            ("Verdict", "Flags in full below"),
        ),
        [Line(_judged(record), verdict(record)) for record in records],
    )


def _judged(record: Record) -> tuple[Cell, ...]:
    end = record.points[-1] if record.points else None
    scores = ("J", "train_rmse", "test_rmse", "test_mae")
    loss, *errors = (getattr(end, name, math.nan) for name in scores)
    return (
        backend(record.case.backend),
        Cell(record.case.dataset),
        Cell(str(record.case.repeat + 1), record.case.repeat),
        Cell(str(record.epochs), record.epochs),
        number(loss, lambda value: units.fixed(value, 6)),
        number(record.stationarity),
        *map(score, errors),
        number(record.effective_cores),
        Cell(verdict(record)),
    )


def verdict(record: Record) -> str:
    """One record alone: agrees, flagged or failed."""
    return FAILED if not record.succeeded else FLAGGED if record.flags else AGREES


def notes(records: Sequence[Record]) -> Table | None:
    """What a reader should know of a backend and is no fault; None where there is nothing."""
    said = dict.fromkeys((r.case.backend, note) for r in records for note in r.notes)
    lines = [Line((backend(name), Cell(note)), AGREES) for name, note in said]
    return Table("Notes", (("Backend", ""), ("Note", "")), lines) if lines else None


def failures(records: Sequence[Record]) -> Table | None:
    """Every failure and flag with its reason; None where there are none."""
    found = [
        Line(
            (
                backend(record.case.backend),
                Cell(record.case.dataset),
                Cell(str(record.case.repeat + 1), record.case.repeat),
                Cell(record.status if not record.succeeded else FLAGGED),
                Cell(reason),
            ),
            verdict(record),
        )
        for record in records
        for reason in ([] if record.succeeded else [record.reason]) + list(record.flags)
    ]
    columns = (("Backend", ""), ("Data set", ""), ("Repeat", ""), ("Status", ""), ("Reason", ""))
    return Table("Failures and flags", columns, found) if found else None
