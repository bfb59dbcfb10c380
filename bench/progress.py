"""What a user sees while cases run: a bar with an ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

from bench.estimate import Estimate, Kind, estimate, estimates, kind, shares, total_s
from bench.plan import Job
from bench.records import Case, Point, Record
from bench.units import fixed, seconds


def announce(waiting: Sequence[Job], reasons: Mapping[str, str | None], total: int) -> None:
    """One line: how many cases run, why, and how many stored results stand."""
    why = Counter(reasons[job.case.key] for job in waiting)
    parts = ", ".join(f"{n} {reason}" for reason, n in why.most_common())
    kept = total - len(waiting)
    line = f"{len(waiting)} of {total} cases to run" + (f" ({parts})" if parts else "")
    click.echo(line + (f"; {kept} are done already, -f runs them again." if kept else "."))


def show_plan(
    waiting: Sequence[Job], reasons: Mapping[str, str | None], known: Mapping[Kind, Estimate]
) -> None:
    """A line per case with its estimate, then the whole and where the time goes."""
    cases = [job.case for job in waiting]
    for case in cases:
        cost = known[kind(case)].of(case) if kind(case) in known else math.nan
        about = f"about {seconds(cost)}" if math.isfinite(cost) else "no estimate"
        click.echo(f"{title(case)}, repeat {case.repeat + 1}: {reasons[case.key]}, {about}")
    if cases:
        parts = [f"{name} is {part:.0%}" for name, part in shares(cases, known).items()]
        click.echo(f"About {seconds(total_s(cases, known))} in all: {', '.join(parts)} of it.")


def title(case: Case) -> str:
    """How a line names a case."""
    return f"{case.dataset} {case.backend} on {case.threads} thread{'s' * (case.threads > 1)}"


def bar(*more: ProgressColumn) -> Progress:
    """A bar on standard error, gone when done; silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.completed:.0f}/{task.total} {task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        *more,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class Reporter:
    """Follows the cases of one command; a context manager."""

    def __init__(self, waiting: Sequence[Job], stored: Iterable[Record]) -> None:
        self.cases = [job.case for job in waiting]
        self.known = estimates(stored)
        self.done = 0
        self.bar = bar(TextColumn("{task.fields[eta]}"))
        self.task = self.bar.add_task("", total=len(self.cases), eta="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def begin(self, job: Job) -> Callable[[Point], None]:
        """Returns what to call with each of the case's points."""
        case = job.case

        def hear(point: Point) -> None:
            part = min(1.0, max(point.epoch / case.epochs, point.train_s / case.budget_s))
            self._show(part, f"epoch {point.epoch}, test RMSE {fixed(point.test_rmse)}")

        self._show(0.0, "starts")
        return hear

    def end(self, record: Record) -> None:
        """Count a finished case and print its line."""
        self.done += 1
        self.bar.update(self.task, completed=self.done)
        if found := estimate(record):
            self.known[kind(record.case)] = found
        style = None if record.succeeded else "red"
        line = f"[{self.done}/{len(self.cases)}] {summary(record)}"
        self.bar.console.print(line, style=style, soft_wrap=True, markup=False, highlight=False)

    def _show(self, part: float, text: str) -> None:
        case, later = self.cases[self.done], self.cases[self.done + 1 :]
        left = total_s(later, self.known) + (1 - part) * total_s([case], self.known)
        eta = f"ETA {seconds(left)}" if math.isfinite(left) else "ETA after the first case"
        self.bar.update(
            self.task, completed=self.done + part, description=f"{title(case)}: {text}", eta=eta
        )


def summary(record: Record) -> str:
    """One line about one finished case."""
    head = f"{title(record.case)}: {record.status}"
    if not record.points:
        return f"{head}, {record.reason}"
    return (
        f"{head}, {record.epochs} epochs in {seconds(record.train_s)} of training "
        f"({seconds(record.wall_s)} in all), test RMSE {fixed(record.points[-1].test_rmse)}"
    )
