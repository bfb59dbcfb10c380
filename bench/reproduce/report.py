"""What a directory of outcomes shows: the page with the tables, and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.plots import look
from bench.records import unwritable
from bench.reproduce import figures, store, table
from bench.reproduce.experiment import Experiment
from bench.reproduce.outcome import Outcome

PAGE = "reproduce.md"


def ensure_writable(directory: Path) -> None:
    """Make the directory and a file in it, before anything runs for long. Raises ResultsError."""
    probe = directory / ".mfbench"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise unwritable(directory, error) from None


def publish(directory: Path, experiments: Sequence[Experiment]) -> list[Path]:
    """Draw the page and the figures from all outcomes in the directory; what was written.

    `experiments` are all there are: those without an outcome are listed as not run. Raises
    ResultsError.
    """
    outcomes = store.load(directory, [experiment.name for experiment in experiments])
    done = {outcome.experiment for outcome in outcomes}
    missing = [experiment for experiment in experiments if experiment.name not in done]
    page = directory / PAGE
    store.write(page, table.markdown(outcomes, missing))
    return [page, *_figures(directory, outcomes)]


def _figures(directory: Path, outcomes: Sequence[Outcome]) -> list[Path]:
    written = []
    try:
        with look.applied():
            for name, figure in figures.figures(outcomes).items():
                for suffix in ("png", "svg"):
                    written.append(directory / f"{name}.{suffix}")
                    look.save(figure, written[-1])
    except OSError as error:
        raise unwritable(directory, error) from None
    return written
