"""The tables about results: ranking, ledger, agreement, failures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from bench import tables, units
from bench.records import Record
from bench.report.cells import Cell, Line, Table, backend, number, score, seconds
from bench.row import AGREES, FAILED, FLAGGED, Row


def by_dataset(rows: Iterable[Row]) -> list[list[Row]]:
    return [list(group) for _, group in groupby(rows, key=lambda row: row.dataset)]


def ranking(rows: Sequence[Row]) -> Table:
    """One data set, in the order of the ranking."""
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
            ("Ratings/s", "Training ratings per second of a steady epoch"),
            ("GB/s", "Memory that the algorithm has to move per second"),
            ("GFLOP/s", "Operations that the algorithm has to do per second"),
            ("Of limit", "Share of what this machine can do for the same work: doctor --limits"),
            ("Peak MB", "Of the case's process"),
            ("Repeats", "Runs with the same settings"),
        ),
        [Line(_ranked(row, place), row.verdict) for place, row in enumerate(rows, start=1)],
        f"Time to {first.target.sentence}. Ratios to {first.baseline}.",
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
        number(row.ratings_hz, units.count),
        number(row.bytes_hz / 1e9),
        number(row.flops_hz / 1e9),
        Cell(f"{units.digits(100 * row.of_limit, 2)}%", row.of_limit, f"{row.bound}-bound")
        if row.bound
        else Cell(units.NOTHING, math.nan),
        number(row.peak_mb, units.count),
        Cell(str(row.repeats), row.repeats),
    )


def _time(row: Row) -> Cell:
    if math.isfinite(row.to_target_s):
        return Cell(row.outcome, row.to_target_s)
    best = f"best {units.fixed(row.best_score)} at {units.seconds(row.best_s)}"
    known = math.isfinite(row.best_score)
    missed = "failed" if row.verdict == FAILED else "not reached" if row.applicable else "n/a"
    return Cell(missed, math.nan, best if known else "")


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
    judged = {r.case.backend: r.gate["families"] for r in records if r.gate}
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
        for name, rows in judged.items()
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
