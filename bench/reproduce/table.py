"""Outcomes as a table: in a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.reproduce.experiment import Experiment
from bench.reproduce.outcome import MISSED, REPRODUCED, Outcome, Row
from bench.units import count, digits, fixed

WIDTH = 100
HEADINGS = ("score", "epoch", "published", "here", "band", "off by", "allowed", "verdict")
LEFT = (HEADINGS[0], HEADINGS[-1])
LISTED = ("experiment", "what", "data")
STYLES = {REPRODUCED: "green", MISSED: "red"}
LEGEND = (
    "Here: the median of the samples; band: the lowest and the highest of them. "
    "Allowed: how far from the published value the median may lie, or that the value must lie in "
    "the band."
)


def cells(row: Row) -> tuple[str, ...]:
    """One row under HEADINGS."""
    low, high = row.band
    return (
        row.metric,
        str(row.epoch),
        _published(row),
        number(row.metric, row.median),
        f"{number(row.metric, low)} to {number(row.metric, high)}" if len(row.samples) > 1 else "",
        "" if row.published is None else f"{row.off:+.4f}",
        _allowed(row),
        row.verdict,
    )


def number(metric: str, value: float) -> str:
    """Four decimals, or three digits of a rate or a share; a dash for what is no number."""
    if metric.endswith("/s"):
        return count(value)
    return digits(value) if metric == "moved" else fixed(value)


def _published(row: Row) -> str:
    if row.published is None:
        return ""
    low, high = row.published
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _allowed(row: Row) -> str:
    if row.published is None:
        return ""
    return "in the band" if row.tolerance is None else f"{row.tolerance:g}"


def show(outcomes: Iterable[Outcome]) -> None:
    """Print outcomes, each under its title."""
    console = _console()
    for outcome in outcomes:
        console.print(_heading(outcome))
        console.print(_one(outcome))


def show_experiments(experiments: Iterable[Experiment], here: Callable[[Experiment], bool]) -> None:
    """Print what there is to reproduce, each group under its sources."""
    console = _console()
    for group, found in groupby(experiments, key=lambda experiment: experiment.group):
        members = list(found)
        sources = "; ".join(dict.fromkeys(experiment.source for experiment in members))
        console.print(Text.assemble((group, "bold"), (f": {sources}", "dim")))
        table = _grid(
            ("experiment", "what", "data", "at hand"), left=("experiment", "what", "data")
        )
        for e in members:
            table.add_row(e.name, e.title, e.dataset, "yes" if here(e) else "no")
        console.print(table)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def _grid(headings: Sequence[str], left: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=True)
    return table


def _heading(outcome: Outcome) -> Text:
    head = Text.assemble((f"{outcome.experiment}: {outcome.title}", "bold"))
    lines = [f"{outcome.dataset}, {outcome.source}", how(outcome), outcome.note]
    head.append("".join(f"\n  {line}" for line in lines if line), style="dim")
    return head


def how(outcome: Outcome) -> str:
    """Settings and number of samples."""
    samples = max((len(row.samples) for row in outcome.rows), default=1)
    return outcome.settings + (f", {samples} samples" if samples > 1 else "")


def _one(outcome: Outcome) -> Table | Text:
    if outcome.awaited:
        return Text(f"  raises: {outcome.error}\n", style=STYLES[outcome.verdict])
    table = _grid(HEADINGS, left=LEFT)
    for row in outcome.rows:
        *numbers, verdict = cells(row)
        table.add_row(*numbers, Text(verdict, style=STYLES.get(verdict, "")))
    return table


def markdown(outcomes: Sequence[Outcome], missing: Sequence[Experiment]) -> str:
    """A page: a table for each outcome, group by group, and those experiments that have none."""
    commands = dict.fromkeys(str(outcome.env.get("command", "")) for outcome in outcomes)
    made_by = " and ".join(f"`{command}`" for command in commands)
    parts = ["# Published numbers, reproduced", f"Made by {made_by}. {LEGEND}"]
    for group, found in groupby(outcomes, key=lambda outcome: outcome.group):
        parts += [f"## {group}", *map(_section, found)]
    if missing:
        lines = [f"- `{e.name}`: {e.title}; it takes {e.dataset}." for e in missing]
        parts += ["## Not run here", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _section(outcome: Outcome) -> str:
    text = f"**{outcome.experiment}**: {outcome.title}. `{how(outcome)}` on {outcome.dataset}."
    text += f" Source: {outcome.source}. {outcome.note}".rstrip()
    if outcome.awaited:
        return f"{text}\n\nIt raises: `{outcome.error}`"
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, outcome.rows)]
    return f"{text}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)
