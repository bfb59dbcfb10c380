"""How sensitive each backend is to its settings: a table for a terminal, in 100 columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.tune.trials import Sensitivity, Trial
from bench.units import digits, fixed, seconds

NOTE = (
    "Training seconds to the target on the validation part: best, median and worst trial of the "
    "search; a miss is shown by the validation RMSE that it reached. winner: median of three runs."
)
WIDTH = 100
HEADINGS = ("hits", "best", "median", "worst", "winner", "epochs")


def text(found: Sequence[Sensitivity], target: float, title: str) -> str:
    """The table in plain letters, the fastest winner first."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("backend", overflow="fold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("settings of the winner", overflow="fold")
    for one in found:
        table.add_row(*map(Text, _cells(one)))
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(Text(f"{title}: time to validation RMSE {fixed(target)}"))
        console.print(table)
        console.print(Text(NOTE))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _cells(one: Sensitivity) -> tuple[str, ...]:
    winner = one.winner
    epochs = digits(winner.epochs) if winner.epochs is not None else "-"
    return (
        one.backend,
        f"{one.hits}/{len(one.ranked)}",
        *(outcome(trial) for trial in (one.ranked[0], one.middle, one.ranked[-1])),
        seconds(one.winner_s) if winner.state == "hit" else outcome(winner),
        epochs,
        spelled(winner.settings).replace(",", ", "),
    )


def outcome(trial: Trial) -> str:
    """Seconds of a hit, the score of a miss, or the state."""
    if trial.state == "hit" and trial.seconds is not None:
        return seconds(trial.seconds)
    if trial.state in ("missed", "scored") and trial.rmse is not None:
        return fixed(trial.rmse)
    return trial.state


def spelled(settings: Any) -> str:
    """Settings as one types them in a spec."""
    return ",".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}"
                    for k, v in settings.items())  # fmt: skip
