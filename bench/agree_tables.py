"""The verdicts of `mfbench agree` in a terminal: one table per question, faults in words below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.agree import TOLERANCE, WRITTEN, Gap, Membership
from bench.standings import Standing
from bench.units import fixed
from bench.verdicts import Agreement, Conduct, Destination, Independence

WIDTH = 100  # off a terminal


def show(found: Agreement) -> Group:
    """All tables that have a row, and the sentence that sums them up."""
    parts: list[RenderableType] = []
    if found.memberships:
        parts.append(families(found.memberships))
    if found.conducts:
        parts.append(conduct(found.conducts))
    if found.destinations:
        parts.append(destinations(found.destinations))
    if found.independences:
        parts.append(independences(found.independences))
    if found.standings:
        parts.append(standings(found.standings))
    parts.append(summary(found))
    return Group(*parts)


def summary(found: Agreement) -> Text:
    if found.off:
        return Text(f"Off: {', '.join(found.off)}.", style="bold red")
    return Text("All agree.", style="bold green")


def families(rows: Iterable[Membership]) -> RenderableType:
    """Walkers by family: how far each strays from the family's first walker."""
    exact, coarse = (_power(TOLERANCE[dtype]) for dtype in ("float64", "float32"))
    title = (
        f"Families: largest relative difference from {WRITTEN} over 5 epochs, "
        f"at most {exact} ({coarse} in float32)"
    )
    numbers = ("J", "factors", "J\nfloat32", "factors\nfloat32", "verdict")
    table = _table(("walker", "threads"), numbers)
    for (label, against), members in groupby(rows, key=lambda row: (row.family.label, row.against)):
        other = "" if against == WRITTEN else f", from {against}"
        table.add_row(Text(label + other, style="bold"))
        for row in members:
            gaps = (f(g) for g in (row.gap, row.float32) for f in (_J, _factors))
            threads = " ".join(map(str, row.threads))
            _add(table, row.agrees, f"  {row.walker}", threads, *gaps, row.verdict)
    return _titled(title, table)


def _J(gap: Gap | None) -> str:
    return _power(gap.J) if gap else ""


def _factors(gap: Gap | None) -> str:
    return _power(gap.factors) if gap else ""


def _power(value: float) -> str:
    if math.isnan(value):
        return "-"
    return "0" if value == 0 else f"{value:.0e}"


def conduct(rows: Sequence[Conduct]) -> RenderableType:
    """Backends by how they fared in the conformance suite, with the messages of what failed."""
    table = _table(("backend",), ("passed", "not applicable", "failed"))
    for row in rows:
        counts = row.passed, row.not_applicable, len(row.failures)
        _add(table, row.agrees, row.walker, *map(str, counts))
    failures = (line for row in rows for line in _failures(row))
    return _titled("Conformance", table, failures)


def _failures(row: Conduct) -> Iterator[str]:
    # One message is told once, however many checks it comes from.
    checks: dict[str, list[str]] = {}
    for check, message in row.failures:
        checks.setdefault(message, []).append(check)
    for message, failed in checks.items():
        yield f"{row.walker}: {', '.join(failed)}: {message}"


def destinations(rows: Sequence[Destination]) -> RenderableType:
    """Where each backend ends up."""
    title = f"At convergence on a small problem: |grad J| at most {rows[0].bound:g} of its start"
    table = _table(("backend",), ("J", "test RMSE", "|grad J|", "verdict"))
    for row in rows:
        verdict = "stationary" if row.agrees else "not a minimum of J"
        scores = fixed(row.J), fixed(row.test_rmse), _power(row.stationarity)
        _add(table, row.agrees, row.walker, *scores, verdict)
    return _titled(title, table)


def independences(rows: Sequence[Independence]) -> RenderableType:
    """Same bits for every number of threads, or not."""
    table = _table(("data set", "backend"), ("threads", ""))
    for row in rows:
        bits = "same bits" if row.same_bits else "bits differ"
        note = "" if row.declared else ", as declared"
        threads = " ".join(map(str, row.threads))
        _add(table, row.agrees, row.dataset, row.walker, threads, row.error or bits + note)
    return _titled("Threads: one epoch in tuned settings", table)


def standings(rows: Sequence[Standing]) -> RenderableType:
    """Stored records side by side, repeats that ended alike as one row; what is off in words."""
    numbers = ("epochs", "J", "test RMSE", "|grad J|", "verdict")
    table = _table(("data set", "backend"), numbers)
    for agrees, *cells in dict.fromkeys(map(_standing, rows)):
        _add(table, agrees, *cells)
    return _titled("Records", table, _faults(rows))


def _standing(row: Standing) -> tuple[bool, str, str, str, str, str, str, str]:
    scores = fixed(row.J), fixed(row.test_rmse), _power(row.stationarity)
    verdict = "agrees" if row.agrees else "off"
    return row.agrees, row.dataset, row.walker, str(row.epochs), *scores, verdict


def _faults(rows: Iterable[Standing]) -> Iterable[str]:
    sentences = (f"{r.walker} on {r.dataset}: {fault}" for r in rows for fault in r.faults)
    return dict.fromkeys(sentences)


def _titled(title: str, table: Table, faults: Iterable[str] = ()) -> Group:
    return Group(Text(title, "bold"), table, *(Text(fault, "red") for fault in faults))


def _table(words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for word in words:
        table.add_column(word, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _add(table: Table, agrees: bool, *cells: str) -> None:
    table.add_row(*map(Text, cells), style=None if agrees else "red")
