"""The clock's self-test as a reader wants it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import overhead
from bench.selftest import SLACK_S, TOLERANCE, Check
from bench.units import seconds

WIDTH = 100  # off a terminal
TOLERATED = f"Off by more than {TOLERANCE:.0%} and {seconds(SLACK_S)} fails."


def show(checks: Sequence[Check], costs: Sequence[Check]) -> None:
    """Print the verdicts, the harness's own costs, and the clocks."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(_verdicts("Measured against known", "known", checks))
    console.print(Text(TOLERATED, style="dim"))
    console.print(_verdicts("What the harness takes", "goal", costs), _clocks())


def _verdicts(title: str, expected: str, checks: Sequence[Check]) -> Table:
    table = _table(title, expected, "measured", "off", "")
    for check in checks:
        mark = Text("ok") if check.ok else Text("off", style="bold red")
        table.add_row(*map(Text, (check.what, check.expected, check.found, check.off)), mark)
    return table


def _clocks() -> Table:
    table = _table("Clocks", "resolution", "least step", "a reading")
    for clock in overhead.clocks():
        times = (clock.resolution_s, clock.step_s, clock.reading_s)
        table.add_row(Text(clock.name), *(Text(seconds(value)) for value in times))
    return table


def _table(title: str, *numbers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(Text(title, style="bold"), min_width=40)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
