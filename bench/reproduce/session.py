"""Several experiments one after another: progress, what lacks its data, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench import environment
from bench.problems import DataError
from bench.reproduce import store
from bench.reproduce.experiment import Experiment
from bench.reproduce.outcome import MISSED, Outcome
from bench.reproduce.problems import opener, other_data
from bench.reproduce.run import carry_out
from mfimpls.contract import Problem

Say = Callable[[str, str | None], None]  # a line and its style
Advance = Callable[[int], None]  # by so many passes


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for.

    named    experiments named by themselves, whose data must be there
    path     the user's file, instead of the data set
    time     whether to time what is to be timed
    output   where outcomes are stored
    command  as typed
    """

    named: frozenset[str]
    path: str | None
    time: bool
    output: Path | None
    command: str


@dataclass(slots=True)
class Session:
    """Runs experiments and keeps what came of them."""

    wish: Wish
    outcomes: list[Outcome] = field(default_factory=list)
    lacking: dict[str, DataError] = field(default_factory=dict)  # data set -> why it is not here

    def run(self, experiments: Sequence[Experiment]) -> None:
        """Run them all. Raises DataError before any runs where what was named by itself lacks its
        data, and after all where none could run.
        """
        for experiment in experiments:
            if self.wish.path or experiment.name in self.wish.named:
                self._first(experiment)
        with _progress(sum(e.passes for e in experiments)) as (say, advance):
            for number, experiment in enumerate(experiments, start=1):
                line, style = self._one(experiment, advance)
                say(f"[{number}/{len(experiments)}] {experiment.name}: {line}", style)
            if not self.outcomes:
                raise next(iter(self.lacking.values()))
            for error in self.lacking.values():
                say(str(error), "yellow")

    def _one(self, experiment: Experiment, advance: Advance) -> tuple[str, str | None]:
        # How it went, and in which colour.
        try:
            first = self._first(experiment)
        except DataError as error:
            self.lacking[experiment.dataset] = error
            advance(experiment.passes)
            return f"skipped, {experiment.dataset} is not here", "yellow"
        open_split = opener(experiment, self.wish.path)
        outcome = carry_out(experiment, open_split, lambda: advance(1), self.wish.time)
        strange = other_data(experiment, first) if self.wish.path else ""
        note = " ".join(filter(None, (outcome.note, strange)))
        env = asdict(environment.describe(self.wish.command))
        self.outcomes.append(replace(outcome, note=note, env=env))
        if self.wish.output:
            store.save(self.wish.output, self.outcomes[-1])
        return outcome.verdict, "red" if outcome.verdict == MISSED else None

    def _first(self, experiment: Experiment) -> Problem:
        # The problem of its first split. A data set that could not be had is not asked for again.
        if experiment.dataset in self.lacking:
            raise self.lacking[experiment.dataset]
        open_split = opener(experiment, self.wish.path)
        try:
            return open_split(experiment.splits[0][0])
        except DataError as error:
            if self.wish.path:
                raise
            offer = f"mfbench reproduce {experiment.name} --data FILE"
            sentence = f"{str(error).rstrip('.')}; or name the file of its ratings: {offer}."
            raise DataError(sentence) from None


@contextmanager
def _progress(total: int) -> Iterator[tuple[Say, Advance]]:
    console = Console(stderr=True)
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total)

        def say(line: str, style: str | None) -> None:
            console.print(line, style=style, soft_wrap=True, markup=False, highlight=False)

        yield say, lambda passes: bar.advance(task, passes)
