"""What a user sees while cases run: a bar with an ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.plan import Job
from bench.records import Point, Record
from bench.units import fixed, seconds

Costs = dict[tuple[str, str], list[float]]


def announce(waiting: Sequence[Job], reasons: Mapping[str, str | None], total: int) -> None:
    """One line: how many cases run, why, and how many stored results stand."""
    why = Counter(reasons[job.case.key] for job in waiting)
    parts = ", ".join(f"{n} {reason}" for reason, n in why.most_common())
    kept = total - len(waiting)
    line = f"{len(waiting)} of {total} cases to run" + (f" ({parts})" if parts else "")
    click.echo(line + (f"; {kept} are done already, -f runs them again." if kept else "."))


def show_plan(
    waiting: Sequence[Job], reasons: Mapping[str, str | None], stored: Sequence[Record]
) -> None:
    """A line per case, with what it took before where that is known."""
    costs = _costs(stored)
    for job in waiting:
        case = job.case
        known = costs.get((case.dataset, case.backend))
        cost = f"about {seconds(mean(known))}" if known else "never run here"
        why = reasons[case.key]
        click.echo(f"{case.dataset}  {case.backend}  repeat {case.repeat + 1}: {why}, {cost}")


def _costs(stored: Sequence[Record]) -> Costs:
    costs: Costs = {}
    for record in stored:
        costs.setdefault((record.case.dataset, record.case.backend), []).append(record.wall_s)
    return costs


class Reporter:
    """Follows the cases of one command; a context manager."""

    def __init__(self, total: int) -> None:
        self.console = Console(stderr=True)
        self.done: list[Record] = []
        self.total = total
        self.bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total} {task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=total, eta="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def begin(self, job: Job) -> Callable[[Point], None]:
        """Returns what to call with each of the case's points."""
        case, before = job.case, len(self.done)
        title = f"{case.dataset} {case.backend}"

        def hear(point: Point) -> None:
            shares = point.epoch / case.epochs, point.train_s / case.budget_s
            self.bar.update(
                self.task,
                completed=before + min(1.0, max(shares)),
                description=f"{title}: epoch {point.epoch}, test RMSE {fixed(point.test_rmse)}",
                eta=self._eta(),
            )

        self.bar.update(self.task, description=title, eta=self._eta())
        return hear

    def end(self, record: Record) -> None:
        self.done.append(record)
        self.bar.update(self.task, completed=len(self.done), eta=self._eta())
        style = None if record.succeeded else "red"
        self.bar.console.print(self._line(record), style=style, soft_wrap=True, markup=False)

    def _eta(self) -> str:
        # Cases are interleaved, so the mean of those done stands for those to come.
        if not self.done:
            return "ETA after the first case"
        left = (self.total - len(self.done)) * mean(record.wall_s for record in self.done)
        return f"ETA {seconds(left)}"

    def _line(self, record: Record) -> str:
        case = record.case
        head = f"[{len(self.done)}/{self.total}] {case.dataset} {case.backend}"
        if not record.points:
            return f"{head}: {record.status}, {record.reason}"
        last = record.points[-1]
        return (
            f"{head}: {record.status}, {record.epochs} epochs in {seconds(record.train_s)} of "
            f"training ({seconds(record.wall_s)} in all), test RMSE {fixed(last.test_rmse)}"
        )
