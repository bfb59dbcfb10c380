"""What a user sees while trials run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from bench.progress import bar
from bench.records import Point
from bench.tune.table import outcome, spelled
from bench.tune.trials import Trial
from bench.units import fixed, seconds


class Follower:
    """Follows the trials of one tuning, of which `total` are to run; a context manager."""

    def __init__(self, total: int) -> None:
        self.bar = bar()
        self.task = self.bar.add_task("", total=total)
        self.title = ""

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

    def begin(self, stage: str, backend: str, number: int, of: int) -> None:
        """A trial starts."""
        names = {"model": "model", "search": backend, "again": f"{backend} again", "loss": "J"}
        count = f" {number + 1}/{of}" if stage in ("model", "search") else ""
        self.title = names[stage] + count
        self.bar.update(self.task, description=self.title)

    def hear(self, point: Point) -> None:
        """A trial has come to an epoch."""
        said = f"{self.title}: epoch {point.epoch}, validation RMSE {fixed(point.test_rmse)}"
        self.bar.update(self.task, description=said)

    def end(self, trial: Trial) -> None:
        """Count a trial and print its line."""
        self.bar.advance(self.task)
        self.bar.console.print(
            f"{self.title}: {summary(trial)}", soft_wrap=True, markup=False, highlight=False
        )


def summary(trial: Trial) -> str:
    """One line about one trial."""
    spent = f"{trial.trained_epochs} epochs"
    if trial.trained_s is not None:
        spent += f" in {seconds(trial.trained_s)}"
    said = outcome(trial)
    state = trial.state if said == trial.state else f"{trial.state}, {said}"
    reason = f" ({trial.reason})" if trial.state in ("error", "timeout", "unsupported") else ""
    return f"{state}{reason}, {spent}; {spelled(trial.settings) or 'nothing to set'}"
